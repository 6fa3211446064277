package install

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

const mostURLBytes = 2048

// The paths of Stripe's install links: those of Link, and those of OAuth.
const (
	linkPath  = "/apps/install/link/"
	oauthPath = "/oauth/v2/"
)

// hasPath reports whether text is a URL below a path, whatever else is wrong with it.
func hasPath(text, path string) bool {
	if len(text) > mostURLBytes {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && strings.HasPrefix(u.Path, path)
}

// parseStripeURL parses a URL of Stripe's below a path, to which a query is added. It
// can be one of this machine instead.
func parseStripeURL(field, text, path string) (*url.URL, error) {
	wrong := func(what string) error {
		return fmt.Errorf("stripeapps/install: %s %s: copy it from the Dashboard, like https://marketplace.stripe.com%s…", field, what, path)
	}
	u, err := parseURL(text)
	switch {
	case hasPath(text, oauthPath):
		return nil, fmt.Errorf("stripeapps/install: %s is an OAuth install link: use NewOAuth, whose OAuthConfig.Links has it", field)
	case err != nil:
		return nil, wrong(err.Error())
	case !fetch.IsLoopback(u.Hostname()) && (u.Scheme != "https" || !strings.HasSuffix(u.Host, ".stripe.com")):
		return nil, wrong("is not an https URL of a host below stripe.com")
	case len(u.Path) <= len(path) || !strings.HasPrefix(u.Path, path):
		return nil, wrong("does not have the path " + path + "…")
	}
	return u, nil
}

func checkRedirectURI(text string) error {
	wrong := func(what string) error {
		return errors.New("stripeapps/install: RedirectURI " + what + ": it must be the full URL of Callback, like https://app.example.com/installed")
	}
	u, err := parseURL(text)
	switch {
	case err != nil:
		return wrong(err.Error())
	case u.Scheme != "https" && !fetch.IsLoopback(u.Hostname()):
		return wrong("is not https, nor a URL of this machine")
	case len(u.Path) < len("/x"):
		return wrong("has no path but /, which Stripe does not take")
	}
	return nil
}

// parseURL parses an http or https URL as browsers write it, that has a host, but no
// user, query or fragment. The error says what it is not.
func parseURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, errors.New("is empty")
	}
	if len(text) > mostURLBytes {
		return nil, fmt.Errorf("is longer than %d bytes", mostURLBytes)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "":
		return nil, errors.New("is not an http or https URL")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return nil, errors.New("has a user, a query or a fragment")
	case u.String() != text:
		return nil, errors.New("is not written as browsers write it")
	}
	if err := fetch.CheckHost(u.Hostname()); err != nil {
		return nil, errors.New("has a host that " + err.Error())
	}
	return u, nil
}

// checkStartPath makes sure that a link to path stays on this site.
func checkStartPath(path string) error {
	if path == "" {
		return nil
	}
	if _, err := url.Parse(path); err != nil || path[0] != '/' || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\#") || len(path) > mostURLBytes {
		return errors.New(`stripeapps/install: StartPath is not the path of a page of this site, like "/install"`)
	}
	return nil
}
