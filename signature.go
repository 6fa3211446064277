package stripeapps

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// DefaultTolerance is how far a signature's time may be from the clock,
	// in either direction, unless VerifierConfig.Tolerance says otherwise.
	DefaultTolerance = 5 * time.Minute
	// DefaultMaxBodyBytes is the largest body that is read, unless
	// VerifierConfig.MaxBodyBytes says otherwise.
	DefaultMaxBodyBytes = 1 << 20

	maxTolerance    = 24 * time.Hour
	maxMaxBodyBytes = 1 << 30
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

	// Tolerance is how far the signature's time may be from Now, in the past
	// and in the future, the limit included. 0 means DefaultTolerance;
	// negative values and values over 24 hours are errors.
	Tolerance time.Duration

	// MaxBodyBytes is the largest request body that is read; a larger one is
	// refused with ErrBodyTooLarge. 0 means DefaultMaxBodyBytes; negative
	// values and values over 1 GiB are errors. A Source that does not read the
	// body does not bound it either.
	MaxBodyBytes int64

	// Source says where the signed payload is. 0 means SignedBody.
	Source Source

	// SourceFunc finds the signed payload where no Source does. Source must
	// then be left 0.
	SourceFunc SourceFunc

	// InsecureAllowMissingUser also accepts payloads that carry no user_id and
	// end in account_id, as Stripe has been seen to sign where there is no
	// signed-in user. Identity.UserID is then empty: never compare it with a
	// stored value that can be empty too.
	InsecureAllowMissingUser bool

	// Now returns the current time. nil means time.Now. It must be safe for
	// concurrent use.
	Now func() time.Time

	// ErrorHandler answers a refused request; err is an *Error. nil means
	// WriteProblem. If it writes nothing, WriteProblem answers after it, so
	// that a refusal does not turn into an empty 200.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error)

	// Logger, if not nil, gets a line at level Info for each refused request,
	// with its code, status and detail and nothing from the request. The
	// request's context is passed on to the slog.Handler.
	Logger *slog.Logger

	// Explain also gives Logger a line at level Info for each Explanation of a
	// refused request: which usual mistake fits, and what to change. It is for
	// development, not for production: each refusal can cost as much as hashing
	// 32 MiB, the body is read even where the header is refused already, and the
	// lines can name members that the request has. They are never part of an
	// answer. Without a Logger it is an error.
	Explain bool
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
	keys         atomic.Pointer[keyring]
	tolerance    time.Duration
	maxBodyBytes int64
	source       SourceFunc // nil: the body
	readsBody    bool
	queryIDs     bool // only for explanations
	allowNoUser  bool
	explain      bool
	now          func() time.Time
	refuser      refuser
}

// NewVerifier returns a Verifier, or an error that names every problem of cfg.
// The error's text never shows any part of a secret.
func NewVerifier(cfg VerifierConfig) (*Verifier, error) {
	v := &Verifier{
		tolerance:    cfg.Tolerance,
		maxBodyBytes: cfg.MaxBodyBytes,
		allowNoUser:  cfg.InsecureAllowMissingUser,
		explain:      cfg.Explain,
		now:          cfg.Now,
		refuser:      refuser{handler: cfg.ErrorHandler, logger: cfg.Logger},
	}
	if v.tolerance == 0 {
		v.tolerance = DefaultTolerance
	}
	if v.maxBodyBytes == 0 {
		v.maxBodyBytes = DefaultMaxBodyBytes
	}
	if v.now == nil {
		v.now = time.Now
	}

	problems := []error{v.SetSecrets(cfg.Secrets...), v.setSource(cfg.Source, cfg.SourceFunc)}
	if v.tolerance < 0 || v.tolerance > maxTolerance {
		problems = append(problems, fmt.Errorf("stripeapps: Tolerance is %v: it must be 0 (meaning %v) or from 1ns to %v", v.tolerance, DefaultTolerance, maxTolerance))
	}
	if v.maxBodyBytes < 0 || v.maxBodyBytes > maxMaxBodyBytes {
		problems = append(problems, fmt.Errorf("stripeapps: MaxBodyBytes is %d: it must be 0 (meaning %d) or from 1 to %d", v.maxBodyBytes, DefaultMaxBodyBytes, maxMaxBodyBytes))
	}
	if cfg.Explain && cfg.Logger == nil {
		problems = append(problems, errors.New("stripeapps: Explain is set and Logger is nil: set the Logger that gets the explanations, or leave Explain false"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return v, nil
}

// SetSecrets replaces the secrets, under the same rules as
// VerifierConfig.Secrets. It can be called while requests are in flight: each
// request is verified with the secrets before or those after the call, never
// with a mixture. If it returns an error, the former secrets stay in force. Where
// there are several Verifiers, call it on each.
func (v *Verifier) SetSecrets(secrets ...string) error {
	ring, err := newKeyring(secrets)
	if err != nil {
		return err
	}
	v.keys.Store(&ring)
	return nil
}

// Signature is a verified signature.
type Signature struct {
	// SignedAt is when Stripe signed, in whole seconds, in UTC.
	SignedAt time.Time
}

// VerifyPayload verifies that header, the value of Stripe-Signature, holds a
// signature over payload that was made with one of the secrets and is not
// outside the tolerance. The payload is taken as it is: pass the bytes that
// were received, never re-encoded JSON.
//
// It does NOT read the payload: it says nothing about whose request it is, nor
// about the payload's form. Verify does both.
//
// The error is ErrNotSigned, ErrMalformedSignature, ErrTooOld, ErrTooNew or
// ErrNoMatch. The time is checked before the MAC, which costs most.
// VerifyPayload makes no allocations.
func (v *Verifier) VerifyPayload(payload []byte, header string) (Signature, error) {
	var h signatureHeader
	if err := v.readHeader(&h, header); err != nil {
		return Signature{}, err
	}
	if !v.keys.Load().match(&h, payload) {
		return Signature{}, ErrNoMatch
	}
	return h.signature(), nil
}

// readHeader parses the header and checks its time.
func (v *Verifier) readHeader(h *signatureHeader, header string) error {
	if err := h.parse(header); err != nil {
		return err
	}
	// Sub saturates, so that no time, however far away, wraps around.
	age := v.now().Sub(time.Unix(h.signedAt, 0))
	if age > v.tolerance {
		return ErrTooOld
	}
	if age < -v.tolerance {
		return ErrTooNew
	}
	return nil
}

const (
	maxHeaderBytes = 4 << 10
	maxSignatures  = 16
)

var (
	errHeaderTooLong     = ErrMalformedSignature.because("the Stripe-Signature header is longer than 4096 bytes")
	errTooManySignatures = ErrMalformedSignature.because("the Stripe-Signature header has more than 16 v1 signatures")
	errRepeatedHeader    = ErrMalformedSignature.because("the request has more than one Stripe-Signature header")
	errNoV1              = ErrNoMatch.because("the Stripe-Signature header has no v1 signature")
)

// signatureHeader is a parsed Stripe-Signature header.
type signatureHeader struct {
	signedAt  int64  // Unix seconds
	timestamp string // the same as written, which is what was signed
	macs      [maxSignatures][sha256.Size]byte
	count     int // of macs
}

func (h *signatureHeader) signature() Signature {
	return Signature{SignedAt: time.Unix(h.signedAt, 0).UTC()}
}

// parse reads "t=1700000000,v1=<64 hex digits>,…" in one pass. Only the
// canonical form is accepted, the one Stripe writes: exactly one t, in decimal
// digits without a leading zero; each v1 in 64 lower-case hex digits; no spaces.
// Keys other than those two are ignored, as Stripe may add schemes.
//
// https://docs.stripe.com/webhooks#verify-manually
func (h *signatureHeader) parse(header string) error {
	if header == "" {
		return ErrNotSigned
	}
	if len(header) > maxHeaderBytes {
		return errHeaderTooLong
	}
	for rest, more := header, true; more; {
		equals := strings.IndexByte(rest, '=')
		if equals < 0 {
			return ErrMalformedSignature
		}
		key, ok := rest[:equals], false
		rest = rest[equals+1:]
		switch key {
		case "t":
			ok = h.timestamp == ""
			h.signedAt, h.timestamp, rest = cutTimestamp(rest)
			ok = ok && h.timestamp != ""
		case "v1":
			if h.count == maxSignatures {
				return errTooManySignatures
			}
			rest, ok = cutMAC(&h.macs[h.count], rest)
			h.count++
		default:
			end := strings.IndexByte(rest, ',')
			if end < 0 {
				end = len(rest)
			}
			ok = key != "" && !strings.ContainsAny(key, ", ") && !strings.ContainsAny(rest[:end], "= ")
			rest = rest[end:]
		}
		// What follows a value is the end, or a comma and another pair.
		if more = rest != ""; more {
			ok = ok && rest[0] == ','
			rest = rest[1:]
		}
		if !ok {
			return ErrMalformedSignature
		}
	}
	if h.timestamp == "" {
		return ErrMalformedSignature
	}
	if h.count == 0 {
		return errNoV1
	}
	return nil
}

// maxTimestampDigits always fit into an int64.
const maxTimestampDigits = 18

// cutTimestamp reads canonical decimal digits from the start of s; text is
// empty if there are none.
func cutTimestamp(s string) (seconds int64, text, rest string) {
	n := 0
	for n < len(s) && n < maxTimestampDigits && '0' <= s[n] && s[n] <= '9' {
		seconds = seconds*10 + int64(s[n]-'0')
		n++
	}
	if n > 1 && s[0] == '0' {
		return 0, "", s
	}
	return seconds, s[:n], s[n:]
}

// cutMAC reads an HMAC-SHA256 in lower-case hex from the start of s.
func cutMAC(mac *[sha256.Size]byte, s string) (rest string, ok bool) {
	if len(s) < 2*len(mac) {
		return s, false
	}
	digits, rest := s[:2*len(mac)], s[2*len(mac):]
	var wrong byte
	for i := range mac {
		high, low := hexValue[digits[2*i]], hexValue[digits[2*i+1]]
		mac[i] = high<<4 | low
		wrong |= high | low
	}
	return rest, wrong <= 0xf
}

// hexValue holds what each lower-case hex digit means, and 0xff for every other
// byte.
var hexValue = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for value, digit := range []byte("0123456789abcdef") {
		table[digit] = byte(value)
	}
	return table
}()
