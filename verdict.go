package stripeapps

import (
	"log/slog"
	"net/http"
	"time"
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

	// Time is when the verification began, by the Verifier's clock. The age of
	// the signature is judged by it.
	Time time.Time

	// Duration is how long the verification took, waiting for the body included.
	Duration time.Duration

	// Later says that the request has been accepted, in a verdict of its own, and
	// is refused by Require or Refuse now. Time is then that of the refusal, and
	// Duration 0. Whoever counts requests leaves such verdicts out.
	Later bool

	// Source, Tolerance and InsecureAllowMissingUser are the Verifier's.
	Source                   Source
	Tolerance                time.Duration
	InsecureAllowMissingUser bool

	verifier   *Verifier
	received   bool // payload or payloadErr
	payload    []byte
	payloadErr error
}

// newVerdict returns a verdict without its outcome.
func (v *Verifier) newVerdict(r *http.Request) Verdict {
	return Verdict{
		Request: r, Secret: -1, Time: v.now(), verifier: v,
		Source: v.source, Tolerance: v.tolerance, InsecureAllowMissingUser: v.allowNoUser,
	}
}

// Payload returns what the signature has to cover, as the Verifier's Source finds
// it: under SignedBody the whole body. For a request that was refused before that
// was needed, it is read now, within VerifierConfig.MaxBodyBytes. It may be
// called by Observe only, and what it returns must not be modified; of a refused
// request, nothing in it can be relied on.
//
// The error is the *Error that such a request is refused with.
func (v Verdict) Payload() ([]byte, error) {
	if !v.received && v.verifier != nil {
		payload, _, err := v.verifier.receive(v.Request)
		return payload, err
	}
	return v.payload, v.payloadErr
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
		logger.LogAttrs(v.Request.Context(), level, "stripeapps: request refused",
			slog.String("code", e.code), slog.Int("status", e.status), slog.String("detail", e.detail))
	}
}
