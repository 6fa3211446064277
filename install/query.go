package install

import (
	"net/http"
	"net/url"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// readReturn reads the query with which Stripe leads a browser back. A parameter that
// is there twice is refused, whatever its name, as others may take the other one.
//
// https://www.rfc-editor.org/rfc/rfc6749#section-3.1
//
// If the person did not agree, there is an error and nothing else that can be
// relied on: the error is ErrCancelled or ErrFailed then, and ErrMalformed otherwise.
func readReturn(r *http.Request) (url.Values, error) {
	if len(r.URL.RawQuery) > signed.MaxQueryBytes {
		return nil, ErrMalformed
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, ErrMalformed
	}
	for _, values := range query {
		if len(values) > 1 {
			return nil, ErrMalformed
		}
	}
	switch {
	case query.Get("error") == "access_denied":
		return nil, ErrCancelled
	case query.Has("error"):
		return nil, ErrFailed
	}
	return query, nil
}
