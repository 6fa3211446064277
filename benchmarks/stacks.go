package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/rs/cors"
	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/seed-8a2ffb75/stripeapps"
)

// stack is a whole backend: whatever stands in front of a handler that decodes the
// body, and responds with who is calling and how long the note is.
type stack struct {
	name     string
	verifies bool
	handler  func() (http.Handler, error)
}

const (
	looseName  = oursName + ", `json.Unmarshal`" // where oursName has `DecodePayload`
	bareName   = "bare Go"
	leastName  = bareName + ", `VerifyPayload`"
	sendsName  = leastName + ", headers" // those of the chain
	byHandName = "by hand"
)

func stacks() []stack {
	return []stack{
		{oursName, true, func() (http.Handler, error) { return protected(strict) }},
		{looseName, true, func() (http.Handler, error) { return protected(loose) }},
		{leastName, true, least},
		{sendsName, true, leastWithHeaders},
		{bareName, false, func() (http.Handler, error) { return http.HandlerFunc(bare), nil }},
		{byHandName, true, func() (http.Handler, error) { return byHand(), nil }},
	}
}

type message struct {
	Note string `json:"note"`
}

type reply struct {
	UserID string `json:"user_id"`
	Bytes  int    `json:"bytes"`
}

func respond(w http.ResponseWriter, userID string, m message) {
	text, err := json.Marshal(reply{userID, len(m.Note)})
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(text)
}

// wanted is the response to a signed payload.
func wanted(payload []byte) string {
	var m message
	if err := json.Unmarshal(payload, &m); err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	respond(w, userID, m)
	return w.Body.String()
}

// bare reads and decodes the body, and that is all.
func bare(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	decode(w, body)
}

func decode(w http.ResponseWriter, body []byte) {
	var m struct {
		message
		identity
	}
	if err := json.Unmarshal(body, &m); err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	respond(w, m.UserID, m.message)
}

// least is bare after the least that verifies: without what a browser needs, and
// without a look at what was signed.
func least() (http.Handler, error) {
	v, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{secret}})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = v.VerifyPayload(body, r.Header.Get("Stripe-Signature"))
		}
		if err != nil {
			http.Error(w, "signature", http.StatusUnauthorized)
			return
		}
		decode(w, body)
	}), err
}

// leastWithHeaders is least, and sends the headers that the chain sends: what any
// chain that a browser can use has to spend.
func leastWithHeaders() (http.Handler, error) {
	chain, err := protected(strict)
	if err != nil {
		return nil, err
	}
	next, err := least()
	if err != nil {
		return nil, err
	}
	payload, w := payloadOf(256), httptest.NewRecorder()
	chain.ServeHTTP(w, newRequest(payload, payload))
	headers := w.Header()
	headers.Del("Content-Type") // of the handler
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range headers {
			w.Header()[name] = slices.Clone(values)
		}
		next.ServeHTTP(w, r)
	}), nil
}

// protected is the chain of this library.
func protected(payload func(context.Context) (message, error)) (http.Handler, error) {
	protect, err := stripeapps.New(stripeapps.Config{Secrets: []string{secret}})
	if err != nil {
		return nil, err
	}
	return protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, err := payload(r.Context())
		if err != nil {
			stripeapps.Refuse(w, r, err)
			return
		}
		respond(w, stripeapps.MustIdentity(r.Context()).UserID, m)
	})), nil
}

func strict(ctx context.Context) (message, error) { return stripeapps.DecodePayload[message](ctx) }

// loose lets members pass that the type does not have, as all others do.
func loose(ctx context.Context) (m message, err error) {
	return m, json.Unmarshal(stripeapps.SignedPayload(ctx), &m)
}

type identity struct {
	UserID    string `json:"user_id"`
	AccountID string `json:"account_id"`
}

type identityKey struct{}

// byHand is what a careful user writes with stripe-go and rs/cors.
func byHand() http.Handler {
	withCORS := cors.New(cors.Options{AllowedOrigins: []string{"*"}, AllowedMethods: corsMethods, AllowedHeaders: corsHeaders})
	return withCORS.Handler(verifiedByHand(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			http.Error(w, "body", http.StatusBadRequest)
			return
		}
		respond(w, r.Context().Value(identityKey{}).(identity).UserID, m)
	})))
}

func verifiedByHand(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "body", http.StatusBadRequest)
			return
		}
		if err := webhook.ValidatePayload(body, r.Header.Get("Stripe-Signature"), secret); err != nil {
			http.Error(w, "signature", http.StatusUnauthorized)
			return
		}
		var id identity
		if err := json.Unmarshal(body, &id); err != nil || id.UserID == "" || id.AccountID == "" {
			http.Error(w, "identity", http.StatusBadRequest)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), identityKey{}, id))
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// newRequest is what an extension sends: a payload with the signature of another, which
// is the same if it is not tampered with.
func newRequest(payload, signed []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/echo", bytes.NewReader(payload))
	r.Header.Set("Origin", "null")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Stripe-Signature", stripeSignature(signed, time.Now()))
	return r
}

// prove returns a stack's handler, once it has been seen to do what it has to.
func (s stack) prove(payload []byte) (http.Handler, error) {
	handler, err := s.handler()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	send := func(sent []byte) (int, string) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, newRequest(sent, payload))
		return w.Code, w.Body.String()
	}
	status, text := send(payload)
	if err := s.judge(true, wanted(payload), status, text); err != nil {
		return nil, err
	}
	status, text = send(tampered(payload))
	return handler, s.judge(false, wanted(payload), status, text)
}

// judge says what is wrong with the response to a request that is good or tampered
// with. Who does not verify may respond to both alike.
func (s stack) judge(good bool, want string, status int, text string) error {
	switch {
	case good && (status != http.StatusOK || text != want):
		return fmt.Errorf("%s does not accept what is signed: %d %.100q", s.name, status, text)
	case !good && s.verifies && (status < 400 || status > 499):
		return fmt.Errorf("%s does not refuse what is not signed: %d %.100q", s.name, status, text)
	}
	return nil
}

var stackSizes = []int{256, 1 << 10, 64 << 10}

func measureStacks(p pace, stacks []stack, size int) (results, error) {
	say("handlers, %s", sizeOf(size))
	payload := payloadOf(size)
	var contenders []contender
	for _, s := range stacks {
		handler, err := s.prove(payload)
		if err != nil {
			return nil, err
		}
		r, w := newRequest(payload, payload), new(nullWriter)
		content := bytes.NewReader(payload)
		body := io.NopCloser(content)
		contenders = append(contenders, contender{s.name, func() error {
			content.Reset(payload)
			r.Body = body
			w.forget()
			handler.ServeHTTP(w, r)
			if w.status != http.StatusOK {
				return fmt.Errorf("status %d", w.status)
			}
			return nil
		}})
	}
	return measureAll(p, contenders)
}
