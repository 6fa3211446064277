package installtest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/install"
)

// TokenEndpoint is an http.Handler that stands in for Stripe's token endpoint, in the way
// that docs.stripe.com/stripe-apps/api-authentication/oauth describes: codes that are good
// once and for five minutes, for the secret key of their mode; access tokens without
// expires_in; refresh tokens that are replaced by each use. As people have seen it, a
// refresh ends the access token too. What Stripe says of a refresh token that has been
// replaced is not documented: this says invalid_grant.
//
// It does not end tokens when their time is over, an hour and a year. It is safe for
// concurrent use.
type TokenEndpoint struct {
	modes map[string]install.Mode // by key

	mu        sync.Mutex
	codes     map[string]code
	accounts  map[install.ID]issued
	refreshes int
	exchanges int
	faults    []Fault
}

type code struct {
	id   install.ID
	made time.Time
	used bool
}

type issued struct{ access, refresh string }

// NewTokenEndpoint returns a TokenEndpoint that knows these secret keys.
func NewTokenEndpoint(keys map[install.Mode]string) *TokenEndpoint {
	e := &TokenEndpoint{modes: make(map[string]install.Mode), codes: make(map[string]code), accounts: make(map[install.ID]issued)}
	for mode, key := range keys {
		e.modes[key] = mode
	}
	return e
}

// Code returns a code, as Stripe's redirect brings it when an account has installed the
// app.
func (e *TokenEndpoint) Code(id install.ID) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	text := "ac_" + rand.Text()
	e.codes[text] = code{id: id, made: time.Now()}
	return text
}

// Uninstall ends the tokens of an install, as if the account had uninstalled the app.
func (e *TokenEndpoint) Uninstall(id install.ID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.accounts, id)
}

// Accepts reports whether Stripe's API would accept this access token, and for which
// install.
func (e *TokenEndpoint) Accepts(access string) (install.ID, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, i := range e.accounts {
		if i.access == access {
			return id, true
		}
	}
	return install.ID{}, false
}

// Exchanges is how many requests to exchange a code there were so far, also those that
// were refused or met a Fault.
func (e *TokenEndpoint) Exchanges() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.exchanges
}

// Refreshes is how many requests to refresh there were so far, also those that were
// refused or met a Fault.
func (e *TokenEndpoint) Refreshes() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.refreshes
}

// Next has the requests that come next meet these faults, one each.
func (e *TokenEndpoint) Next(faults ...Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = append(e.faults, faults...)
}

// ServeHTTP implements http.Handler.
func (e *TokenEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		apiError(w, http.StatusBadRequest, "invalid_request_error", "The body cannot be read.")
		return
	}
	e.mu.Lock()
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		e.exchanges++
	case "refresh_token":
		e.refreshes++
	}
	fault := Fault(func(w http.ResponseWriter, r *http.Request, answer http.Handler) { answer.ServeHTTP(w, r) })
	if len(e.faults) > 0 {
		fault, e.faults = e.faults[0], e.faults[1:]
	}
	e.mu.Unlock()
	w.Header().Set("Request-Id", "req_"+rand.Text())
	fault(w, r, http.HandlerFunc(e.answer))
}

func (e *TokenEndpoint) answer(w http.ResponseWriter, r *http.Request) {
	key, password, ok := r.BasicAuth()
	mode, known := e.modes[key]
	switch {
	case r.Method != http.MethodPost:
		apiError(w, http.StatusNotFound, "invalid_request_error", "Unrecognized request URL.")
	case !ok || password != "":
		apiError(w, http.StatusUnauthorized, "invalid_request_error", "You did not provide an API key.")
	case !known && strings.HasPrefix(key, "rk_"):
		apiError(w, http.StatusForbidden, "invalid_request_error", "The provided key does not have the required permissions for this endpoint.")
	case !known:
		apiError(w, http.StatusUnauthorized, "invalid_request_error", "Invalid API Key provided.")
	case r.PostForm.Get("grant_type") == "authorization_code":
		e.exchange(w, mode, r.PostForm.Get("code"))
	case r.PostForm.Get("grant_type") == "refresh_token":
		e.refresh(w, mode, r.PostForm.Get("refresh_token"))
	default:
		oauthError(w, "unsupported_grant_type", "The grant type is not supported.")
	}
}

func (e *TokenEndpoint) exchange(w http.ResponseWriter, mode install.Mode, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, ok := e.codes[text]
	switch {
	case !ok:
		oauthError(w, "invalid_grant", "Authorization code does not exist: "+text)
	case c.used:
		delete(e.accounts, c.id)
		oauthError(w, "invalid_grant", "This authorization code has already been used. All tokens issued with this code have been revoked.")
	case time.Since(c.made) > 5*time.Minute:
		oauthError(w, "invalid_grant", "Authorization code expired: "+text)
	case c.id.Mode != mode:
		oauthError(w, "invalid_grant", "The mode of the API key does not match that of the authorization code.")
	default:
		c.used = true
		e.codes[text] = c
		e.issueLocked(w, c.id, "stripe_user_id")
	}
}

func (e *TokenEndpoint) refresh(w http.ResponseWriter, mode install.Mode, token string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, i := range e.accounts {
		if i.refresh == token && id.Mode == mode {
			e.issueLocked(w, id, "account_id")
			return
		}
	}
	oauthError(w, "invalid_grant", "Refresh token does not exist: "+token)
}

// issueLocked issues tokens. The name of the account's member differs between the two.
func (e *TokenEndpoint) issueLocked(w http.ResponseWriter, id install.ID, account string) {
	letters := map[bool]string{true: "live", false: "test"}[id.Mode == install.Live]
	i := issued{access: "rk_" + letters + "_" + rand.Text(), refresh: "rt_" + rand.Text()}
	e.accounts[id] = i
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token":           i.access,
		"refresh_token":          i.refresh,
		"livemode":               id.Mode == install.Live,
		"scope":                  "stripe_apps",
		"stripe_publishable_key": "pk_" + letters + "_" + rand.Text(),
		account:                  id.Account,
		"token_type":             "bearer",
	})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func oauthError(w http.ResponseWriter, code, description string) {
	writeJSON(w, http.StatusBadRequest, map[string]string{"error": code, "error_description": description})
}

func apiError(w http.ResponseWriter, status int, kind, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]string{"type": kind, "message": message}})
}

// Fault is something that goes wrong with one request. It can have the request answered,
// or not.
type Fault func(w http.ResponseWriter, r *http.Request, answer http.Handler)

// Down responds with 500, without having done anything.
func Down(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	apiError(w, http.StatusInternalServerError, "api_error", "An unknown error occurred.")
}

// Limited responds with 429, without having done anything.
func Limited(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	apiError(w, http.StatusTooManyRequests, "invalid_request_error", "Request rate limit exceeded.")
}

// Lost does what is asked, and cuts the connection in place of the response: the refresh
// token has been replaced, and nobody knows by what.
func Lost(w http.ResponseWriter, r *http.Request, answer http.Handler) {
	answer.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// Silent responds nothing until the client gives up.
func Silent(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// Page responds with 200 and an HTML page, as what stands in front of an API does.
func Page(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprint(w, "<!doctype html><title>Maintenance</title>")
}

// Redirect responds with a redirect to a URL.
func Redirect(to string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	}
}

// With does what is asked, and responds with other members: those of changes replace
// Stripe's, and nil takes one away.
func With(changes map[string]any) Fault {
	return func(w http.ResponseWriter, r *http.Request, answer http.Handler) {
		recorder := httptest.NewRecorder()
		answer.ServeHTTP(recorder, r)
		body := make(map[string]any)
		json.Unmarshal(recorder.Body.Bytes(), &body)
		maps.Copy(body, changes)
		maps.DeleteFunc(body, func(_ string, value any) bool { return value == nil })
		writeJSON(w, recorder.Code, body)
	}
}
