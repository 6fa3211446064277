package fetch_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

const (
	site  = "https://app.example.com"
	other = "https://other.example"
)

func TestWhatAnOriginIsGranted(t *testing.T) {
	type grant struct {
		allowed     string
		credentials bool
	}
	for name, test := range map[string]struct {
		open, credentialed []string
		want               map[string]grant
	}{
		"any": {[]string{"*"}, nil, map[string]grant{
			site: {"*", false}, "null": {"*", false}, "*": {"*", false}, "": {},
		}},
		"any, and one with credentials": {[]string{"*"}, []string{site}, map[string]grant{
			site: {site, true}, other: {"*", false}, "null": {"*", false}, "https://APP.example.com": {"*", false}, "": {},
		}},
		"a list": {[]string{"null", other}, []string{site}, map[string]grant{
			site: {site, true}, other: {other, false}, "null": {"null", false},
			"https://APP.example.com": {}, site + ":8443": {}, "http://app.example.com": {}, "*": {}, "": {},
		}},
		"only with credentials": {nil, []string{site}, map[string]grant{site: {site, true}, other: {}, "null": {}, "": {}}},
	} {
		t.Run(name, func(t *testing.T) {
			origins := fetch.NewAllowedOrigins(test.open, test.credentialed)
			assert.Equal(t, len(test.open) > 0 && test.open[0] == "*", origins.Any())
			for origin, want := range test.want {
				allowed, credentials := origins.Grant(origin)
				assert.Equal(t, want, grant{allowed, credentials}, origin)
			}
		})
	}
}

// assertErrors compares errors from their beginnings on.
func assertErrors(t *testing.T, got []error, want ...string) {
	t.Helper()
	require.Len(t, got, len(want), "%v", errors.Join(got...))
	for i := range want {
		assert.Contains(t, "^"+got[i].Error(), "^"+want[i])
	}
}

func TestListsOfOrigins(t *testing.T) {
	assertErrors(t, fetch.CheckOrigins("Open", []string{"*"}))
	assertErrors(t, fetch.CheckOrigins("Open", []string{"null", site, "http://app.example.com"}))
	assertErrors(t, fetch.CheckOrigins("Open", []string{site, "*", site, "x"}),
		"Open[1] is * among others", `Open[2] is "https://app.example.com" again`, `Open[3] is "x": an origin is a scheme`)
}

func TestListsOfOriginsWithCredentials(t *testing.T) {
	check := func(origins ...string) []error {
		return fetch.CheckCredentialedOrigins("Cookies", origins, "Open", []string{"null", other})
	}
	assertErrors(t, check())
	assertErrors(t, check(site, "http://localhost:3000", "http://[::1]"))
	assertErrors(t, check("*", "null", "http://app.example.com", site, site, other, site+"/"),
		`Cookies[0] allows credentials for "*", which is no one in particular: only Open can have it`,
		`Cookies[1] allows credentials for "null"`,
		`Cookies[2] allows credentials for "http://app.example.com": anyone on the network's way can act for it; use https`,
		`Cookies[4] is "https://app.example.com" again`,
		`Cookies[5] is "https://other.example", which is in Open too`,
		`Cookies[6] is "https://app.example.com/", which no browser sends`)
}

func TestListsOfMethodsAndHeaders(t *testing.T) {
	assertErrors(t, fetch.CheckMethods("M", []string{"GET", "get", "*"}), `M[1] is "get": methods are case-sensitive`, `M[2] is "*", which is no method`)
	assertErrors(t, fetch.CheckRequestHeaders("H", []string{"X-Own", "Cookie", "x-own"}), `H[1] is "Cookie", which browsers`, `H[2] is "x-own" again`)
	assertErrors(t, fetch.CheckResponseHeaders("E", []string{"X-Own", "Set-Cookie"}), `E[1] is "Set-Cookie", which browsers`)
}
