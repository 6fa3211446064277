package standin

import (
	"net/http"
	"net/url"

	"github.com/seed-8a2ffb75/stripeapps/install"
)

// The pages of marketplace.stripe.com on which a person installs the app. Each of the two
// is for another kind of app.
const (
	installPath = "/apps/install/link/com.example.app"
	oauthPath   = "/oauth/v2/chnlink_example/authorize"
)

// theInstall is the one that there can be.
var theInstall = install.ID{Account: AccountID, Mode: install.Test}

func (s *Stripe) redirectURI() string { return s.appURL + "/installed" }

// onlyAllowed refuses what Stripe refuses as well: a redirect_uri that is not one of the
// app's allowed_redirect_uris.
func (s *Stripe) onlyAllowed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.RawQuery) > 4<<10 || r.URL.Query().Get("redirect_uri") != s.redirectURI() {
			http.Error(w, "redirect_uri must be "+s.redirectURI(), http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// decide does what a person has decided on. Who does not agree comes back without a state.
func (s *Stripe) decide(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	if r.PostFormValue("decision") != "agree" {
		s.seen.change(func(v *view) { v.Cancelled = true })
		http.Redirect(w, r, s.redirectURI()+"?error=access_denied", http.StatusSeeOther)
		return
	}
	state, back := r.URL.Query().Get("state"), s.signedWayBack
	if r.URL.Path == oauthPath {
		back = s.wayBackWithCode
	}
	query, err := back(state)
	if err != nil {
		http.Error(w, "the state cannot be signed", http.StatusBadRequest)
		return
	}
	s.seen.change(func(v *view) { // the tour begins anew
		*v = view{Granted: true, Install: &redirect{To: s.redirectURI(), Query: query}}
	})
	values := url.Values{}
	for _, p := range query {
		values.Set(p.Name, p.Value)
	}
	http.Redirect(w, r, s.redirectURI()+"?"+values.Encode(), http.StatusSeeOther)
}

// signedWayBack is signed over exactly the state, the user and the account; livemode is
// not part of it.
//
// https://docs.stripe.com/stripe-apps/install-links
func (s *Stripe) signedWayBack(state string) ([]param, error) {
	_, signature, err := s.signer.Sign([]byte(`{"state":` + quoted(state) + `}`))
	return []param{
		{"state", state, ""}, {"user_id", UserID, ""}, {"account_id", AccountID, ""},
		{"install_signature", signature, ""}, {"livemode", "false", "not signed"},
	}, err
}

// wayBackWithCode has a code, for which the app gets tokens.
//
// https://docs.stripe.com/stripe-apps/api-authentication/oauth
func (s *Stripe) wayBackWithCode(state string) ([]param, error) {
	return []param{{"state", state, ""}, {"code", s.tokens.Code(theInstall), ""}}, nil
}

// landed is where the app sends people once it is installed.
func (s *Stripe) landed(w http.ResponseWriter, r *http.Request) {
	s.seen.change(func(v *view) {
		if v.Install != nil {
			v.Install = &redirect{To: v.Install.To, Query: v.Install.Query, Landed: true}
		}
	})
	http.Redirect(w, r, "/#request", http.StatusSeeOther)
}
