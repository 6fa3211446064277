package stripeappstest

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
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
// or leads to an OAuth install link, for which there is NewOAuthRedirect, on any other
// option, and on what httptest.NewRequest panics on.
func NewInstallRedirect(start *http.Response, options ...Option) *http.Request {
	r, err := newInstallRedirect(start, options)
	if err != nil {
		panic(err.Error())
	}
	return r
}

func newInstallRedirect(start *http.Response, options []Option) (*http.Request, error) {
	link, err := readStart(start)
	if err != nil {
		return nil, err
	}
	if link.isOAuth {
		return nil, errors.New("stripeappstest: the response leads to an OAuth install link, from which a code comes back and no signature: use NewOAuthRedirect")
	}
	m, err := newMessage(map[string]string{"state": link.state}, options)
	if err != nil {
		return nil, err
	}
	if m.onlyIDs || m.where != inBody {
		return nil, errors.New("stripeappstest: IDsInHeaders, IDsInQuery and OnlyIDsSigned are not for the redirect of an install")
	}
	query := url.Values{"state": {link.state}}
	for _, id := range m.ids() {
		query.Set(id.name, id.value)
	}
	if !m.unsigned {
		query.Set("install_signature", m.header)
	}
	return link.comeBack(query), nil
}

// NewOAuthRedirect returns the request with which a browser comes back from Stripe after
// an install with OAuth, to be passed to the Callback of an install.OAuth for testing.
// start is the response of its Start, of which it has the state and the cookies, as for
// NewInstallRedirect. code is one that the token endpoint takes: installtest's
// TokenEndpoint.Code makes them. Nothing in such a redirect is signed.
//
// A person who does not agree comes back with an error in place of both:
//
//	r.URL.RawQuery = "error=access_denied"
//
// It panics if start does not lead to an OAuth install link with a redirect_uri and a
// state, if code is empty, and on what httptest.NewRequest panics on.
func NewOAuthRedirect(start *http.Response, code string) *http.Request {
	link, err := readStart(start)
	switch {
	case err != nil:
		panic(err.Error())
	case !link.isOAuth:
		panic("stripeappstest: the response does not lead to an OAuth install link (/oauth/v2/…): use NewInstallRedirect for an install link")
	case code == "":
		panic("stripeappstest: NewOAuthRedirect was given an empty code: give what the Code of installtest's TokenEndpoint returns")
	}
	return link.comeBack(url.Values{"state": {link.state}, "code": {code}})
}

// startLink is where a Start leads, and what the browser keeps of its response.
type startLink struct {
	state, redirectURI string
	isOAuth            bool
	cookies            []*http.Cookie
}

func readStart(start *http.Response) (startLink, error) {
	location, err := start.Location()
	if err != nil {
		return startLink{}, fmt.Errorf("stripeappstest: the response has status %d and no Location: is it that of Start?", start.StatusCode)
	}
	given := location.Query()
	link := startLink{
		given.Get("state"), given.Get("redirect_uri"), strings.HasPrefix(location.Path, "/oauth/v2/"), start.Cookies(),
	}
	if link.state == "" || link.redirectURI == "" {
		return startLink{}, errors.New("stripeappstest: the response leads to where there is no redirect_uri and state: is it that of Start?")
	}
	return link, nil
}

// comeBack returns the request of a browser that Stripe leads back.
func (l startLink) comeBack(query url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodGet, l.redirectURI+"?"+query.Encode(), nil)
	for _, cookie := range l.cookies {
		if cookie.MaxAge >= 0 {
			r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
		}
	}
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	return r
}
