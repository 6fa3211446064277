package fetch

import (
	"errors"
	"fmt"
	"slices"
)

// AllowedOrigins are the origins that may read responses.
type AllowedOrigins struct {
	any         bool
	credentials map[string]bool // by origin that is listed
}

// NewAllowedOrigins allows open, each "*", "null" or an exact origin, without
// credentials, and credentialed, each an exact origin, with them.
func NewAllowedOrigins(open, credentialed []string) AllowedOrigins {
	a := AllowedOrigins{slices.Contains(open, "*"), make(map[string]bool)}
	for _, origin := range open {
		if origin != "*" {
			a.credentials[origin] = false
		}
	}
	for _, origin := range credentialed {
		a.credentials[origin] = true
	}
	return a
}

// Any reports whether the origins that are not listed are allowed too.
func (a AllowedOrigins) Any() bool { return a.any }

// Grant returns the Access-Control-Allow-Origin for a request's Origin, in which
// case counts, or "" where there is none. It is never * with credentials, which
// browsers refuse.
//
// https://fetch.spec.whatwg.org/#cors-check
func (a AllowedOrigins) Grant(origin string) (allowed string, credentials bool) {
	credentials, listed := a.credentials[origin]
	switch {
	case a.any && !credentials && origin != "":
		return "*", false
	case listed:
		return origin, credentials
	}
	return "", false
}

// CheckOrigins checks origins that are allowed without credentials.
func CheckOrigins(field string, origins []string) []error {
	return checkEach(field, origins, func(origin string, before []string) error {
		if origin != "*" && origin != "null" {
			if _, err := ParseOrigin(origin); err != nil {
				return err
			}
		}
		switch {
		case origin == "*" && len(origins) > 1:
			return errors.New("is * among others: give * alone, or the others without it")
		case slices.Contains(before, origin):
			return fmt.Errorf("is %q again: give each origin once", origin)
		}
		return nil
	})
}

// CheckCredentialedOrigins checks origins that are allowed with credentials. open
// are those without, whose field is openField.
func CheckCredentialedOrigins(field string, origins []string, openField string, open []string) []error {
	return checkEach(field, origins, func(origin string, before []string) error {
		if origin == "*" || origin == "null" {
			return fmt.Errorf("allows credentials for %q, which is no one in particular: only %s can have it", origin, openField)
		}
		parsed, err := ParseOrigin(origin)
		switch {
		case err != nil:
			return err
		case !parsed.Trustworthy():
			return fmt.Errorf("allows credentials for %q: anyone on the network's way can act for it; use https", origin)
		case slices.Contains(before, origin):
			return fmt.Errorf("is %q again: give each origin once", origin)
		case slices.Contains(open, origin):
			return fmt.Errorf("is %q, which is in %s too: take it out there, or here if it sends no cookies", origin, openField)
		}
		return nil
	})
}

// checkEach checks a list that is the value of field.
func checkEach(field string, list []string, check func(entry string, before []string) error) (errs []error) {
	for i, entry := range list {
		if err := check(entry, list[:i]); err != nil {
			errs = append(errs, fmt.Errorf("%s[%d] %w", field, i, err))
		}
	}
	return errs
}
