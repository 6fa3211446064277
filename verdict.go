package stripeapps

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/internal/observed"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// Verdict is what a Verifier has decided about one request, for
// VerifierConfig.Observe.
type Verdict struct {
	// Request is the request as it came. Its body is consumed as far as the
	// verification has read it: use Payload.
	Request *http.Request

	// Err is the *Error that the request is refused with. nil means that it is
	// accepted.
	Err error

	// Identity is whose request it is. It is zero if the request is refused by
	// the Verifier: what an unverified request says of itself is nobody's
	// identity.
	Identity Identity

	// Secret is the index of the secret that the request is signed with, among
	// those in force, or -1 if none was found. SecretLabel is its label, or "".
	Secret      int
	SecretLabel string

	// Time is when the age of the signature was judged last, by the Verifier's clock;
	// or when the verification began, if it was over before that.
	Time time.Time

	// Duration is how long the verification took, waiting for the body included.
	Duration time.Duration

	// Later says that the request has been accepted, in a verdict of its own, and
	// is refused by Require or Refuse now: Request is the one that they were given,
	// Time is now, and Duration 0. Whoever counts requests leaves it out.
	Later bool

	payload  func() ([]byte, error)
	verifier *Verifier
	keys     signed.Keyring
}

// Payload returns what the signature has to cover, as the Verifier's Source finds
// it: under SignedBody the whole body. For a request that was refused before that
// was needed, it is read when it is first asked for, within
// VerifierConfig.MaxBodyBytes: ask while Observe is called. What it returns must
// not be modified; of a refused request, nothing in it can be relied on. It is safe
// for concurrent use.
//
// The error is the *Error that such a request is refused with.
func (v Verdict) Payload() ([]byte, error) {
	if v.payload == nil {
		return nil, nil
	}
	return v.payload()
}

// check is what a verification has come to. Verify makes a Verdict of it if there
// is somebody to tell.
type check struct {
	w          http.ResponseWriter // nil: of a Verify
	at         time.Time           // of the clock, when the age was judged last
	received   bool                // payload, or payloadErr
	payload    []byte
	payloadErr error
	matched    bool
	signature  Signature
}

func (v *Verifier) tell(r, accepted *http.Request, c check, err error, began time.Time) {
	verdict := Verdict{
		Request: r, Err: err, Secret: -1, Time: began, Duration: v.now().Sub(began),
		payload: func() ([]byte, error) { return c.payload, c.payloadErr }, verifier: v, keys: *v.keys.Load(),
	}
	if !c.received {
		verdict.payload = sync.OnceValues(func() ([]byte, error) {
			payload, _, err := v.receive(c.w, r)
			return payload, err
		})
	}
	if !c.at.IsZero() {
		verdict.Time = c.at
	}
	if c.matched {
		verdict.Secret, verdict.SecretLabel = c.signature.Secret, c.signature.SecretLabel
	}
	if accepted != nil {
		verdict.Identity = fromContext(accepted.Context()).identity
	}
	v.observe(verdict)
}

// tellLater tells that a request that was accepted is refused.
func (v *Verifier) tellLater(r *http.Request, state *verified, err *Error) {
	v.observe(Verdict{
		Request: r, Err: err, Identity: state.identity, Later: true, Time: v.now(),
		Secret: state.identity.Secret, SecretLabel: state.identity.SecretLabel,
		payload: func() ([]byte, error) { return state.payload, nil }, verifier: v, keys: *v.keys.Load(),
	})
}

func init() {
	observed.Of = func(verdict any) observed.Verifier {
		v, ok := verdict.(Verdict)
		if !ok || v.verifier == nil {
			return observed.Verifier{Source: SignedBody, Tolerance: DefaultTolerance}
		}
		return observed.Verifier{
			Keys: v.keys, Source: v.verifier.source,
			Tolerance: v.verifier.tolerance, AllowNoUser: v.verifier.allowNoUser,
		}
	}
}

// LogRefusals returns a function for VerifierConfig.Observe that gives logger a
// line for each refusal, at level Info, or Error where the backend is to blame (a
// status of 500 or more):
//
//	stripeapps: request refused code=no_match status=401 detail="no v1 signature …"
//
// The names of these attributes, the code and the status are part of this package's
// API. Nothing of the request is among them, and not what an error wraps: log that
// yourself before you call Refuse. The request's context is handed on to the
// slog.Handler. To do more with a verdict, call several functions:
//
//	logRefusal, count := stripeapps.LogRefusals(logger), …
//	config.Observe = func(v stripeapps.Verdict) { logRefusal(v); count(v) }
//
// It panics if logger is nil.
func LogRefusals(logger *slog.Logger) func(Verdict) {
	if logger == nil {
		panic("stripeapps: LogRefusals needs a logger")
	}
	return func(v Verdict) {
		if v.Err == nil {
			return
		}
		e, level := asError(v.Err), slog.LevelInfo
		if e.status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		ctx := context.Background()
		if v.Request != nil {
			ctx = v.Request.Context()
		}
		logger.LogAttrs(ctx, level, "stripeapps: request refused",
			slog.String("code", e.code), slog.Int("status", e.status), slog.String("detail", e.detail))
	}
}
