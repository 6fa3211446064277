package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps"
)

// oauthError is sent as RFC 6749, section 5.2, says.
type oauthError struct {
	status            int
	code, description string
}

func (e oauthError) Error() string { return e.description + " (" + e.code + ")" }

func invalidRequest(description string) error {
	return oauthError{http.StatusBadRequest, "invalid_request", description}
}

func invalidGrant(description string) error {
	return oauthError{http.StatusBadRequest, "invalid_grant", description}
}

// token responds to POST /oauth/token.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	t, err := p.issue(w, r)
	if err != nil {
		p.writeError(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token":  t.access,
		"token_type":    "Bearer",
		"expires_in":    int(accessTokenLifetime.Seconds()),
		"refresh_token": t.refresh,
		"scope":         scope,
	})
}

func (p *provider) issue(w http.ResponseWriter, r *http.Request) (tokens, error) {
	params, err := p.readClientParams(w, r)
	if err != nil {
		return tokens{}, err
	}
	switch params.Get("grant_type") {
	case "authorization_code":
		return p.redeem(r, params)
	case "refresh_token":
		return p.refresh(r, params)
	case "":
		return tokens{}, invalidRequest("grant_type is missing")
	default:
		return tokens{}, oauthError{http.StatusBadRequest, "unsupported_grant_type", "grant_type must be authorization_code or refresh_token"}
	}
}

// redeem exchanges a code (RFC 6749, section 4.1.3).
func (p *provider) redeem(r *http.Request, params url.Values) (tokens, error) {
	if err := need(params, "code", "redirect_uri"); err != nil {
		return tokens{}, err
	}
	// Without a verifier this is invalid_grant, whether there is such a code or not,
	// and the code stays good: whoever has no verifier has tried nothing, and cannot
	// spoil the flow of the client that has one.
	verifier, err := stripeapps.ReadCodeVerifier(params)
	if err != nil {
		return tokens{}, err
	}
	t, err := p.store.redeemCode(r.Context(), params.Get("code"), p.now, func(g grant) error {
		if g.clientID != params.Get("client_id") || g.redirectURI != params.Get("redirect_uri") {
			return invalidGrant("the code belongs to another client or redirect_uri")
		}
		return stripeapps.VerifyCodeVerifier(verifier, g.challenge)
	})
	if errors.Is(err, errNoGrant) {
		return tokens{}, invalidGrant("the code is unknown, expired or used: start the flow again")
	}
	return t, err
}

// refresh exchanges a refresh token (RFC 6749, section 6).
func (p *provider) refresh(r *http.Request, params url.Values) (tokens, error) {
	if err := need(params, "refresh_token"); err != nil {
		return tokens{}, err
	}
	t, err := p.store.refresh(r.Context(), params.Get("refresh_token"), params.Get("client_id"), p.now())
	if errors.Is(err, errNoGrant) {
		return tokens{}, invalidGrant("the refresh token is unknown, expired, used or revoked: start the flow again")
	}
	return t, err
}

// revoke responds to POST /oauth/revoke (RFC 7009): "sign me out".
func (p *provider) revoke(w http.ResponseWriter, r *http.Request) {
	params, err := p.readClientParams(w, r)
	if err == nil {
		err = need(params, "token")
	}
	if err == nil {
		err = p.store.revoke(r.Context(), params.Get("token"), params.Get("client_id"))
	}
	if err != nil {
		p.writeError(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

// readClientParams returns the parameters of a client that there is. A client in
// a browser can keep no secret, so that client_id is all that it has to show.
func (p *provider) readClientParams(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	params, err := readParams(w, r)
	if err == nil {
		err = need(params, "client_id")
	}
	if err != nil {
		return nil, err
	}
	if _, known := p.clients[params.Get("client_id")]; !known {
		return nil, oauthError{http.StatusBadRequest, "invalid_client", "client_id is not that of a client"}
	}
	return params, nil
}

// me responds to GET /api/me, the API that all of this is for.
func (p *provider) me(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		w.Header().Set("WWW-Authenticate", `Bearer realm="your service"`) // "SHOULD NOT include an error code" (RFC 6750, section 3.1)
		p.writeError(w, r, oauthError{http.StatusUnauthorized, "invalid_token", "send an access token, as Authorization: Bearer"})
		return
	}
	userID, err := p.store.userOf(r.Context(), strings.TrimLeft(token, " "), p.now())
	user, known := users[userID]
	if errors.Is(err, errNoGrant) || err == nil && !known {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		err = oauthError{http.StatusUnauthorized, "invalid_token", "the access token is unknown, expired or revoked: use the refresh token"}
	}
	if err != nil {
		p.writeError(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, user)
}

// writeError responds with an oauthError, or an error of PKCE, which knows its code
// too. Any other is this server's own fault, and for its log only.
func (p *provider) writeError(w http.ResponseWriter, r *http.Request, err error) {
	var refusal oauthError
	if pkce := (*stripeapps.PKCEError)(nil); errors.As(err, &pkce) {
		refusal = oauthError{http.StatusBadRequest, pkce.Code(), pkce.Description()}
	} else if !errors.As(err, &refusal) {
		refusal = oauthError{http.StatusInternalServerError, "server_error", "the server failed: try again later"}
		p.logger.ErrorContext(r.Context(), "failed", "path", r.URL.Path, "error", err)
	}
	p.logRefusal(r, refusal)
	writeJSON(w, refusal.status, map[string]string{"error": refusal.code, "error_description": refusal.description})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache") // RFC 6749, section 5.1
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
