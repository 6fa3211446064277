package stripeappstest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

const toStripe = "https://marketplace.stripe.com/apps/install/link/com.example?redirect_uri=https%3A%2F%2Fapp.example.com%2Finstalled&state=xyz"

func startResponse(location string) *http.Response {
	w := httptest.NewRecorder()
	w.Header().Set("Location", location)
	http.SetCookie(w, &http.Cookie{Name: "__Host-a", Value: "1", MaxAge: 60})
	http.SetCookie(w, &http.Cookie{Name: "__Host-b", Value: "2", MaxAge: -1})
	w.WriteHeader(http.StatusSeeOther)
	return w.Result()
}

// The MAC is the one that stripe-node makes over {"state":"xyz","user_id":"usr_123","account_id":"acct_123"}.
func TestAnInstallRedirectIsWhatABrowserSends(t *testing.T) {
	options := []stripeappstest.Option{
		stripeappstest.WithSecret("absec_test_secret"), stripeappstest.At(time.Unix(1700000000, 0)),
		stripeappstest.WithUser("usr_123"), stripeappstest.WithAccount("acct_123"),
	}
	r := stripeappstest.NewInstallRedirect(startResponse(toStripe), options...)
	assert.Equal(t, "GET", r.Method)
	assert.Equal(t, "app.example.com", r.Host)
	assert.Equal(t, "https://app.example.com/installed?account_id=acct_123&install_signature=t%3D1700000000%2Cv1%3D"+
		"25559199675d0cb3cc96d1c23517381885e45c3347bf10c5420c81951fa82237&state=xyz&user_id=usr_123", r.URL.String())
	assert.Equal(t, http.Header{
		"Cookie": {"__Host-a=1"}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"},
	}, r.Header)

	r = stripeappstest.NewInstallRedirect(startResponse(toStripe), append(options, stripeappstest.Tampered())...)
	assert.Equal(t, "acct_120", r.URL.Query().Get("account_id"))
	r = stripeappstest.NewInstallRedirect(startResponse(toStripe), append(options, stripeappstest.Unsigned(), stripeappstest.WithUser(""))...)
	assert.Equal(t, "account_id=acct_123&state=xyz", r.URL.RawQuery)
}

const toOAuth = "https://marketplace.stripe.com/oauth/v2/chnlink_1/authorize?client_id=ca_1&redirect_uri=https%3A%2F%2Fapp.example.com%2Fconnected&state=xyz"

func TestAnOAuthRedirectIsWhatABrowserSends(t *testing.T) {
	r := stripeappstest.NewOAuthRedirect(startResponse(toOAuth), "ac_1")
	assert.Equal(t, "GET", r.Method)
	assert.Equal(t, "app.example.com", r.Host)
	assert.Equal(t, "https://app.example.com/connected?code=ac_1&state=xyz", r.URL.String())
	assert.Equal(t, http.Header{
		"Cookie": {"__Host-a=1"}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"},
	}, r.Header)
}

func TestEachStartHasARedirectOfItsOwn(t *testing.T) {
	assert.Contains(t, panicsWith(t, startResponse(toOAuth)), "use NewOAuthRedirect")
	for want, panics := range map[string]func(){
		"use NewInstallRedirect":    func() { stripeappstest.NewOAuthRedirect(startResponse(toStripe), "ac_1") },
		"an empty code":             func() { stripeappstest.NewOAuthRedirect(startResponse(toOAuth), "") },
		"no redirect_uri and state": func() { stripeappstest.NewOAuthRedirect(startResponse(strings.TrimSuffix(toOAuth, "xyz")), "ac_1") },
		"no Location":               func() { stripeappstest.NewOAuthRedirect(httptest.NewRecorder().Result(), "ac_1") },
	} {
		assert.Contains(t, textOf(panics), want)
	}
}

func TestWhatIsNoStartOfAnInstall(t *testing.T) {
	for want, start := range map[string]*http.Response{
		"no Location":               httptest.NewRecorder().Result(),
		"no redirect_uri and state": startResponse(strings.TrimSuffix(toStripe, "xyz")),
	} {
		assert.Contains(t, panicsWith(t, start), want)
	}
	assert.Contains(t, panicsWith(t, startResponse(toStripe), stripeappstest.IDsInQuery()), "not for the redirect of an install")
	assert.Contains(t, panicsWith(t, startResponse(toStripe), stripeappstest.IDsInHeaders()), "not for the redirect of an install")
	assert.Contains(t, panicsWith(t, startResponse(toStripe), stripeappstest.OnlyIDsSigned()), "not for the redirect of an install")
	assert.Contains(t, panicsWith(t, startResponse(toStripe), nil), "an Option is nil")
}

func panicsWith(t *testing.T, start *http.Response, options ...stripeappstest.Option) string {
	t.Helper()
	return textOf(func() { stripeappstest.NewInstallRedirect(start, options...) })
}

// textOf is what f panics with.
func textOf(f func()) (text string) {
	defer func() { text, _ = recover().(string) }()
	f()
	return ""
}
