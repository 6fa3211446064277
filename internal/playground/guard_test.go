package playground

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPlaygroundIsOnlyForThisMachine(t *testing.T) {
	playground := testPlayground(t)
	requests := func() []*http.Request {
		return []*http.Request{local("GET", "/", ""), local("GET", "/playground/last", ""), local("POST", "/playground/sign", `{"age":"new"}`)}
	}
	for _, host := range []string{"127.0.0.1:4241", "127.0.0.1", "localhost:4241", "LocalHost", "[::1]:4241", "[::1]", "127.1.2.3:1"} {
		t.Run(host+" is this machine", func(t *testing.T) {
			for _, r := range requests() {
				r.Host = host
				r.Header.Del("Origin") // Sec-Fetch-Site says it
				assert.Equal(t, http.StatusOK, responseOf(playground, r).StatusCode, r.URL.Path)
			}
		})
	}
	for _, host := range []string{"", "evil.example", "127.0.0.1.evil.example:4241", "localhost.evil.example", "192.168.1.2:4241", "0.0.0.0:4241", "127.0.0.1:4241:1", "[fe80::1]"} {
		t.Run(host+" is another one", func(t *testing.T) {
			for _, r := range requests() {
				r.Host = host
				assertProblem(t, responseOf(playground, r), 403, "not_local")
			}
		})
	}
	for _, header := range []string{"X-Forwarded-For", "X-Forwarded-Host", "Forwarded"} {
		t.Run(header+" tells of a tunnel", func(t *testing.T) {
			for _, r := range requests() {
				r.Header.Set(header, "x")
				assertProblem(t, responseOf(playground, r), 403, "not_local")
			}
		})
	}
}

func TestPlaygroundRefusesOtherOrigins(t *testing.T) {
	playground := testPlayground(t)
	for name, change := range map[string]func(http.Header){
		"the extension":                  func(h http.Header) { h.Set("Origin", "null"); h.Set("Sec-Fetch-Site", "cross-site") },
		"another site":                   func(h http.Header) { h.Set("Origin", "https://evil.example"); h.Set("Sec-Fetch-Site", "cross-site") },
		"another port of this machine":   func(h http.Header) { h.Set("Origin", "http://127.0.0.1:3000"); h.Set("Sec-Fetch-Site", "same-site") },
		"an extension in an old browser": func(h http.Header) { h.Set("Origin", "null"); h.Del("Sec-Fetch-Site") },
		"a site in an old browser":       func(h http.Header) { h.Set("Origin", "https://evil.example"); h.Del("Sec-Fetch-Site") },
	} {
		t.Run(name+" cannot sign", func(t *testing.T) {
			r := local("POST", "/playground/sign", `{"age":"new"}`)
			change(r.Header)
			response := responseOf(playground, r)
			assertProblem(t, response, 403, "cross_origin")
			assert.Empty(t, response.Header.Get("Access-Control-Allow-Origin"))
		})
		t.Run(name+" cannot read what was sent", func(t *testing.T) {
			r := local("GET", "/playground/last", "")
			change(r.Header)
			response := responseOf(playground, r)
			if r.Header.Get("Sec-Fetch-Site") != "" { // else the browser hides it
				assertProblem(t, response, 403, "cross_origin")
			}
			assert.Empty(t, response.Header.Get("Access-Control-Allow-Origin"))
		})
	}
	t.Run("nobody may ask whether they can", func(t *testing.T) {
		assertProblem(t, responseOf(playground, preflight("POST", "/playground/sign")), 404, "not_found")
	})
}
