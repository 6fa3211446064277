package main

import (
	_ "embed"
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/seed-8a2ffb75/stripeapps"
)

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Parse(pageHTML))

// authorization is what a client asks for with GET /oauth/authorize. The consent
// form is sent to the same URL, so that nothing is kept before it is allowed.
type authorization struct {
	clientID, redirectURI, state, challenge string
}

// errDoNotRedirect is a mistake in what says where to redirect to: it is shown to
// the person, and nobody is sent anywhere (RFC 6749, section 4.1.2.1).
type errDoNotRedirect struct{ text string }

func (e errDoNotRedirect) Error() string { return e.text }

// readAuthorization returns an errDoNotRedirect, or an error that is sent to the
// redirect URI of what it returns with it.
func (p *provider) readAuthorization(r *http.Request) (a authorization, err error) {
	if len(r.URL.RawQuery) > maxQueryBytes {
		return a, errDoNotRedirect{"The link's query is longer than 16 KiB."}
	}
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return a, errDoNotRedirect{"The link's query is not application/x-www-form-urlencoded."}
	}
	for _, name := range []string{"client_id", "redirect_uri", "state"} {
		if len(params[name]) > 1 {
			return a, errDoNotRedirect{"The link has " + name + " more than once."}
		}
	}
	a = authorization{clientID: params.Get("client_id"), redirectURI: params.Get("redirect_uri"), state: params.Get("state")}
	redirectURIs, known := p.clients[a.clientID]
	switch {
	case !known:
		return a, errDoNotRedirect{"The link's client_id is not that of a client."}
	case !slices.Contains(redirectURIs, a.redirectURI): // as a whole (RFC 9700, section 4.1.3)
		return a, errDoNotRedirect{"The link's redirect_uri is not one that the client has registered."}
	case len(a.state) > maxStateBytes:
		return a, errDoNotRedirect{"The link's state is longer than 1 KiB."}
	}

	if hasRepeated(params) {
		return a, invalidRequest("a parameter is sent more than once")
	}
	if err := need(params, "response_type"); err != nil {
		return a, err
	}
	if params.Get("response_type") != "code" {
		return a, oauthError{code: "unsupported_response_type", description: "response_type must be code"}
	}
	if mode := params.Get("response_mode"); mode != "" && mode != "query" {
		return a, invalidRequest("response_mode must be query")
	}
	a.challenge, err = stripeapps.ReadCodeChallenge(params)
	return a, err
}

// authorize responds to GET /oauth/authorize with the page that asks the user.
func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	a, err := p.readAuthorization(r)
	if err != nil {
		p.refuseAuthorization(w, r, a, err)
		return
	}
	destination, _ := url.Parse(a.redirectURI) // newProvider has
	p.writePage(w, r, http.StatusOK, pageData{
		ClientID:    a.clientID,
		Users:       []user{users["ada"], users["grace"]},
		Destination: destination.Host,
	})
}

// decide responds to POST /oauth/authorize, the page's form, with a redirect. It is
// behind net/http.CrossOriginProtection: no other site can decide.
func (p *provider) decide(w http.ResponseWriter, r *http.Request) {
	a, err := p.readAuthorization(r)
	if err != nil {
		p.refuseAuthorization(w, r, a, err)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		p.writeErrorPage(w, r, http.StatusRequestEntityTooLarge, "The form is larger than 16 KiB.")
		return
	}
	form, parseErr := url.ParseQuery(string(body))
	_, known := users[form.Get("user")]
	switch {
	case err != nil || parseErr != nil || hasRepeated(form):
		p.writeErrorPage(w, r, http.StatusBadRequest, "The form is not complete. Start again in the app.")
	case form.Get("decision") == "deny":
		p.refuseAuthorization(w, r, a, oauthError{code: "access_denied", description: "the user has denied access"})
	case form.Get("decision") != "allow" || !known:
		p.writeErrorPage(w, r, http.StatusBadRequest, "Choose one of the accounts, and Allow or Deny.")
	default:
		code, err := p.store.addGrant(r.Context(), grant{a.clientID, a.redirectURI, a.challenge, form.Get("user")}, p.now())
		if err != nil {
			p.logger.ErrorContext(r.Context(), "failed", "path", r.URL.Path, "error", err)
			p.refuseAuthorization(w, r, a, oauthError{code: "server_error", description: "the server failed: try again later"})
			return
		}
		redirect(w, r, withParams(a.redirectURI, "code", code, "state", a.state))
	}
}

// refuseAuthorization tells the client, or the person if it is not safe to send
// them to the client.
func (p *provider) refuseAuthorization(w http.ResponseWriter, r *http.Request, a authorization, err error) {
	var e oauthError
	if mistake := (errDoNotRedirect{}); errors.As(err, &mistake) {
		p.writeErrorPage(w, r, http.StatusBadRequest, mistake.text+" Its developer has to correct the app that sent you here.")
		return
	} else if pkce := (*stripeapps.PKCEError)(nil); errors.As(err, &pkce) {
		e = oauthError{code: pkce.Code(), description: pkce.Description()}
	} else {
		errors.As(err, &e)
	}
	p.logRefusal(r, e)
	redirect(w, r, withParams(a.redirectURI, "error", e.code, "error_description", e.description, "state", a.state))
}

func redirect(w http.ResponseWriter, r *http.Request, uri string) {
	w.Header().Set("Location", uri)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "same-origin")
	if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusSeeOther) // 307 would send the form there (RFC 9700, section 4.12)
	} else {
		w.WriteHeader(http.StatusFound)
	}
}

type pageData struct {
	Nonce       string
	ClientID    string
	Users       []user
	Destination string
	Error       string // instead of the form
}

func (p *provider) writePage(w http.ResponseWriter, r *http.Request, status int, data pageData) {
	data.Nonce = stripeapps.NonceFrom(r.Context())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "same-origin") // the URL is for nobody else
	w.Header().Set("X-Frame-Options", "DENY")        // for browsers without frame-ancestors
	w.WriteHeader(status)
	if err := page.Execute(w, data); err != nil {
		p.logger.WarnContext(r.Context(), "the page was cut off", "error", err)
	}
}

func (p *provider) writeErrorPage(w http.ResponseWriter, r *http.Request, status int, text string) {
	p.logRefusal(r, oauthError{code: "invalid_request", description: text})
	p.writePage(w, r, status, pageData{Error: text})
}
