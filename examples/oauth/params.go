package main

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// What is bounded is bounded before it is parsed.
const (
	maxQueryBytes = 16 << 10
	maxBodyBytes  = 16 << 10
	maxStateBytes = 1 << 10
)

// readParams returns the parameters of a request to the token or revocation
// endpoint: the form in its body or, as in the sample in Stripe's documentation,
// the query of its URL with an empty body. Parameters in both places, or twice,
// could be understood in two ways, and are refused.
//
// https://www.rfc-editor.org/rfc/rfc6749#section-3.2
func readParams(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, oauthError{http.StatusMethodNotAllowed, "invalid_request", "this endpoint takes POST only"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, oauthError{http.StatusRequestEntityTooLarge, "invalid_request", "the body is larger than 16 KiB"}
	}
	if err != nil {
		return nil, invalidRequest("the body could not be read to its end")
	}
	encoded := string(body)
	switch {
	case len(body) > 0 && r.URL.RawQuery != "":
		return nil, invalidRequest("send all parameters in the body, or all of them in the query, not in both")
	case len(body) > 0:
		mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if mediaType != "application/x-www-form-urlencoded" {
			return nil, invalidRequest("the body's Content-Type must be application/x-www-form-urlencoded")
		}
	case len(r.URL.RawQuery) > maxQueryBytes:
		return nil, invalidRequest("the query is longer than 16 KiB")
	default:
		encoded = r.URL.RawQuery
	}
	params, err := url.ParseQuery(encoded)
	if err != nil {
		return nil, invalidRequest("the parameters are not application/x-www-form-urlencoded")
	}
	if hasRepeated(params) {
		return nil, invalidRequest("a parameter is sent more than once")
	}
	return params, nil
}

func hasRepeated(params url.Values) bool {
	for _, values := range params {
		if len(values) > 1 {
			return true
		}
	}
	return false
}

// need returns invalid_request if one of the parameters is not there. One without
// a value counts as not there (RFC 6749, section 3.2).
func need(params url.Values, names ...string) error {
	for _, name := range names {
		if params.Get(name) == "" {
			return invalidRequest(name + " is missing")
		}
	}
	return nil
}

// withParams returns a redirect URI with parameters added to its query, which it
// may have one of already. A space is %20, since not every reader takes + for
// one: the state comes back as it was, byte for byte.
func withParams(uri string, namesAndValues ...string) string {
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	for i := 0; i < len(namesAndValues); i += 2 {
		if namesAndValues[i+1] == "" {
			continue
		}
		uri += separator + namesAndValues[i] + "=" + strings.ReplaceAll(url.QueryEscape(namesAndValues[i+1]), "+", "%20")
		separator = "&"
	}
	return uri
}
