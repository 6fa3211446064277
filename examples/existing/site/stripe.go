package main

import (
	"net/http"

	"github.com/seed-8a2ffb75/stripeapps"
)

// customers are the users of the site by their Stripe account. A real site has learned
// them by OAuth, or an install link.
var customers = map[string]string{"acct_ada": "ada", "acct_grace": "grace"}

// addStripe puts routes for the Stripe App beside a site. The site's handler stays as it
// is, with its CORS and its protection, which never sees /stripe/: no extension would get
// past it.
func addStripe(handler http.Handler, s *site, secrets []string) (http.Handler, error) {
	protect, err := stripeapps.New(stripeapps.Config{Secrets: secrets})
	if err != nil {
		return nil, err
	}
	signed := http.NewServeMux()
	signed.Handle("POST /stripe/email", stripeapps.Require(stripeapps.Action("set_email"))(http.HandlerFunc(s.setCustomersEmail)))

	mux := http.NewServeMux()
	mux.Handle("/stripe/", protect(signed))
	mux.Handle("/", handler)
	return mux, nil
}

var errNoCustomer = stripeapps.NewError("no_customer", http.StatusForbidden,
	"this Stripe account is no customer of ours: connect it in the settings")

// setCustomersEmail knows who is calling by the signature alone: it never looks at cookies.
func (s *site) setCustomersEmail(w http.ResponseWriter, r *http.Request) {
	type payload struct {
		Email string `json:"email"`
	}
	signed, err := stripeapps.DecodePayload[payload](r.Context())
	if err != nil {
		stripeapps.Refuse(w, r, err)
		return
	}
	user, ok := customers[stripeapps.MustIdentity(r.Context()).AccountID]
	if !ok {
		stripeapps.Refuse(w, r, errNoCustomer)
		return
	}
	s.setEmail(user, signed.Email)
	w.WriteHeader(http.StatusNoContent)
}
