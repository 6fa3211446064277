package install

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// endpoint is Stripe's token endpoint. Facts about it, from
// docs.stripe.com/stripe-apps/api-authentication/oauth: the secret key is the user name of
// Basic authentication, without a password; there is no expires_in, and an access token
// is good for an hour; a refresh token is good for a year, and replaced by each use.
type endpoint struct {
	url    string
	keyOf  func(Mode) string // a function, so that fmt cannot show it
	client *http.Client
}

// key returns the secret key of a mode, or "". A Tokens that was not made has none.
func (e *endpoint) key(mode Mode) string {
	if e == nil {
		return ""
	}
	return e.keyOf(mode)
}

const (
	maxResponseBytes = 64 << 10
	maxTokenBytes    = 4 << 10
	maxCodeBytes     = 512
)

// newEndpoint checks its part of cfg, and says everything that is wrong with it.
func newEndpoint(cfg TokensConfig) (*endpoint, error) {
	var errs []error
	if len(cfg.Keys) == 0 {
		errs = append(errs, errors.New("stripeapps/install: TokensConfig.Keys is empty: give the app's own secret key of each mode that it is installed in (sk_live_…, sk_test_…)"))
	}
	users := make(map[string]Mode)
	for _, mode := range slices.Sorted(maps.Keys(cfg.Keys)) {
		key := cfg.Keys[mode]
		if what := checkKey(mode, key); what != "" {
			errs = append(errs, fmt.Errorf("stripeapps/install: TokensConfig.Keys[%q] %s", mode, what))
		} else if other, taken := users[key]; taken {
			errs = append(errs, fmt.Errorf("stripeapps/install: TokensConfig.Keys[%q] equals that of %q: each mode has a key of its own", mode, other))
		}
		users[key] = mode
	}
	if cfg.TokenURL == "" {
		cfg.TokenURL = DefaultTokenURL
	}
	if !isSafeURL(cfg.TokenURL) {
		errs = append(errs, errors.New("stripeapps/install: TokensConfig.TokenURL must be an https URL, or http to a loopback address, with nothing behind its path: the secret key is sent to it"))
	}
	client := &http.Client{}
	if cfg.Client != nil {
		*client = *cfg.Client
	}
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Transport = bounded{client.Transport}
	keys := maps.Clone(cfg.Keys)
	return &endpoint{url: cfg.TokenURL, keyOf: func(mode Mode) string { return keys[mode] }, client: client}, errors.Join(errs...)
}

// checkKey says what is wrong with a key, without showing any of it, or "".
func checkKey(mode Mode, key string) string {
	want := "sk_test_"
	if mode == Live {
		want = "sk_live_"
	}
	rest, ok := strings.CutPrefix(key, want)
	switch {
	case !mode.valid():
		return "is for a mode that does not exist: the modes are live, test and sandbox"
	case strings.TrimSpace(key) == "":
		return "is blank: give the app's own secret key of that mode, or leave the mode out"
	case strings.TrimSpace(key) != key:
		return "has white space or a line break around it: remove it"
	case strings.HasPrefix(key, "rk_"):
		return "is a restricted key (rk_…): Stripe gives tokens to a secret key only (" + want + "…)"
	case strings.HasPrefix(key, "pk_"):
		return "is a publishable key (pk_…): use the secret key (" + want + "…)"
	case strings.HasPrefix(key, "whsec_"):
		return "is a webhook endpoint's signing secret (whsec_…): use the secret key (" + want + "…)"
	case strings.HasPrefix(key, "absec_"):
		return "is the app's signing secret (absec_…): use the secret key (" + want + "…)"
	case !ok && strings.HasPrefix(key, "sk_live_"):
		return "is a key for live mode (sk_live_…): use one of that mode (sk_test_…)"
	case !ok && strings.HasPrefix(key, "sk_test_"):
		return "is a key for test mode or a sandbox (sk_test_…): use one for live mode (sk_live_…)"
	case !ok:
		return "does not begin with " + want
	case !signed.IsID(rest):
		return "has a character other than letters, digits and underscores: copy it again"
	}
	return ""
}

// isSafeURL reports whether a secret can be sent to a URL.
func isSafeURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && fetch.IsLoopback(u.Hostname())
}

// tokens is what the endpoint gives, checked.
type tokens struct {
	access, refresh             string
	lifetime                    int64 // seconds
	account, scope, publishable string

	flaw error // why only the refresh token can be used, or nil
}

// exchange gets tokens for a code.
func (e *endpoint) exchange(ctx context.Context, mode Mode, code string, timeout time.Duration) (tokens, error) {
	return e.call(ctx, mode, timeout, ErrCodeRefused, "", func(ctx context.Context, config *oauth2.Config) (*oauth2.Token, error) {
		return config.Exchange(ctx, code)
	})
}

// refresh gets the next tokens of an install.
func (e *endpoint) refresh(ctx context.Context, id ID, token string, timeout time.Duration) (tokens, error) {
	return e.call(ctx, id.Mode, timeout, ErrInstallAgain, id.Account, func(ctx context.Context, config *oauth2.Config) (*oauth2.Token, error) {
		return config.TokenSource(ctx, &oauth2.Token{RefreshToken: token}).Token()
	})
}

func (e *endpoint) call(ctx context.Context, mode Mode, timeout time.Duration, invalidGrant *stripeapps.Error, account string,
	get func(context.Context, *oauth2.Config) (*oauth2.Token, error)) (tokens, error) {
	key := e.key(mode)
	if key == "" {
		return tokens{}, ErrModeNotServed
	}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, e.client), timeout)
	defer cancel()
	var body []byte
	_, err := get(context.WithValue(ctx, bodyKey{}, &body), &oauth2.Config{ClientID: key, Endpoint: oauth2.Endpoint{TokenURL: e.url, AuthStyle: oauth2.AuthStyleInHeader}})
	if response := (*oauth2.RetrieveError)(nil); body == nil || errors.As(err, &response) {
		return tokens{}, refusal(ctx, err, invalidGrant)
	}
	return check(body, mode, account) // and not what oauth2 makes of it, which is nothing if expires_in is no integer
}

// refusal is what an error of oauth2 means. That error itself goes no further: it has
// the whole response in it.
func refusal(ctx context.Context, err error, invalidGrant *stripeapps.Error) error {
	response := (*oauth2.RetrieveError)(nil)
	transport := (*url.Error)(nil)
	switch {
	case errors.Is(err, errResponse):
		return caused{ErrTokenResponse, errResponse}
	case ctx.Err() != nil:
		return caused{ErrTokensUnavailable, fmt.Errorf("install: the token endpoint did not respond in time: %w", ctx.Err())}
	case errors.As(err, &transport):
		return caused{ErrTokensUnavailable, fmt.Errorf("install: the token endpoint cannot be reached: %w", known(transport.Err))}
	case !errors.As(err, &response):
		return caused{ErrTokenResponse, errResponse}
	}
	status := response.Response.StatusCode
	cause := fmt.Errorf("install: the token endpoint responded with %d", status)
	if slices.Contains(errorCodes, response.ErrorCode) {
		cause = fmt.Errorf("%w %s", cause, response.ErrorCode)
	}
	if id := response.Response.Header.Get("Request-Id"); isRequestID(id) {
		cause = fmt.Errorf("%w, request %s", cause, id)
	}
	switch {
	case response.ErrorCode == "invalid_grant" && status >= 400 && status < 500:
		return caused{invalidGrant, cause}
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooManyRequests, status >= 500:
		return caused{ErrTokensUnavailable, cause}
	case status >= 400:
		return caused{ErrKeyRefused, cause}
	default: // a redirect, or an error with 200
		return caused{ErrTokenResponse, cause}
	}
}

// What of a response goes into an error's text. Whatever answers in Stripe's place may
// send back what it was sent.
var errorCodes = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"} // RFC 6749, 5.2

func isRequestID(text string) bool {
	id, ok := strings.CutPrefix(text, "req_")
	return ok && len(id) <= 64 && signed.IsID(id)
}

// known is what an error of a transport says that is known not to quote a response, which
// net/http's errors do if it is malformed.
func known(err error) error {
	for _, constant := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, os.ErrDeadlineExceeded, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, constant) {
			return constant
		}
	}
	var (
		call        *os.SyscallError
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &call):
		return call
	case errors.As(err, &name):
		return name
	case errors.As(err, &certificate):
		return errors.New("its certificate cannot be verified: see the clock, the proxies and the authorities of this machine")
	}
	return errors.New("the connection fails, or the response is not HTTP")
}

// members are those of a response.
type members map[string]json.RawMessage

// text is a member that is text, or "".
func (m members) text(name string) string {
	var text string
	json.Unmarshal(m[name], &text)
	return text
}

// seconds is expires_in, within bounds. Stripe does not send it.
func (m members) seconds() int64 {
	seconds, err := strconv.ParseFloat(strings.Trim(string(m["expires_in"]), `"`), 64)
	if err != nil || !(seconds >= 1) {
		seconds = hour.Seconds()
	}
	return int64(min(seconds, longest.Seconds()))
}

// check checks what the endpoint has given. The account is "" if it is not known yet: then
// everything must be as documented. In the response to a refresh, it stands in another
// member, and neither it nor the mode is missed: the refresh token has been replaced, and says
// both. So the next one is taken, unless it is said to be of another account or mode; if
// anything else is wrong, it alone.
func check(body []byte, mode Mode, account string) (tokens, error) {
	var m members
	if json.Unmarshal(body, &m) != nil || m.text("error") != "" {
		return tokens{}, caused{ErrTokenResponse, errResponse}
	}
	maps.DeleteFunc(m, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	got := tokens{
		access: m.text("access_token"), refresh: m.text("refresh_token"), lifetime: m.seconds(),
		account: cmp.Or(m.text("stripe_user_id"), m.text("account_id"), account), scope: m.text("scope"), publishable: m.text("stripe_publishable_key"),
	}
	livemode := strings.Trim(string(m["livemode"]), `"`)
	switch other := strconv.FormatBool(mode != Live); {
	case livemode == other || account == "" && livemode != strconv.FormatBool(mode == Live):
		return tokens{}, caused{ErrTokenResponse, errors.New("install: the tokens are of another mode than the key: livemode does not fit")}
	case !signed.IsID(got.account):
		return tokens{}, caused{ErrTokenResponse, errors.New("install: the tokens are of no account")}
	case account != "" && got.account != account:
		return tokens{}, caused{ErrTokenResponse, errors.New("install: the tokens are of another account")}
	case !isToken(got.refresh):
		return tokens{}, caused{ErrTokenResponse, errors.New("install: the refresh token " + badToken)}
	}
	switch kind := m.text("token_type"); {
	case m["token_type"] != nil && !strings.EqualFold(kind, "Bearer"):
		got.flaw = errors.New("install: the tokens are of another type than bearer")
	case m["livemode"] != nil && string(m["livemode"]) != strconv.FormatBool(mode == Live):
		got.flaw = errors.New("install: livemode is not true or false")
	case !isToken(got.access):
		got.flaw = errors.New("install: the access token " + badToken)
	}
	if got.flaw != nil && account == "" {
		return tokens{}, caused{ErrTokenResponse, got.flaw}
	}
	return got, nil
}

const badToken = "is missing, or has over 4096 bytes, or a character that tokens do not have"

// errResponse is what is wrong with a response that is no answer.
var errResponse = errors.New("install: the token endpoint's response is not JSON as it should be, or over 65536 bytes")

// bodyKey is the key in a context of a *[]byte for the body of a response that is fine.
type bodyKey struct{}

// bounded reads the endpoint's responses, up to a limit, before anything parses them.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	next := b.next
	if next == nil {
		next = http.DefaultTransport
	}
	if err := r.Context().Err(); err != nil { // the process may have stood still: it is another one's turn by now
		r.Body.Close()
		return nil, err
	}
	response, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxResponseBytes+1))
	content, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch fine := response.StatusCode < 300; {
	case err != nil:
		return nil, err
	case fine && (content != "application/json" || len(body) > maxResponseBytes):
		return nil, errResponse
	case content != "application/json" || len(body) > maxResponseBytes:
		body = nil // the status is enough
	case fine:
		if into, ok := r.Context().Value(bodyKey{}).(*[]byte); ok {
			*into = body
		}
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
