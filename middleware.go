package stripeapps

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// Middleware wraps an http.Handler. It is an alias, so that every part of this
// package fits chi, alice and anything else that composes net/http handlers.
type Middleware = func(http.Handler) http.Handler

// Options configures New. Set either Secrets or Verifier.
type Options struct {
	// Secrets are the app's signing secrets (absec_…); see
	// VerifierConfig.Secrets. Everything else about the verification is as
	// VerifierConfig's zero value says.
	Secrets []string

	// Verifier is used instead of Secrets where the verification needs other
	// settings, or Verifier.SetSecrets is to be called later.
	Verifier *Verifier

	// CORS says who may read the answers. Its zero value fits a Stripe App.
	CORS CORSConfig

	// CSP is the policy that is sent with the answers. Its zero value is
	// APIPolicy, for answers that are not pages.
	CSP CSPConfig
}

// New returns the whole chain as one Middleware, or an error that names every
// problem of o. From the outside in, it is CSP, CORS and verification: the policy
// is on every answer, preflights are answered before anything is verified, and
// refusals carry the CORS headers, without which a browser hides them. Each part
// also works alone: NewCSP, NewCORS, Verifier.Handler.
//
// Put it around the mux, or around a subtree of one, not on a route whose
// pattern has a method: "POST /x" does not match the OPTIONS request that a
// browser sends first.
func New(o Options) (Middleware, error) {
	verifier, err := o.verifier()
	withCORS, corsErr := NewCORS(o.CORS)
	withCSP, cspErr := NewCSP(o.CSP)
	if err := errors.Join(err, corsErr, cspErr); err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return withCSP(withCORS(verifier.Handler(next)))
	}, nil
}

func (o Options) verifier() (*Verifier, error) {
	switch {
	case o.Verifier == nil:
		return NewVerifier(VerifierConfig{Secrets: o.Secrets})
	case o.Secrets != nil:
		return nil, errors.New("stripeapps: Options.Secrets and Options.Verifier are both set: give the secrets to NewVerifier only")
	case o.Verifier.now == nil:
		return nil, errors.New("stripeapps: Options.Verifier was not made by NewVerifier")
	default:
		return o.Verifier, nil
	}
}

// Handler returns a handler that calls next with requests that Verify accepts,
// and refuses all others; a refused request never reaches next.
func (v *Verifier) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		accepted, err := v.Verify(r)
		if err != nil {
			v.refuser.refuse(w, r, err)
			return
		}
		// The server cleans up after its own request only, not after a copy.
		defer func() {
			if accepted.MultipartForm != nil {
				accepted.MultipartForm.RemoveAll()
			}
		}()
		next.ServeHTTP(w, accepted)
	})
}

// Verify verifies r and returns a copy of it whose context carries the identity
// and the signed payload, and whose body, if it had to be read, can be read
// again from its start. r itself is not modified, but its body is consumed. Use
// it to adapt other frameworks; Handler is this and a refusal. As after any
// WithContext, the files of a MultipartForm parsed from the copy are the
// caller's to remove.
//
// The error is an *Error of any Code but those of Require and DecodePayload. A
// slow client can hold the call for as long as the server's ReadTimeout lets
// it: set one.
func (v *Verifier) Verify(r *http.Request) (*http.Request, error) {
	accepted, payload, err := v.verify(r)
	if err != nil && v.explain {
		v.logExplanations(r, payload, err)
	}
	return accepted, err
}

// verify also returns the payload of a refused request, if it came to that.
func (v *Verifier) verify(r *http.Request) (_ *http.Request, payload []byte, _ error) {
	values := r.Header[headerSignature]
	if len(values) == 0 {
		return nil, nil, ErrNotSigned
	}
	if len(values) > 1 {
		return nil, nil, errRepeatedHeader
	}
	var h signatureHeader
	if err := v.readHeader(&h, values[0]); err != nil {
		return nil, nil, err
	}
	payload, content, err := v.receive(r)
	if err != nil {
		return nil, nil, err
	}
	if !v.keys.Load().match(&h, payload) {
		return nil, payload, v.noMatch(&h, payload)
	}
	state, err := newVerified(payload, h.signature().SignedAt, v.allowNoUser)
	if err != nil {
		return nil, payload, err
	}
	state.refuser = v.refuser

	accepted := r.WithContext(context.WithValue(r.Context(), contextKey{}, state))
	if len(content) > 0 {
		state.body.Reset(content)
		state.body.original = r.Body
		accepted.Body = &state.body
	}
	return accepted, nil, nil
}

// Refuse answers r with err in the chain's own way, for handlers behind it: with
// the ErrorHandler and a line to the Logger of its VerifierConfig. Outside the
// chain it is WriteProblem.
func Refuse(w http.ResponseWriter, r *http.Request, err error) {
	if state := fromContext(r.Context()); state != nil {
		state.refuser.refuse(w, r, err)
		return
	}
	WriteProblem(w, r, err)
}

// refuser answers refused requests.
type refuser struct {
	handler func(w http.ResponseWriter, r *http.Request, err error)
	logger  *slog.Logger
}

func (f refuser) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if f.logger != nil {
		e := asError(err)
		f.logger.LogAttrs(r.Context(), slog.LevelInfo, "stripeapps: request refused",
			slog.String("code", string(e.code)), slog.Int("status", e.status), slog.String("detail", e.detail))
	}
	if f.handler == nil {
		WriteProblem(w, r, err)
		return
	}
	answer := &answerWriter{ResponseWriter: w, refusing: true}
	f.handler(answer, r, err)
	if !answer.written {
		WriteProblem(w, r, err)
	}
}
