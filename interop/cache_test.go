package interop_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps"
)

// sharedCache returns a cache as a CDN has it: what does not say otherwise is stored
// without an end, and given to all requests whose headers that Vary names are the
// same.
func sharedCache(next http.Handler) http.Handler {
	type entry struct {
		response *http.Response
		body     string
		request  http.Header
	}
	var entries []entry
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, e := range entries {
			if !varies(e.response.Header, e.request, r.Header) {
				w.Header().Set("X-Cache", "hit")
				forward(w, e.response, e.body)
				return
			}
		}
		recorder := httptest.NewRecorder()
		next.ServeHTTP(recorder, r)
		response, body := recorder.Result(), recorder.Body.String()
		control := response.Header.Get("Cache-Control")
		if !strings.Contains(control, "no-store") && !strings.Contains(control, "private") {
			entries = append(entries, entry{response, body, r.Header.Clone()})
		}
		forward(w, response, body)
	})
}

func forward(w http.ResponseWriter, response *http.Response, body string) {
	maps.Copy(w.Header(), response.Header)
	w.WriteHeader(response.StatusCode)
	io.WriteString(w, body)
}

// varies reports whether what Vary names is not the same in two requests.
func varies(response, stored, now http.Header) bool {
	for _, name := range strings.Split(strings.Join(response["Vary"], ","), ",") {
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		if name == "*" || strings.Join(stored[name], ",") != strings.Join(now[name], ",") {
			return true
		}
	}
	return false
}

func TestASharedCacheGivesNobodyTheResponseOfAnother(t *testing.T) {
	for _, test := range []struct {
		name    string
		control string // of the handler
		hit     string // whether Alice gets the same response again from the cache
	}{
		{"where the handler does not speak of caches", "", ""},
		{"where the handler allows to store the response", "public, max-age=60", "hit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler := sharedCache(newChain(t, stripeapps.IDsInHeaders)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if test.control != "" {
					w.Header().Set("Cache-Control", test.control)
				}
				whoami(w, r)
			})))
			get := func(r *http.Request) received {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				return received{w.Code, normalized(w.Result().Header), w.Body.String()}
			}
			alice := signedGet("/", "usr_alice")
			assert.Equal(t, "usr_alice acct_test true", get(alice).body)
			assert.Equal(t, "usr_bob acct_test true", get(signedGet("/", "usr_bob")).body)

			unsigned := signedGet("/", "usr_alice")
			unsigned.Header.Del("Stripe-Signature")
			assert.Equal(t, http.StatusUnauthorized, get(unsigned).status)
			nothing := httptest.NewRequest(http.MethodGet, "/", nil)
			nothing.Header.Set("Origin", "null")
			assert.Equal(t, http.StatusUnauthorized, get(nothing).status)

			again := get(alice)
			assert.Equal(t, "usr_alice acct_test true", again.body)
			assert.Equal(t, test.hit, again.header.Get("X-Cache"))
			again.header.Del("X-Cache")
			want := acceptedHeaders("Content-Type", "text/plain")
			if test.control != "" {
				want.Set("Cache-Control", test.control)
			}
			assert.Equal(t, want, again.header)
		})
	}
}
