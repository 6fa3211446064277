package manifest_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a reason says to add must do, and be what Stripe takes.
func TestAdviceDoes(t *testing.T) {
	said := regexp.MustCompile(`(?:add|or|write) ("(?:[^"\\]|\\.)*")`)
	entries := []string{
		"https://api.example.com/v2/refunds", "https://api.example.com/files/", "https://*.example.net/x",
		"https://api.example.com:8443/a/b", "https://api.example.com/a%20b",
	}
	for _, url := range []string{
		"https://api.example.com/v2/refunds/", "https://api.example.com/v2/refunds/1",
		"https://api.example.com/V2/refunds", "https://api.example.com/v2/Refunds/1",
		"https://api.example.com/files", "https://api.example.com/files2", "https://a.example.net/x/y",
		"https://example.net/x", "https://api.example.com:8443/a/b/c", "https://api.example.com:8443/a",
		"https://other.example.com/", "https://other.example.com/a", "https://other.example.com/a/b;c",
		"https://other.example.com/a,b/c", "https://other.example.com/a/*",
		"https://other.example.com/a b/c d",
		"https://other.example.com/é/ü", "https://other.example.com/%C3%A9/%FE/../b",
		"https://other.example.com/a//b", "https://other.example.com//", "https://bücher.example/a/b",
		"https://other.example.com/'a'/\"b\"",
		"https://other.example.com/a%20b/%2F/%3B", "https://other.example.com:8443/a/b",
		"https://other.example.com:0/a/b", "https://[::1]/a/b", "https://127.1/a/b",
		"https://other.example.com./a/b", "https://other.example.com/api", "https://api.example.com/a b/c",
		"wss://other.example.com/a/b", "http://other.example.com/a/b", "http://localhost:3000/a/b",
		"https://under_score.example.com/a/b", "https://localhost/a/b", "https://other.example.com/a/b?c=d#e",
		"https://other.example.com/a/%",
	} {
		reason := connecting(t, entries...).AllowsConnect(url).Reason
		for _, quoted := range said.FindAllStringSubmatch(reason, -1) {
			entry, err := strconv.Unquote(quoted[1])
			require.NoError(t, err)
			v := connecting(t, entry).AllowsConnect(url)
			assert.True(t, v.Allowed, "%s\n%s\n%s: %s", url, reason, entry, v)
		}
		if err := connecting(t, entries...).RoutesCovered(url, "/x/{y}"); err != nil {
			for _, quoted := range said.FindAllStringSubmatch(err.Error(), -1) {
				entry, err := strconv.Unquote(quoted[1])
				require.NoError(t, err)
				assert.NoError(t, connecting(t, entry).RoutesCovered(url, "/x/{y}"), entry)
			}
		}
	}
}

// What a Reason says to add is what Check takes, and allows the URL.
func TestAdviceIsWhatCheckTakes(t *testing.T) {
	for _, u := range []string{
		"https://h.example/refunds", "https://api.stripe.com/v1/charges", "http://h.example/x/y",
		"https://h.example/a;b/c", "https://h.example/a b/c", "wss://h.example/x/y", "https://[::1]/x/y",
		"https://a_b.example/x/y", "https://h.example/x/*",
	} {
		reason := connecting(t).AllowsConnect(u).Reason
		for i, part := range strings.Split(reason, `"`) {
			if i%2 == 1 {
				m := connecting(t, part)
				assert.NoError(t, m.Check().Err(), "%s: %s", u, reason)
				assert.True(t, m.AllowsConnect(u).Allowed, "%s: %s", u, reason)
			}
		}
	}
}
