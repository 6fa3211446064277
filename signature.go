package stripeapps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/internal/body"
	"github.com/seed-8a2ffb75/stripeapps/internal/response"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

const (
	// DefaultTolerance is how far a signature's time may be from the clock,
	// in either direction, unless VerifierConfig.Tolerance says otherwise.
	DefaultTolerance = 5 * time.Minute
	// DefaultMaxBodyBytes is the largest body that is read, unless
	// VerifierConfig.MaxBodyBytes says otherwise.
	DefaultMaxBodyBytes = 1 << 20
	// DefaultBodyTimeout is how long a body may take to arrive, unless
	// VerifierConfig.BodyTimeout says otherwise.
	DefaultBodyTimeout = 30 * time.Second

	maxTolerance    = 24 * time.Hour
	maxMaxBodyBytes = 1 << 30
	maxBodyTimeout  = 24 * time.Hour
)

// VerifierConfig configures a Verifier. Only Secrets is required; the zero
// value of every other field is the documented default. It is copied: changing
// it later has no effect.
type VerifierConfig struct {
	// Secrets are the app's signing secrets (absec_…), at most 16. While a
	// secret is being rolled, list the new and the old one: every secret is
	// tried against every v1 signature. A blank, padded, repeated or wrong kind
	// of secret (whsec_, sk_, rk_, pk_, …) is an error.
	//
	// https://docs.stripe.com/stripe-apps/build-backend#expire-and-create-secrets
	Secrets []string

	// LabeledSecrets are given instead of Secrets where it matters which of them
	// has signed: where one route serves several apps, or sandboxes, each of
	// which has secrets of its own, or to see when an old secret is out of use.
	// Signature.SecretLabel tells it. Secrets that are the same to you, like the
	// new and the old one of an app, may have the same label; none may be empty.
	LabeledSecrets []LabeledSecret

	// Tolerance is how far the signature's time may be from Now, in the past
	// and in the future, the limit included. 0 means DefaultTolerance;
	// negative values and values over 24 hours are errors.
	Tolerance time.Duration

	// MaxBodyBytes is the largest request body that is read; a larger one is
	// refused with ErrBodyTooLarge. 0 means DefaultMaxBodyBytes; negative
	// values and values over 1 GiB are errors. A Source that does not read the
	// body does not bound it either.
	MaxBodyBytes int64

	// BodyTimeout is how long a request body may take to arrive, as a whole, from
	// when Handler begins to read it; a slower one is refused with
	// ErrBodyUnreadable. So long, too, the server may read what is left of the body
	// of a refused request. 0 means DefaultBodyTimeout; negative values and values
	// over 24 hours are errors. It takes the place of a longer ReadTimeout of the
	// http.Server, and of a deadline that a middleware outside has set; a ReadTimeout
	// that is not longer is used instead. It needs a ResponseWriter that has
	// SetReadDeadline or Unwrap, as net/http's has; Verify sets none.
	BodyTimeout time.Duration

	// Source says where the signed payload is. The zero value is SignedBody.
	Source Source

	// InsecureAllowMissingUser also accepts payloads that carry no user_id and
	// end in account_id, as Stripe has been seen to sign where there is no
	// signed-in user. Identity.UserID is then empty: never compare it with a
	// stored value that can be empty too.
	InsecureAllowMissingUser bool

	// Now returns the current time. nil means time.Now. It must be safe for
	// concurrent use.
	Now func() time.Time

	// ErrorHandler responds to a refused request; err is an *Error. nil means
	// WriteProblem, which also responds if it writes nothing, lest that be an empty
	// 200. Its response has no-store and Vary as an accepted request's has.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error)

	// Observe, if not nil, is told the verdict on each request: once when Verify,
	// or Handler, has accepted or refused it, and once more if Require or Refuse
	// refuses it later. LogRefusals makes one that logs; package explain has one
	// that says, in development, why a signature does not match.
	//
	// It is called concurrently, before the request goes on or is responded to,
	// and holds it up for as long as it takes.
	Observe func(Verdict)
}

// LabeledSecret is a signing secret with a name. The name may be shown and logged.
type LabeledSecret struct {
	Label  string
	Secret string
}

// Verifier verifies that a request was signed by Stripe for a UI extension of
// this app, and reads which user and account it comes from.
//
// A signature proves that Stripe signed exactly this payload, at this time, with
// the app's secret, for the user and account that the payload names. It does
// NOT cover the method, the path, the query, other headers, or live and test
// mode; it can be used again until it is too old. Put what matters into the
// payload (an action, livemode) and demand it with Require.
//
// A Verifier is made by NewVerifier and safe for concurrent use.
type Verifier struct {
	keys         atomic.Pointer[signed.Keyring]
	tolerance    time.Duration
	maxBodyBytes int64
	bodyTimeout  time.Duration
	source       Source
	allowNoUser  bool
	now          func() time.Time
	errorHandler func(w http.ResponseWriter, r *http.Request, err error)
	observe      func(Verdict)
}

// NewVerifier returns a Verifier, or an error that names all that is wrong with cfg.
// The error's text never shows any part of a secret.
func NewVerifier(cfg VerifierConfig) (*Verifier, error) {
	v := &Verifier{
		tolerance:    cmp.Or(cfg.Tolerance, DefaultTolerance),
		maxBodyBytes: cmp.Or(cfg.MaxBodyBytes, DefaultMaxBodyBytes),
		bodyTimeout:  cmp.Or(cfg.BodyTimeout, DefaultBodyTimeout),
		source:       cfg.Source,
		allowNoUser:  cfg.InsecureAllowMissingUser,
		now:          cfg.Now,
		errorHandler: cfg.ErrorHandler,
		observe:      cfg.Observe,
	}
	if v.now == nil {
		v.now = time.Now
	}

	errs := []error{v.setSecrets(cfg.Secrets, cfg.LabeledSecrets)}
	if v.tolerance < 0 || v.tolerance > maxTolerance {
		errs = append(errs, fmt.Errorf("stripeapps: Tolerance is %v: it must be 0 (meaning %v) or from 1ns to %v", v.tolerance, DefaultTolerance, maxTolerance))
	}
	if v.maxBodyBytes < 0 || v.maxBodyBytes > maxMaxBodyBytes {
		errs = append(errs, fmt.Errorf("stripeapps: MaxBodyBytes is %d: it must be 0 (meaning %d) or from 1 to %d", v.maxBodyBytes, DefaultMaxBodyBytes, maxMaxBodyBytes))
	}
	if v.bodyTimeout < 0 || v.bodyTimeout > maxBodyTimeout {
		errs = append(errs, fmt.Errorf("stripeapps: BodyTimeout is %v: it must be 0 (meaning %v) or from 1ns to %v", v.bodyTimeout, DefaultBodyTimeout, maxBodyTimeout))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return v, nil
}

// SetSecrets replaces the secrets, under the same rules as
// VerifierConfig.Secrets. It can be called while requests are in flight: each
// request is verified with the secrets before or those after the call, never
// with a mixture. If it returns an error, the former secrets stay in force. Where
// there are several Verifiers, call it on each.
func (v *Verifier) SetSecrets(secrets ...string) error { return v.setSecrets(secrets, nil) }

// SetLabeledSecrets is SetSecrets with labels.
func (v *Verifier) SetLabeledSecrets(secrets ...LabeledSecret) error {
	return v.setSecrets(nil, secrets)
}

func (v *Verifier) setSecrets(secrets []string, labeled []LabeledSecret) error {
	var ring signed.Keyring
	var err error
	switch {
	case secrets != nil && labeled != nil:
		return errors.New("stripeapps: Secrets and LabeledSecrets are both set: give each secret a label, or none")
	case labeled == nil:
		ring, err = signed.NewKeyring("Secrets", secrets)
	default:
		entries := make([]signed.Labeled, len(labeled))
		for i, entry := range labeled {
			entries[i] = signed.Labeled(entry)
		}
		ring, err = signed.NewLabeledKeyring("LabeledSecrets", entries)
	}
	if err != nil {
		return err
	}
	v.keys.Store(&ring)
	return nil
}

// Handler returns a handler that calls next with requests that Verify accepts,
// and refuses all others; a refused request never reaches next.
//
// When the status line of an accepted request's response is written, it gets
// Cache-Control: no-store, unless next has set a Cache-Control of its own, and Vary
// names Stripe-Signature, Stripe-User-Id and Stripe-Account-Id: caches keep to
// themselves what was asked for with Authorization, but know nothing of these. A
// middleware outside can still change both.
func (v *Verifier) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := check{w: w}
		accepted, err := v.verify(r, &c)
		if err != nil {
			if !c.received || v.source.onlyIDs() { // the server reads the body that was not
				new(body.Deadline).Set(w, r, v.bodyTimeout)
			}
			v.Refuse(w, r, err)
			return
		}
		// What stands outside sees its own request only, not the copy: a log or a
		// metric the pattern that a mux inside has found, and the server the files
		// that it has to remove.
		defer func() {
			r.Pattern = accepted.Pattern
			if form := accepted.MultipartForm; form != nil && form != r.MultipartForm {
				form.RemoveAll()
			}
		}()
		w = response.Private(w)
		next.ServeHTTP(w, accepted)
		response.Finish(w)
	})
}

// Verify verifies r and returns a copy of it whose context carries the identity
// and the signed payload, and whose body, if it had to be read, can be read
// again from its start. r itself is not modified, but its body is consumed. Use
// it to adapt other frameworks, and v.Refuse for the refusal; Handler is both.
// Hand the copy on: a framework that keeps the request it has loses the identity,
// and has a body that was read. As after any WithContext, the files of a
// MultipartForm parsed from the copy are the caller's to remove.
//
// The error is an *Error of any code but those of Require and DecodePayload. A
// slow client can hold the call for as long as the server's ReadTimeout lets
// it: set one. (BodyTimeout is Handler's.)
func (v *Verifier) Verify(r *http.Request) (*http.Request, error) {
	return v.verify(r, new(check))
}

// verify is Verify, for a check that is begun.
func (v *Verifier) verify(r *http.Request, c *check) (*http.Request, error) {
	if v.observe == nil {
		return v.judge(r, c)
	}
	began := v.now()
	accepted, err := v.judge(r, c)
	v.tell(r, accepted, *c, err, began)
	return accepted, err
}

// judge is verify without an observer.
func (v *Verifier) judge(r *http.Request, c *check) (*http.Request, error) {
	if v.now == nil {
		return nil, errNotMade
	}
	header, fault := signed.JoinLines(r.Header[headerSignature])
	if fault != signed.OK {
		return nil, refusalOf(fault)
	}
	var h signed.Header
	if fault := h.Parse(header); fault != signed.OK {
		return nil, refusalOf(fault)
	}
	c.at = v.now()
	if err := v.checkAge(&h, c.at); err != nil {
		return nil, err
	}
	var body []byte
	c.payload, body, c.payloadErr = v.receive(c.w, r)
	c.received = true
	if c.payloadErr != nil {
		return nil, c.payloadErr
	}
	if !v.source.onlyIDs() { // the body has taken its time, in which the signature can have become too old
		c.at = v.now()
		if err := v.checkAge(&h, c.at); err != nil {
			return nil, err
		}
	}
	c.signature, c.matched = v.match(&h, c.payload)
	if !c.matched {
		return nil, v.noMatch(r, &h, c.payload)
	}
	state, err := newVerified(c.payload, c.signature, v.allowNoUser)
	if err != nil {
		return nil, err
	}
	state.verifier = v

	accepted := r.WithContext(context.WithValue(r.Context(), contextKey{}, state))
	if len(body) > 0 {
		state.body.Reset(body)
		state.body.Original = r.Body
		accepted.Body = &state.body
	}
	return accepted, nil
}

// Signature is a verified signature.
type Signature struct {
	// SignedAt is when Stripe signed, in whole seconds, in UTC. Until ExpiresAt,
	// included, the Verifier accepts the signature again and again: see package
	// replay.
	SignedAt, ExpiresAt time.Time
	// Secret is the index of the secret that Stripe signed with, among those in
	// force.
	Secret int
	// SecretLabel is its label, or "" where it has none.
	SecretLabel string
}

// VerifyPayload verifies that header, the value of Stripe-Signature, holds a
// signature over payload that was made with one of the secrets and is not
// outside the tolerance. The payload is taken as it is: pass the bytes that
// were received, never re-encoded JSON.
//
// It does NOT read the payload: it says nothing about whose request it is, nor
// about the payload's form. Verify and VerifyIdentity do both, and VerifyStripeCall
// is for what Stripe itself sends. Whoever may use the app can have any JSON object
// signed, at any time, by calling fetchStripeSignature in their own browser; what
// they cannot choose are the ids in it, which are their own, wherever they stand.
//
// The error is ErrNotSigned, ErrMalformedSignature, ErrTooOld, ErrTooNew or
// ErrNoMatch. The time is checked before the MAC, which costs most.
// VerifyPayload makes no allocations.
func (v *Verifier) VerifyPayload(payload []byte, header string) (Signature, error) {
	return v.verifyPayload(payload, header, time.Time{})
}

// VerifyIdentity is VerifyPayload, by the time at, and reads the identity out of
// the payload as Verify does. It is for payloads that do not come by HTTP, or come
// later, like those from a queue: at is when the request was received, as the
// queue tells it (a time that its sender can choose is worth nothing), or the zero
// Time for Now.
//
// Beside those of VerifyPayload, the error is ErrNoIdentity or ErrInstallSignature.
func (v *Verifier) VerifyIdentity(payload []byte, header string, at time.Time) (Identity, error) {
	signature, err := v.verifyPayload(payload, header, at)
	if err != nil {
		return Identity{}, err
	}
	state, err := newVerified(payload, signature, v.allowNoUser)
	if err != nil {
		return Identity{}, err
	}
	return state.identity, nil
}

// VerifyStripeCall is VerifyPayload for calls that Stripe makes by itself, signed
// with the app's secret, like those of a remote function: their body names no
// user, is the payload as a whole, and may be empty. A payload that a Dashboard user
// can have had signed, for an extension's request or an install link, is
// ErrExtensionSignature: an object that names account_id or user_id at its top level,
// in any spelling that some decoder takes for them, or that cannot be read.
//
// The body must be bounded by the caller, and read whole. Which headers and forms
// Stripe uses for such calls is not documented in full: try it out.
//
// https://docs.stripe.com/extensions/custom-actions/build-with-remote-function
func (v *Verifier) VerifyStripeCall(payload []byte, header string) (Signature, error) {
	signature, err := v.verifyPayload(payload, header, time.Time{})
	if err == nil && signed.MayBeExtensions(payload) {
		return Signature{}, ErrExtensionSignature
	}
	return signature, err
}

// verifyPayload judges the age by the time at, or by the clock if that is zero.
func (v *Verifier) verifyPayload(payload []byte, header string, at time.Time) (Signature, error) {
	if v.now == nil {
		return Signature{}, errNotMade
	}
	var h signed.Header
	if fault := h.Parse(header); fault != signed.OK {
		return Signature{}, refusalOf(fault)
	}
	if at.IsZero() {
		at = v.now()
	}
	if err := v.checkAge(&h, at); err != nil {
		return Signature{}, err
	}
	signature, ok := v.match(&h, payload)
	if !ok {
		return Signature{}, ErrNoMatch
	}
	return signature, nil
}

func (v *Verifier) checkAge(h *signed.Header, now time.Time) error {
	// Sub saturates, so that no time, however far away, wraps around.
	age := now.Sub(time.Unix(h.SignedAt, 0))
	if age > v.tolerance {
		return ErrTooOld
	}
	if age < -v.tolerance {
		return ErrTooNew
	}
	return nil
}

// match tells which secret the payload is signed with.
func (v *Verifier) match(h *signed.Header, payload []byte) (_ Signature, ok bool) {
	keys := *v.keys.Load()
	i := keys.Match(h, payload)
	if i < 0 {
		return Signature{}, false
	}
	at := time.Unix(h.SignedAt, 0).UTC()
	return Signature{SignedAt: at, ExpiresAt: at.Add(v.tolerance), Secret: i, SecretLabel: keys[i].Label}, true
}

// maxDiagnosedBytes is up to which size a body that no signature matches is read for
// its ids, only to say more: anyone can cause refusals, and they must cost little.
// Beyond it, what would be ErrOnlyIDsSigned is ErrNoMatch.
const maxDiagnosedBytes = 64 << 10

// noMatch says why no signature matches, as far as that can be told.
func (v *Verifier) noMatch(r *http.Request, h *signed.Header, payload []byte) error {
	hasIDs := r.Header[headerUserID] != nil || r.Header[headerAccountID] != nil
	switch {
	case v.source.onlyIDs():
		return errNoMatchIDs
	case v.source != SignedBody:
		return ErrNoMatch
	case len(payload) == 0 && hasIDs:
		return errNoBodyButIDs
	case len(payload) == 0 && r.ContentLength < 0: // a body without a length
		return errBodyGone
	case len(payload) == 0:
		return errNoBody
	case len(payload) <= maxDiagnosedBytes && v.onlyIDsSigned(h, payload):
		return ErrOnlyIDsSigned
	case r.Header.Get("Content-Encoding") != "":
		return errEncodedBody
	default:
		return ErrNoMatch
	}
}

// onlyIDsSigned reports whether the signature, which does not cover the body,
// covers the two ids that the body names.
func (v *Verifier) onlyIDsSigned(h *signed.Header, body []byte) bool {
	ids := signed.NamedIDs(body, v.allowNoUser)
	return ids != nil && v.keys.Load().Match(h, ids) >= 0
}
