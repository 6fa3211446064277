package stripeapps_test

import (
	"net/url"
	"path"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

func TestRedirectURIs(t *testing.T) {
	live, test, err := stripeapps.RedirectURIs("com.example.my-app_2")
	require.NoError(t, err)
	assert.Equal(t, "https://dashboard.stripe.com/apps-oauth/com.example.my-app_2", live)
	assert.Equal(t, "https://dashboard.stripe.com/test/apps-oauth/com.example.my-app_2", test)
}

// assertNoRedirectURIs holds what is returned for id to be an error that is the
// same for all, and so does not hold it.
func assertNoRedirectURIs(t *testing.T, id string) {
	t.Helper()
	live, test, err := stripeapps.RedirectURIs(id)
	assert.EqualError(t, err, `stripeapps: an app id is one or more letters, digits, _, - and ., but not . or .. alone (see "id" in stripe-app.json)`, "%q", id)
	assert.Empty(t, live)
	assert.Empty(t, test)
}

func TestRedirectURIsRefuseWhatIsNoAppID(t *testing.T) {
	for name, id := range map[string]string{
		"none":                     "",
		"this folder":              ".",
		"the folder above":         "..",
		"a path":                   "a/b",
		"a way up":                 "../a",
		"a path for Windows":       `a\b`,
		"a space":                  "a b",
		"a query":                  "a?b",
		"a fragment":               "a#b",
		"percent-encoding":         "a%2e",
		"outside ASCII":            "ä",
		"a digit outside ASCII":    "a٣",
		"invalid UTF-8":            "a\xff",
		"a line break":             "a\n",
		"a line break in front":    "\na",
		"NUL":                      "a\x00",
		"a user, and another host": "a@b.example",
	} {
		t.Run(name, func(t *testing.T) { assertNoRedirectURIs(t, id) })
	}
}

// Of the schema of stripe-app.json.
var appIDGrammar = regexp.MustCompile(`^[a-zA-Z0-9_\-\.]+$`)

func TestRedirectURIsAcceptTheManifestsIDs(t *testing.T) {
	ids := []string{"com.example.app", "...", ".a", "a.", "-", "_"}
	for b := range 256 {
		ids = append(ids, "a"+string([]byte{byte(b)})+"b")
	}
	for _, id := range ids {
		if !appIDGrammar.MatchString(id) {
			assertNoRedirectURIs(t, id)
			continue
		}
		live, test, err := stripeapps.RedirectURIs(id)
		require.NoError(t, err, id)
		for _, uri := range []string{live, test} {
			// Nothing that reads the URI writes it in another way.
			u, err := url.Parse(uri)
			require.NoError(t, err)
			assert.Equal(t, uri, u.JoinPath().String())
			assert.Equal(t, id, path.Base(u.Path))
			assert.Equal(t, "dashboard.stripe.com", u.Host)
		}
	}
}
