package install

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

func (cfg TransportConfig) check() error {
	var errs []error
	switch {
	case cfg.Keys == nil && cfg.Tokens == nil:
		errs = append(errs, errors.New("stripeapps/install: TransportConfig.Keys and Tokens are both nil: give one of them"))
	case cfg.Keys != nil && cfg.Tokens != nil:
		errs = append(errs, errors.New("stripeapps/install: TransportConfig.Keys and Tokens are both set: a call has either your key or the account's token"))
	case cfg.Tokens == nil:
		errs = append(errs, checkKeys(cfg.Keys))
	}
	errs = append(errs, cfg.checkSandboxLabels())
	if cfg.APIURL != "" && !isLoopback(cfg.APIURL) {
		errs = append(errs, errors.New("stripeapps/install: TransportConfig.APIURL is not a URL like http://127.0.0.1:12111, a scheme and a loopback host: "+
			"leave it empty for Stripe's own"))
	}
	return errors.Join(errs...)
}

func (cfg TransportConfig) checkSandboxLabels() error {
	var errs []error
	for i, label := range cfg.SandboxLabels {
		if label == "" {
			errs = append(errs, fmt.Errorf("stripeapps/install: TransportConfig.SandboxLabels[%d] is empty: a secret without a label is not a sandbox's", i))
		}
	}
	if len(cfg.SandboxLabels) > 0 && cfg.Mode != nil {
		errs = append(errs, errors.New("stripeapps/install: TransportConfig.SandboxLabels and Mode are both set: let Mode look at Identity.SecretLabel"))
	}
	if _, ok := cfg.Keys[Sandbox]; len(cfg.SandboxLabels) > 0 && cfg.Keys != nil && !ok {
		errs = append(errs, errors.New("stripeapps/install: TransportConfig.SandboxLabels is set, and Keys has none for Sandbox"))
	}
	return errors.Join(errs...)
}

// checkKeys says everything that is wrong with the keys of a configuration.
func checkKeys(keys map[Mode]string) error {
	var errs []error
	if len(keys) == 0 {
		errs = append(errs, errors.New("stripeapps/install: TransportConfig.Keys is empty: give your secret API key of each mode that the app serves"))
	}
	known := 0
	for _, mode := range []Mode{Live, Test, Sandbox} {
		key, ok := keys[mode]
		if !ok {
			continue
		}
		known++
		if what := checkPlatformKey(mode, key); what != "" {
			errs = append(errs, fmt.Errorf("stripeapps/install: TransportConfig.Keys[%s] %s", mode, what))
		}
	}
	if known < len(keys) {
		errs = append(errs, errors.New("stripeapps/install: TransportConfig.Keys has a mode that is not Live, Test or Sandbox"))
	}
	if test, ok := keys[Test]; ok && test != "" && test == keys[Sandbox] {
		errs = append(errs, errors.New("stripeapps/install: TransportConfig.Keys has the same key for Test and Sandbox: a sandbox has keys of its own"))
	}
	return errors.Join(errs...)
}

// checkPlatformKey says what is wrong with your key for a mode, without showing any of it, or "".
func checkPlatformKey(mode Mode, key string) string {
	kind, rest, _ := strings.Cut(key, "_")
	of, rest, _ := strings.Cut(rest, "_")
	want := map[bool]string{true: "live", false: "test"}[mode == Live]
	use := "use the secret API key (sk_" + want + "_…) or a restricted one (rk_" + want + "_…)"
	switch {
	case strings.TrimSpace(key) == "":
		return "is blank: " + use
	case strings.ContainsFunc(key, func(c rune) bool { return !isKeyByte(c) }):
		return "has a character other than letters, digits and underscores: copy it again"
	case kind == "pk":
		return "is a publishable API key (pk_…): " + use
	case kind == "whsec" || kind == "absec":
		return "is a signing secret (" + kind + "_…): " + use
	case of == "org":
		return "is an organization's API key (…_org_…), which is for several accounts of yours: " + use
	case kind != "sk" && kind != "rk":
		return "is no secret API key: " + use
	case of != want || rest == "":
		return "is not a key of this mode: " + use
	}
	return ""
}

func isKeyByte(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// isLoopback reports whether a URL has a scheme and a host of this machine, and nothing
// else.
func isLoopback(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || text != u.Scheme+"://"+u.Host {
		return false
	}
	return fetch.IsLoopback(u.Hostname())
}

// platformKeys returns what gives a call your key of its mode.
func platformKeys(keys map[Mode]string) func(context.Context, ID) (string, error) {
	keys = maps.Clone(keys)
	return func(_ context.Context, id ID) (string, error) {
		key, ok := keys[id.Mode]
		if !ok {
			return "", ErrModeNotServed
		}
		return key, nil
	}
}

// accountTokens returns what gives a call the token of its account.
func accountTokens(source TokenSource) func(context.Context, ID) (string, error) {
	return func(ctx context.Context, id ID) (string, error) {
		token, err := source.AccessToken(ctx, id)
		if err != nil {
			return "", fmt.Errorf("stripeapps/install: the account's access token: %w", err)
		}
		if !canBeToken(token, id.Mode) {
			return "", errWrongToken
		}
		return token, nil
	}
}

// maxAccessTokenBytes is more than any of Stripe's tokens has.
const maxAccessTokenBytes = 4096

// canBeToken reports whether a token can be an account's, in a mode. Not all tokens say
// their mode.
func canBeToken(token string, mode Mode) bool {
	if token == "" || len(token) > maxAccessTokenBytes || strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return false
	}
	other := "live"
	if mode == Live {
		other = "test"
	}
	wrong := []string{"sk_" + other + "_", "rk_" + other + "_", "pk_", "rt_", "ac_", "whsec_", "absec_"}
	return !slices.ContainsFunc(wrong, func(prefix string) bool { return strings.HasPrefix(token, prefix) })
}

var errWrongToken = stripeapps.NewError("wrong_token", http.StatusInternalServerError,
	"what the TokenSource has as the account's access token is of the other mode, or is none: a refresh token, another kind of key, or no text of a header")
