package stripeapps_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"

	"github.com/seed-8a2ffb75/stripeapps"
)

// A provider's two handlers, with what belongs to PKCE only: examples/oauth has
// the rest.
func ExampleVerifyCodeVerifier() {
	redirectURI, _, err := stripeapps.RedirectURIs("com.example.app")
	if err != nil {
		fmt.Println(err)
		return
	}
	var codes sync.Map // from a code to its challenge

	// The client and redirect_uri have been checked, and the user has agreed.
	authorize := func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		response := url.Values{"state": {query.Get("state")}}
		challenge, err := stripeapps.ReadCodeChallenge(query)
		if err != nil {
			var e *stripeapps.PKCEError
			errors.As(err, &e)
			response.Set("error", e.Code())
			response.Set("error_description", e.Description())
		} else {
			code := rand.Text()
			codes.Store(code, challenge)
			response.Set("code", code)
		}
		http.Redirect(w, r, redirectURI+"?"+response.Encode(), http.StatusSeeOther)
	}
	token := func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		verifier, err := stripeapps.ReadCodeVerifier(r.Form)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest) // as JSON: see PKCEError
			return
		}
		stored, ok := codes.LoadAndDelete(r.Form.Get("code")) // whatever comes of it: nobody tries twice
		if !ok {
			http.Error(w, "no such code (invalid_grant)", http.StatusBadRequest)
			return
		}
		if err := stripeapps.VerifyCodeVerifier(verifier, stored.(string)); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, "the tokens")
	}

	// The Dashboard's side; then another's verifier, a code again, and no challenge.
	verifier := stripeapps.NewCodeVerifier()
	ask := func(params url.Values) url.Values {
		w := httptest.NewRecorder()
		authorize(w, httptest.NewRequest("GET", "/authorize?"+params.Encode(), nil))
		location, _ := url.Parse(w.Header().Get("Location"))
		return location.Query()
	}
	exchange := func(code, verifier string) {
		form := url.Values{"code": {code}, "code_verifier": {verifier}}
		r := httptest.NewRequest("POST", "/token", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		token(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	params := url.Values{"code_challenge": {stripeapps.S256Challenge(verifier)}, "code_challenge_method": {"S256"}}
	exchange(ask(params).Get("code"), verifier)
	code := ask(params).Get("code")
	exchange(code, stripeapps.NewCodeVerifier())
	exchange(code, verifier)
	fmt.Println(ask(nil).Get("error_description"))
	// Output:
	// 200 the tokens
	// 400 stripeapps: code_verifier does not match the code_challenge of the authorization request (invalid_grant)
	// 400 no such code (invalid_grant)
	// code_challenge is missing: PKCE is required
}

// Every error is sent to the client in one way: which one it is need not be asked.
func ExamplePKCEError() {
	token := func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		_, err := stripeapps.ReadCodeVerifier(r.Form)
		if err != nil {
			var e *stripeapps.PKCEError
			errors.As(err, &e)
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusBadRequest)
			json.NewEncoder(w).Encode(map[string]string{"error": e.Code(), "error_description": e.Description()})
			return
		}
		// Take the code out of use, and so with VerifyCodeVerifier.
	}
	w := httptest.NewRecorder()
	token(w, httptest.NewRequest("POST", "/token", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 400 {"error":"invalid_request","error_description":"code_verifier is missing"}
}

// The verifier and challenge of RFC 7636, appendix B.
func ExampleS256Challenge() {
	fmt.Println(stripeapps.S256Challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
	// Output: E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM
}

// The client's half.
func ExampleNewCodeVerifier() {
	verifier := stripeapps.NewCodeVerifier() // keep it for the token request
	authorization := url.Values{
		"code_challenge":        {stripeapps.S256Challenge(verifier)},
		"code_challenge_method": {"S256"},
	}
	fmt.Println(len(verifier), len(authorization.Get("code_challenge")))
	// Output: 43 43
}

func ExampleRedirectURIs() {
	live, test, err := stripeapps.RedirectURIs("com.example.app")
	fmt.Println(live)
	fmt.Println(test)
	fmt.Println(err)
	// Output:
	// https://dashboard.stripe.com/apps-oauth/com.example.app
	// https://dashboard.stripe.com/test/apps-oauth/com.example.app
	// <nil>
}
