package install

import (
	"net/http"
	"net/url"
)

// startHandler returns the handler that begins an install in a mode: it sets the cookie of
// a new state, and leads to a link of Stripe's (303).
func startHandler(states *states, refusals refusals, mode Mode, link *url.URL, redirectURI string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setPrivate(w)
		if r.Method != http.MethodGet { // a HEAD would begin an install that nobody goes on with
			w.Header().Set("Allow", "GET")
			refusals.refuse(w, r, errMethod)
			return
		}
		state, err := states.start(w, r, mode)
		if err != nil {
			refusals.refuse(w, r, err)
			return
		}
		to, query := *link, link.Query()
		query.Set("redirect_uri", redirectURI)
		query.Set("state", state)
		to.RawQuery = query.Encode()
		w.Header().Set("Location", to.String())
		w.WriteHeader(http.StatusSeeOther)
	})
}
