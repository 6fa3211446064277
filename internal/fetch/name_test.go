package fetch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

func TestMethods(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "purge", "M-SEARCH"} {
		assert.NoError(t, fetch.CheckMethod(method), method)
	}
	for method, want := range map[string]string{
		"*":        `is "*", which is no method: list the methods`,
		"":         `is "", which is not a method's name`,
		"GET POST": "not a method's name",
		"CONNECT":  "browsers never send",
		"trace":    "browsers never send",
		"Track":    "browsers never send",
		"patch":    `write "PATCH"`,
		"Options":  `write "OPTIONS"`,
	} {
		assert.ErrorContains(t, fetch.CheckMethod(method), want, method)
	}
}

func TestHeadersOfRequests(t *testing.T) {
	for _, name := range []string{"Content-Type", "Authorization", "X-Own", "Set-Cookie2", "Secret", "Proxy"} {
		assert.NoError(t, fetch.CheckRequestHeader(name), name)
	}
	for name, want := range map[string]string{
		"*":                             "does not cover Authorization",
		"":                              `is "", which is not a header's name`,
		"X Own":                         "not a header's name",
		"X-Own:":                        "not a header's name",
		"X-Ö":                           "not a header's name",
		"Cookie":                        "browsers keep to themselves",
		"SET-COOKIE":                    "browsers keep to themselves",
		"Sec-Fetch-Site":                "browsers keep to themselves",
		"proxy-x":                       "browsers keep to themselves",
		"Access-Control-Request-Method": "browsers keep to themselves",
		"Access-Control-Own":            "browsers keep to themselves",
	} {
		assert.ErrorContains(t, fetch.CheckRequestHeader(name), want, name)
	}
}

func TestHeadersOfResponses(t *testing.T) {
	for _, name := range []string{"X-Request-Id", "etag", "Content-Length", "Date"} {
		assert.NoError(t, fetch.CheckResponseHeader(name), name)
	}
	for name, want := range map[string]string{
		"*":                           "does not cover Authorization",
		"":                            "not a header's name",
		"Set-Cookie":                  "browsers keep to themselves",
		"set-cookie2":                 "browsers keep to themselves",
		"Access-Control-Allow-Origin": "browsers keep to themselves",
	} {
		assert.ErrorContains(t, fetch.CheckResponseHeader(name), want, name)
	}
}

func TestTokens(t *testing.T) {
	for _, s := range []string{"a", "A_b-1", "!#$%&'*+-.^_`|~"} {
		assert.True(t, fetch.IsToken(s), s)
	}
	for _, c := range "\x00\t \"(),/:;<=>?@[\\]{}\x7fé" {
		assert.False(t, fetch.IsToken("a"+string(c)), "%q", c)
	}
	assert.False(t, fetch.IsToken(""))
}
