package stripeapps

import (
	"context"
	"encoding/json"
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
}

// New returns the whole chain as one Middleware, or an error that names every
// problem of o.
//
// Put it around the mux, or around a subtree of one, not on a route whose
// pattern has a method: "POST /x" does not match the OPTIONS request that a
// browser sends first.
func New(o Options) (Middleware, error) {
	verifier := o.Verifier
	switch {
	case verifier == nil:
		var err error
		if verifier, err = NewVerifier(VerifierConfig{Secrets: o.Secrets}); err != nil {
			return nil, err
		}
	case o.Secrets != nil:
		return nil, errors.New("stripeapps: Options.Secrets and Options.Verifier are both set: give the secrets to NewVerifier only")
	case verifier.keys.Load() == nil:
		return nil, errors.New("stripeapps: Options.Verifier was not made by NewVerifier")
	}
	return verifier.Handler, nil
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
		next.ServeHTTP(w, accepted)
	})
}

// Verify verifies r and returns a copy of it whose context carries the identity
// and the signed payload, and whose body, if it had to be read, can be read
// again from its start. r itself is not modified, but its body is consumed. Use
// it to adapt other frameworks; Handler is this and a refusal.
//
// The error is an *Error of any Code but those of Require and DecodePayload. A
// slow client can hold the call for as long as the server's ReadTimeout lets
// it: set one.
func (v *Verifier) Verify(r *http.Request) (*http.Request, error) {
	values := r.Header[headerSignature]
	if len(values) == 0 {
		return nil, ErrNotSigned
	}
	if len(values) > 1 {
		return nil, errRepeatedHeader
	}
	var h signatureHeader
	if err := v.readHeader(&h, values[0]); err != nil {
		return nil, err
	}
	payload, content, err := v.receive(r)
	if err != nil {
		return nil, err
	}
	if !v.keys.Load().match(&h, payload) {
		if v.source == nil && v.onlyIDsSigned(&h, payload) {
			return nil, ErrOnlyIDsSigned
		}
		return nil, ErrNoMatch
	}
	state, err := newVerified(payload, h.signature().SignedAt, v.allowNoUser)
	if err != nil {
		return nil, err
	}
	state.refuser = v.refuser

	accepted := r.WithContext(context.WithValue(r.Context(), contextKey{}, state))
	if len(content) > 0 {
		state.body.Reset(content)
		state.body.original = r.Body
		accepted.Body = &state.body
	}
	return accepted, nil
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
			slog.String("code", string(e.code)), slog.Int("status", e.status))
	}
	if f.handler == nil {
		WriteProblem(w, r, err)
		return
	}
	answer := &answerWriter{ResponseWriter: w}
	f.handler(answer, r, err)
	if !answer.written {
		WriteProblem(w, r, err)
	}
}

// answerWriter notices whether an answer has been begun.
type answerWriter struct {
	http.ResponseWriter
	written bool
}

func (w *answerWriter) WriteHeader(status int) {
	w.written = w.written || status >= 200
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(p []byte) (int, error) {
	w.written = true
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// problem is a problem document. Without a "type" member it is "about:blank",
// whose title is the status's own text; "code" is an extension member.
//
// https://www.rfc-editor.org/rfc/rfc9457
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   Code   `json:"code"`
	Detail string `json:"detail"`
}

var errInternal = NewError(CodeInternal, http.StatusInternalServerError, "the server failed to handle the request")

// WriteProblem answers r with err as application/problem+json (RFC 9457): the
// status, code and detail of an *Error, or 500 and the code internal, without
// err's text, for any other error. It sets Cache-Control: no-store and, on 401,
// WWW-Authenticate: Stripe-Signature. A HEAD request gets no body.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	e := asError(err)
	header := w.Header()
	header.Del("Content-Length") // of an answer that was not sent
	header.Set("Content-Type", "application/problem+json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if e.status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", headerSignature)
	}
	w.WriteHeader(e.status)
	if r.Method == http.MethodHead {
		return
	}
	document, _ := json.Marshal(problem{http.StatusText(e.status), e.status, e.code, e.detail}) // cannot fail
	w.Write(append(document, '\n'))                                                             // nothing can be done about a client that went away
}

func asError(err error) *Error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e
	}
	return errInternal
}
