// Package replay lets a signature be used once.
//
// A signature is good until it is older than the Verifier's tolerance, and until
// then anybody who has seen it can send the request again: from a log, a browser's
// tools, a proxy. Once remembers each signature for that long and refuses the second
// use. Put it on routes that must not do a thing twice; what only reads needs none.
//
//	guard := replay.NewMemory(replay.MemoryConfig{})
//	once, err := replay.Once(replay.Config{Guard: guard})
//	…
//	mux.Handle("POST /api/payouts", once(payouts)) // behind the verifier
//
// Stripe's times have whole seconds: two requests with equal payloads in one second
// have the same signature, and the second one would pass for a replay. A guarded
// route therefore demands a member nonce in the signed payload, new for each
// request: {...payload, nonce: crypto.randomUUID()}.
//
// One process needs no more than NewMemory. Where there are several, they need a
// Guard that they share, such as the one of package redisreplay; package replaytest
// tests any.
package replay

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/response"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// Guard remembers keys until a time.
//
// An implementation MUST:
//   - let exactly one of any number of claims of a key that overlap in their time
//     be the first, across all processes that share the Guard (claims are atomic);
//   - remember a claim at least until its time, and SHOULD forget it soon after;
//   - be safe for concurrent use;
//   - take any key of 1 to MaxKeyBytes bytes, as opaque bytes: no two keys are the
//     same, however alike;
//   - return an error only if it could not tell: if it is not reachable or full, ctx
//     has ended, the key has a wrong length, or the time is over already (ErrOver).
//     That a key is claimed already is no error. With an error, first MUST be false,
//     and the key may or may not be claimed.
//
// replaytest.Run holds an implementation to this.
type Guard interface {
	// Claim claims key until a time, and reports whether it is the first claim.
	Claim(ctx context.Context, key string, until time.Time) (first bool, err error)
}

// ErrOver is what Claim returns for a time that is not in the future: it could not
// remember the key.
var ErrOver = errors.New("replay: the time until which a key is to be remembered is over already: are the clocks right?")

// MaxKeyBytes is how long a key may be. Those of Once have 43 bytes.
const MaxKeyBytes = 128

// Config configures Once. Only Guard is required.
type Config struct {
	// Guard remembers the signatures: NewMemory for one process, redisreplay.New for
	// several. nil is an error. A Memory in its place would be one for each process
	// and each Once, and let a signature be used once in each, without a word.
	Guard Guard

	// Nonce is the name of the member of the signed payload that makes it differ
	// from request to request: a string of 16 to 128 bytes, as it is written. "" means
	// "nonce", which stripeapps.DecodePayload lets pass; for any other name, the type
	// that it decodes into needs a field.
	Nonce string

	// Scope keeps the uses of a signature apart where several Once share a Guard:
	// a signature can be used once in each scope. "" is a scope like any other, so
	// that a signature can be used once in all, which is the safest.
	Scope string

	// ClockSkew is how far the clocks of the processes that share the Guard may be
	// apart: a signature is remembered for so much longer than its Verifier accepts
	// it. Where their Verifiers have different Tolerances, add the difference, or it
	// can be used again where it is good for longer. 0 means DefaultClockSkew;
	// negative values and values over an hour are errors.
	ClockSkew time.Duration

	// InsecureAllowWithoutNonce also accepts payloads without a nonce. Two equal
	// requests in one second are then one too many: the second is refused.
	InsecureAllowWithoutNonce bool

	// InsecureAllowOnError lets requests through when the Guard fails. Who can make
	// it fail can replay then. A client that hangs up, or whose signature is over by
	// now, has not: it is refused.
	InsecureAllowOnError bool
}

// DefaultClockSkew is how far clocks may be apart, unless Config.ClockSkew says
// otherwise.
const DefaultClockSkew = 30 * time.Second

// The reasons for a refusal, to compare with errors.Is.
var (
	// ErrReplayed: the signature has been used before.
	ErrReplayed = stripeapps.NewError("replayed", http.StatusConflict,
		"this signature has been used before: call fetchStripeSignature for each request, with a new nonce in the payload")

	// ErrNoNonce: the signed payload has no nonce.
	ErrNoNonce = stripeapps.NewError("no_nonce", http.StatusBadRequest,
		"this endpoint accepts each signature once, and needs a nonce in the signed payload: "+
			"give {...payload, nonce: crypto.randomUUID()} to fetchStripeSignature, anew for each request")

	// ErrUnavailable: the Guard could not tell. It wraps the Guard's error.
	ErrUnavailable = stripeapps.NewError("replay_guard_unavailable", http.StatusServiceUnavailable,
		"whether this signature has been used before cannot be told at the moment: try again with a new signature")
)

// Once returns a Middleware for single routes behind a verifier, which lets each
// signature pass once and refuses it after that with ErrReplayed, in the way of the
// chain's ErrorHandler. It calls the Guard before the handler: a request that fails
// in the handler has used its signature up, and is to be signed anew. Put it behind
// Require: what that refuses then uses nothing up.
//
// If the Guard fails, the request is refused with ErrUnavailable (fail closed).
// Outside the chain it lets nothing pass: it responds with 500 not_verified.
//
// What tells signatures apart is the signed text itself and its time, not the
// header, which can be written in many ways, nor a MAC, of which there are two while
// a secret is being rolled.
//
// It does NOT make a handler idempotent: what a client sends again with a new
// signature is a new request.
//
// The error names everything that is wrong with cfg.
func Once(cfg Config) (stripeapps.Middleware, error) {
	if cfg.Nonce == "" {
		cfg.Nonce = "nonce"
	}
	if cfg.ClockSkew == 0 {
		cfg.ClockSkew = DefaultClockSkew
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			response.Keep(w)
			if err := cfg.claim(r.Context()); err != nil {
				stripeapps.Refuse(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}

func (cfg Config) check() error {
	var errs []error
	if cfg.Guard == nil {
		errs = append(errs, errors.New("replay: Config.Guard is nil: give NewMemory, or one that several processes share"))
	}
	switch {
	case !signed.IsPlainName(cfg.Nonce):
		errs = append(errs, errors.New("replay: Config.Nonce has a character that JSON.stringify writes in another way: choose another name"))
	case signed.KnownAs(cfg.Nonce) != "":
		errs = append(errs, errors.New("replay: Config.Nonce is "+strconv.Quote(cfg.Nonce)+", which means something else, or is taken for it: choose another name"))
	}
	if cfg.ClockSkew < 0 || cfg.ClockSkew > time.Hour {
		errs = append(errs, errors.New("replay: Config.ClockSkew is "+cfg.ClockSkew.String()+": it must be 0 (meaning 30s) or from 1ns to 1h"))
	}
	return errors.Join(errs...)
}

// claim uses the signature of a verified request up.
func (cfg Config) claim(ctx context.Context) error {
	id, ok := stripeapps.IdentityFrom(ctx)
	if !ok {
		return stripeapps.ErrNotVerified
	}
	payload := stripeapps.SignedPayload(ctx)
	if !cfg.InsecureAllowWithoutNonce && !hasNonce(payload, cfg.Nonce) {
		return ErrNoNonce
	}
	first, err := cfg.Guard.Claim(ctx, key(cfg.Scope, id.SignedAt, payload), id.ExpiresAt.Add(cfg.ClockSkew))
	switch {
	case err != nil && cfg.InsecureAllowOnError && ctx.Err() == nil && !errors.Is(err, ErrOver):
		return nil
	case err != nil:
		return unavailable{err}
	case !first:
		return ErrReplayed
	}
	return nil
}

// unavailable is ErrUnavailable and the reason for it.
type unavailable struct{ cause error }

func (e unavailable) Error() string   { return "replay: the Guard could not tell: " + e.cause.Error() }
func (e unavailable) Unwrap() []error { return []error{ErrUnavailable, e.cause} }

// hasNonce reports whether a signed payload has a member of this name that can be
// one.
func hasNonce(payload []byte, name string) bool {
	const least, most = 16, 128
	value := signed.Member(payload, name)
	return least <= len(value)-2 && len(value)-2 <= most && value[0] == '"'
}

// key is the same for a signed text and its time, and differs from those of all
// others.
func key(scope string, signedAt time.Time, payload []byte) string {
	hash := sha256.New()
	hash.Write([]byte(strconv.Itoa(len(scope)) + ":" + scope + ":" + strconv.FormatInt(signedAt.Unix(), 10) + "."))
	hash.Write(payload)
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil))
}
