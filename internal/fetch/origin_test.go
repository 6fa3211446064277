package fetch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

func TestAnOriginIsWrittenAsItWasRead(t *testing.T) {
	for text, want := range map[string]fetch.Origin{
		"https://app.example.com":       {Scheme: "https", Host: "app.example.com", Port: 443},
		"https://app.example.com:8443":  {Scheme: "https", Host: "app.example.com", Port: 8443},
		"https://app.example.com:80":    {Scheme: "https", Host: "app.example.com", Port: 80},
		"http://app.example.com":        {Scheme: "http", Host: "app.example.com", Port: 80},
		"http://localhost:3000":         {Scheme: "http", Host: "localhost", Port: 3000},
		"http://127.0.0.1:65535":        {Scheme: "http", Host: "127.0.0.1", Port: 65535},
		"http://[::1]:3000":             {Scheme: "http", Host: "::1", Port: 3000},
		"https://[2001:db8::1]":         {Scheme: "https", Host: "2001:db8::1", Port: 443},
		"https://xn--bcher-kva.example": {Scheme: "https", Host: "xn--bcher-kva.example", Port: 443},
	} {
		origin, err := fetch.ParseOrigin(text)
		require.NoError(t, err)
		assert.Equal(t, want, origin)
		assert.Equal(t, text, origin.String())
	}
}

func TestWhatIsNoOriginIsExplained(t *testing.T) {
	for text, want := range map[string]string{
		"":                            `is "": an origin is a scheme`,
		"*":                           "a wildcard is not supported",
		"https://*.example.com":       "a wildcard is not supported",
		"null":                        "an origin is a scheme",
		"app.example.com":             "an origin is a scheme",
		"ftp://app.example.com":       "an origin is a scheme",
		"https:app.example.com":       "an origin is a scheme",
		"https://:443":                "an origin is a scheme",
		"https://a b":                 "an origin is a scheme",
		"https://bücher.example":      `is "https://bücher.example": its host has a character`,
		"https://a:0":                 `is "https://a:0": its port is not from 1 to 65535`,
		"https://a:65536":             "its port is not from 1 to 65535",
		"https://a:08080":             "its port is not from 1 to 65535",
		"https://a/":                  `write "https://a"`,
		"https://a?":                  `write "https://a"`,
		"https://a#x":                 `write "https://a"`,
		"https://me:pass@a":           `write "https://a"`,
		"HTTPS://A:443/x":             `write "https://a"`,
		"http://a:80":                 `write "http://a"`,
		"https://a:":                  `write "https://a"`,
		"http://[2001:DB8::1]:3000/x": `write "http://[2001:db8::1]:3000"`,
	} {
		_, err := fetch.ParseOrigin(text)
		assert.ErrorContains(t, err, want, text)
	}
}

func TestOnlyHTTPSAndLoopbackAreTrustworthy(t *testing.T) {
	for text, want := range map[string]bool{
		"https://app.example.com": true, "http://localhost:3000": true, "http://127.0.0.1": true, "http://[::1]:3000": true, "http://app.localhost": true,
		"http://app.example.com": false, "http://127.0.0.1.example.com": false, "http://[2001:db8::1]": false,
	} {
		origin, err := fetch.ParseOrigin(text)
		require.NoError(t, err)
		assert.Equal(t, want, origin.Trustworthy(), text)
	}
}
