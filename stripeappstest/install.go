package stripeappstest

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
)

// NewInstallRedirect returns the request with which a browser comes back from Stripe
// after an install, to be passed to the Callback of an install.Link for testing. start
// is the response of its Start, of which it has the state and the cookies, as a browser
// keeps them: an install is bound to the browser that began it.
//
// The options are those of NewRequest that say who signs and when: WithSecret, At,
// WithUser, WithAccount, Tampered, Expired, FromTheFuture, Unsigned and
// WithOtherSecret. It is an install of live mode; for one of test mode, Stripe adds
// livemode=false to the query, unsigned:
//
//	r.URL.RawQuery += "&livemode=false"
//
// It panics if start does not lead to an install link with a redirect_uri and a state,
// on any other option, and on what httptest.NewRequest panics on.
func NewInstallRedirect(start *http.Response, options ...Option) *http.Request {
	r, err := newInstallRedirect(start, options)
	if err != nil {
		panic(err.Error())
	}
	return r
}

func newInstallRedirect(start *http.Response, options []Option) (*http.Request, error) {
	location, err := start.Location()
	if err != nil {
		return nil, fmt.Errorf("stripeappstest: the response has status %d and no Location: is it that of Start?", start.StatusCode)
	}
	given := location.Query()
	state, back := given.Get("state"), given.Get("redirect_uri")
	if state == "" || back == "" {
		return nil, errors.New("stripeappstest: the response leads to where there is no redirect_uri and state: is it that of Start?")
	}
	m, err := newMessage(map[string]string{"state": state}, options)
	if err != nil {
		return nil, err
	}
	if m.onlyIDs || m.where != inBody {
		return nil, errors.New("stripeappstest: IDsInHeaders, IDsInQuery and OnlyIDsSigned are not for the redirect of an install")
	}
	query := url.Values{"state": {state}}
	for _, id := range m.ids() {
		query.Set(id.name, id.value)
	}
	if !m.unsigned {
		query.Set("install_signature", m.header)
	}
	r := httptest.NewRequest(http.MethodGet, back+"?"+query.Encode(), nil)
	for _, cookie := range start.Cookies() {
		if cookie.MaxAge >= 0 {
			r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
		}
	}
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	return r, nil
}
