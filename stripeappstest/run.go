package stripeappstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
)

// RunConfig says what Run needs to know about a handler. Only Target is required.
type RunConfig struct {
	// Method and Target are those of a route that is behind the verification.
	// Target is a path, with a query if it needs one. Method "" means POST, or
	// GET where Source is not SignedBody and there is no Payload.
	Method, Target string

	// Payload is one that the route answers with a status of 2xx; see NewRequest.
	// Where Source is not SignedBody, it is the body and is not signed.
	Payload any

	// Header is what else the extension sends, like Authorization or a header of
	// your own. Run demands that the preflight allow it.
	Header http.Header

	// Secrets are those that the handler's verifier knows. nil means
	// DefaultSecret.
	Secrets []string

	// Source is the verifier's, for the route. One that NewSource has made cannot
	// be tested.
	Source stripeapps.Source

	// UserID and AccountID are whose request it is. "" means DefaultUserID and
	// DefaultAccountID.
	UserID, AccountID string

	// Now is the verifier's clock. nil means time.Now.
	Now func() time.Time

	// AroundMux says that CORS and CSP are around the mux, so that the extension
	// can read a 404 too. Run asks for a path beside Target that no route may
	// serve: its last part is stripeappstest-no-such-path.
	AroundMux bool

	// MaxBodyBytes is the verifier's. If it is not 0, Run sends a body of one
	// byte more. It can be given with SignedBody only.
	MaxBodyBytes int64

	// Calls returns how often the route's own handler has been called since the
	// program began. nil means that Run cannot count: it then only compares what
	// it is answered.
	Calls func() int
}

// Run tests handler, the whole of a backend as it is wired up, for what an
// extension and its safety need: that the browser's preflight is answered; that
// signed requests are accepted, and all others refused; that the extension can
// read every response; that each carries a Content-Security-Policy; and that
// refusals are not stored by caches. What fails says what to change.
//
//	func TestBackend(t *testing.T) {
//		stripeappstest.Run(t, newHandler([]string{stripeappstest.DefaultSecret}), stripeappstest.RunConfig{
//			Target:    "/api/refunds",
//			Payload:   map[string]any{"action": "refund", "amount": 1250},
//			AroundMux: true,
//		})
//	}
//
// It sends a correct request at least once, and one for each of the Secrets: the
// route's handler does what it does then. Everything goes by ServeHTTP, without
// a network, to one handler at a time.
//
// Run tests one route. It knows nothing of what the route itself allows whom.
func Run(t *testing.T, handler http.Handler, config RunConfig) {
	t.Helper()
	run(runner{t}, handler, config)
}

// reporter is what Run needs of a testing.T, so that a test of Run can have
// another.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Run(name string, f func(reporter))
}

type runner struct{ *testing.T }

func (r runner) Run(name string, f func(reporter)) {
	r.Helper()
	r.T.Run(name, func(t *testing.T) { f(runner{t}) })
}

func run(t reporter, handler http.Handler, config RunConfig) {
	t.Helper()
	if err := config.complete(handler); err != nil {
		t.Errorf("%v", err)
		return
	}
	c := &conformance{handler: handler, RunConfig: config}
	// First, as what it is answered tells whether the handler has run later.
	t.Run("a signed request is accepted", func(t reporter) { c.accepted(t, WithSecret(c.Secrets...)) })
	if len(c.Secrets) > 1 {
		for i, secret := range c.Secrets {
			name := fmt.Sprintf("a request signed with Secrets[%d] alone is accepted", i)
			t.Run(name, func(t reporter) { c.accepted(t, WithSecret(secret)) })
		}
	}

	t.Run("the browser's preflight is answered", c.preflight)

	c.refused(t, "a request without signature is refused", c.request(Unsigned()))
	c.refused(t, "a request changed after signing is refused", c.request(Tampered()))
	c.refused(t, "a request signed too long ago is refused", c.request(Expired()))
	c.refused(t, "a request signed in the future is refused", c.request(FromTheFuture()))
	c.refused(t, "a request signed with another secret is refused", c.request(WithOtherSecret()))
	if c.Source == stripeapps.SignedBody {
		c.refused(t, "a body of which only the ids are signed is refused", c.onlyIDsSigned())
	}
	c.refused(t, "an empty Stripe-Signature is refused", c.withSignature(""))
	c.refused(t, "a Stripe-Signature that is none is refused", c.withSignature("signature"))
	signature := c.request().Header.Get("Stripe-Signature")
	c.refused(t, "two Stripe-Signature headers are refused", c.withSignature(signature, signature))

	if c.MaxBodyBytes > 0 {
		t.Run("a body one byte over MaxBodyBytes is refused", func(t reporter) { c.tooLarge(t, true) })
		t.Run("a body one byte over MaxBodyBytes is refused without a Content-Length",
			func(t reporter) { c.tooLarge(t, false) })
	}
	if c.AroundMux {
		t.Run("an unknown path can be read", c.unknownPath)
	}
}

// complete fills in the defaults, and returns an error that says all that is wrong.
func (config *RunConfig) complete(handler http.Handler) error {
	var errs []error
	if handler == nil {
		errs = append(errs, errors.New("stripeappstest: the handler is nil"))
	}
	if err := config.checkSource(); err != nil {
		errs = append(errs, err)
		config.Source = stripeapps.SignedBody // for the checks below
	}
	config.setDefaults()
	errs = append(errs, config.checkMethod(), config.checkTarget(), config.checkSecrets(),
		config.checkPayload(), config.checkNow(), config.checkHeader(), config.checkMaxBodyBytes())
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return config.checkRequest()
}

func (config *RunConfig) checkSource() error {
	switch config.Source {
	case stripeapps.SignedBody, stripeapps.IDsInHeaders, stripeapps.IDsInQuery:
		return nil
	}
	return wrong("Source is one that NewSource has made: it must be SignedBody, IDsInHeaders or IDsInQuery")
}

func wrong(format string, args ...any) error {
	return fmt.Errorf("stripeappstest: RunConfig."+format, args...)
}

func (config *RunConfig) setDefaults() {
	if config.Method == "" {
		config.Method = http.MethodPost
		if config.Source != stripeapps.SignedBody && config.Payload == nil {
			config.Method = http.MethodGet
		}
	}
	if config.Secrets == nil {
		config.Secrets = []string{DefaultSecret}
	}
	if config.UserID == "" {
		config.UserID = DefaultUserID
	}
	if config.AccountID == "" {
		config.AccountID = DefaultAccountID
	}
	if config.Now == nil {
		config.Now = time.Now
	}
}

func (config *RunConfig) checkMethod() error {
	switch config.Method {
	case http.MethodOptions:
		return wrong("Method is OPTIONS, which is what preflights have: give that of a signed route")
	case http.MethodHead:
		return wrong("Method is HEAD, whose responses have no body to compare: use GET")
	case http.MethodGet:
		if config.Source == stripeapps.SignedBody {
			return wrong("Method is GET, with which a browser sends no body: " +
				"give the Source that the route's verifier has, IDsInHeaders or IDsInQuery")
		}
		if config.Payload != nil {
			return wrong("Method is GET, with which a browser sends no body: leave Payload nil")
		}
	}
	return nil
}

func (config *RunConfig) checkTarget() error {
	isBad := func(r rune) bool { return r <= ' ' || r == '#' }
	if !strings.HasPrefix(config.Target, "/") || strings.ContainsFunc(config.Target, isBad) {
		return wrong(`Target is %q: it must be the path of a signed route, like "/api/refunds"`, config.Target)
	}
	return nil
}

func (config *RunConfig) checkSecrets() error {
	if len(config.Secrets) == 0 {
		return wrong("Secrets is empty: leave it nil for DefaultSecret, or give those that the verifier knows")
	}
	var errs []error
	for i, secret := range config.Secrets {
		switch secret {
		case "":
			errs = append(errs, wrong("Secrets[%d] is empty: give what the verifier knows", i))
		case otherSecret:
			errs = append(errs, wrong("Secrets[%d] is what Run signs with to be refused: use another", i))
		}
	}
	return errors.Join(errs...)
}

func (config *RunConfig) checkPayload() error {
	if _, err := objectText(config.Payload); err != nil {
		return wrong("Payload: %s", strings.TrimPrefix(err.Error(), "stripeappstest: "))
	}
	return nil
}

func (config *RunConfig) checkNow() error {
	if now := config.Now(); now.Add(-beyondTolerance).Unix() < 0 {
		return wrong("Now says %v: it must be after 1970, by 25 hours at least", now)
	}
	return nil
}

func (config *RunConfig) checkHeader() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(config.Header)) {
		switch http.CanonicalHeaderKey(name) {
		case "Stripe-Signature", "Stripe-User-Id", "Stripe-Account-Id", "Content-Type", "Origin":
			errs = append(errs, wrong("Header has %s, which Run sets itself: leave it out", name))
		}
	}
	return errors.Join(errs...)
}

const maxMaxBodyBytes = 1 << 30

func (config *RunConfig) checkMaxBodyBytes() error {
	if config.MaxBodyBytes == 0 {
		return nil
	}
	if config.Source != stripeapps.SignedBody {
		return wrong("MaxBodyBytes is set, but with this Source the verifier does not read the body: leave it 0")
	}
	if least := int64(len(config.padded(0))); config.MaxBodyBytes < least || config.MaxBodyBytes > maxMaxBodyBytes {
		return wrong("MaxBodyBytes is %d: it must be 0 or from %d, for the ids, to %d",
			config.MaxBodyBytes, least, maxMaxBodyBytes)
	}
	return nil
}

// checkRequest makes the request, as httptest.NewRequest panics at what is left.
func (config *RunConfig) checkRequest() (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("stripeappstest: RunConfig's Method %.40q and Target %.200q make no request: %v",
				config.Method, config.Target, reason)
		}
	}()
	(&conformance{RunConfig: *config}).request()
	return nil
}

// padded returns a payload's body with n bytes more than the least.
func (config *RunConfig) padded(n int) []byte {
	return Body(paddedPayload(n), WithUser(config.UserID), WithAccount(config.AccountID))
}

func paddedPayload(n int) string { return `{"padding":"` + strings.Repeat("x", n) + `"}` }

// conformance is one call of Run.
type conformance struct {
	RunConfig
	handler http.Handler
	normal  []byte // the body of the response to a signed request, once it is known
}

func (c *conformance) options(more []Option) []Option {
	options := []Option{WithSecret(c.Secrets...), At(c.Now()), WithUser(c.UserID), WithAccount(c.AccountID)}
	switch c.Source {
	case stripeapps.IDsInHeaders:
		options = append(options, IDsInHeaders())
	case stripeapps.IDsInQuery:
		options = append(options, IDsInQuery())
	}
	return append(options, more...)
}

func (c *conformance) request(more ...Option) *http.Request {
	return c.requestTo(c.Target, c.Payload, more...)
}

func (c *conformance) requestTo(target string, payload any, more ...Option) *http.Request {
	r := NewRequest(c.Method, target, payload, c.options(more)...)
	for name, values := range c.Header {
		r.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	return asFetch(r)
}

func (c *conformance) onlyIDsSigned() *http.Request {
	payload := c.Payload
	if payload == nil || bytes.Equal(Body(payload, c.options(nil)...), Body(nil, c.options(nil)...)) {
		payload = `{"not_signed":true}`
	}
	return c.requestTo(c.Target, payload, OnlyIDsSigned())
}

func (c *conformance) withSignature(values ...string) *http.Request {
	r := c.request()
	r.Header["Stripe-Signature"] = values
	return r
}

// asFetch adds what a browser says of a fetch from a sandboxed iframe.
//
// https://www.w3.org/TR/fetch-metadata/
func asFetch(r *http.Request) *http.Request {
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Sec-Fetch-Dest", "empty")
	return r
}

// response is what came back.
type response struct {
	*http.Response
	body  []byte
	calls int // of the route's handler, where that is known
}

// send is nil if the handler panicked, which is then reported.
func (c *conformance) send(t reporter, r *http.Request) (got *response) {
	t.Helper()
	before := c.calls()
	defer func() {
		if reason := recover(); reason != nil {
			t.Errorf("the handler panicked: %v. The server cuts the response off then: "+
				"put NewCORS around the mux, which answers 500 instead\n%s", reason, debug.Stack())
			got = nil
		}
	}()
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	result := w.Result()
	body, err := io.ReadAll(result.Body)
	if err != nil {
		t.Errorf("the response cannot be read: %v", err)
		return nil
	}
	return &response{result, body, c.calls() - before}
}

func (c *conformance) calls() int {
	if c.Calls == nil {
		return 0
	}
	return c.Calls()
}

// what describes a response: its status and, if it is a problem document, its code.
func (r *response) what() string {
	var problem struct{ Code string }
	if json.Unmarshal(r.body, &problem) == nil && problem.Code != "" {
		return fmt.Sprintf("%d %.40s", r.StatusCode, problem.Code)
	}
	return fmt.Sprint(r.StatusCode)
}

func (r *response) redirects() bool { return r.StatusCode >= 300 && r.StatusCode < 400 }

// preflight sends what a browser sends first, as the request is not a simple one.
//
// https://fetch.spec.whatwg.org/#cors-preflight-fetch
func (c *conformance) preflight(t reporter) {
	t.Helper()
	names := c.requestHeaders()
	got := c.send(t, c.preflightFor(names))
	if got == nil {
		return
	}
	if fault := preflightFault(got); fault != "" {
		t.Errorf("the preflight is %s", fault)
		return
	}
	if c.handlerRan(got) {
		t.Errorf("the preflight reaches the route's handler: " +
			"put New or NewCORS around it, which answers preflights itself")
	}
	if got.checkReadable(t, "the preflight's response carries", "put New or NewCORS around the mux") {
		c.checkAllowed(t, got, names)
	}
}

// requestHeaders returns the names for Access-Control-Request-Headers: in lower
// case and sorted.
//
// https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names
func (c *conformance) requestHeaders() (names []string) {
	for name := range c.request().Header {
		if name = strings.ToLower(name); name != "origin" && !strings.HasPrefix(name, "sec-fetch-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (c *conformance) preflightFor(names []string) *http.Request {
	r := asFetch(httptest.NewRequest(http.MethodOptions, c.request().URL.RequestURI(), nil))
	r.Header.Set("Origin", "null")
	r.Header.Set("Access-Control-Request-Method", c.Method)
	r.Header.Set("Access-Control-Request-Headers", strings.Join(names, ",")) // browsers write no spaces
	return r
}

// preflightFault says what is wrong with a preflight's status, and what to change.
func preflightFault(got *response) string {
	switch status := got.StatusCode; {
	case got.redirects():
		return fmt.Sprintf("redirected (%s, to %.200q), which no browser follows: let the extension call the final URL, "+
			"and RunConfig.Target name it, or answer without a redirect", got.what(), got.Header.Get("Location"))
	case status == http.StatusMethodNotAllowed:
		return "answered " + got.what() + ": a pattern with a method, like \"POST /x\", does not match OPTIONS; " +
			"put New or NewCORS around the mux, not on a route"
	case status == http.StatusUnauthorized || status == http.StatusBadRequest:
		return "answered " + got.what() + ", as if it had to be signed, which no browser does: " +
			"put NewCORS outside of the verifier"
	case status < 200 || status > 299:
		return "answered " + got.what() + ", and must be with 2xx: " +
			"put NewCORS around the mux, and what refuses it behind that"
	}
	return ""
}

// checkAllowed checks that the preflight allows the request's method and headers.
func (c *conformance) checkAllowed(t reporter, got *response, names []string) {
	t.Helper()
	alwaysAllowed := c.Method == http.MethodGet || c.Method == http.MethodPost
	methods := list(got.Header, "Access-Control-Allow-Methods")
	if !alwaysAllowed && !slices.Contains(methods, c.Method) && !slices.Contains(methods, "*") {
		t.Errorf("the preflight does not allow the method %s, but %.200q: list it in CORSConfig.Methods",
			c.Method, strings.Join(methods, ", "))
	}
	allowed := list(got.Header, "Access-Control-Allow-Headers")
	for _, name := range names {
		if !slices.ContainsFunc(allowed, func(item string) bool {
			return strings.EqualFold(item, name) || item == "*" && name != "authorization" // which * does not cover
		}) {
			t.Errorf("the preflight does not allow the header %s: list it in CORSConfig.Headers, "+
				"or let NewCORS, which allows those of an extension, answer", name)
		}
	}
}

// handlerRan reports whether the route's handler has run, as it says itself, or as
// its normal response shows. A few letters can stand in any response by chance.
func (c *conformance) handlerRan(got *response) bool {
	body := bytes.TrimSpace(got.body)
	return got.calls > 0 ||
		len(c.normal) > 0 && (bytes.Equal(body, c.normal) || len(c.normal) >= 8 && bytes.Contains(body, c.normal))
}

// list returns what a list header names.
func list(h http.Header, name string) (names []string) {
	for _, value := range h[name] {
		for item := range strings.SplitSeq(value, ",") {
			names = append(names, strings.Trim(item, " \t"))
		}
	}
	return names
}

// accepted sends a correct request.
func (c *conformance) accepted(t reporter, options ...Option) {
	t.Helper()
	got := c.send(t, c.request(options...))
	if got == nil {
		return
	}
	switch status := got.StatusCode; {
	case got.redirects():
		t.Errorf("a signed request is redirected (%s, to %.200q), and can arrive there as a GET without its body: "+
			"let the extension call the final URL, and RunConfig.Target name it", got.what(), got.Header.Get("Location"))
	case status == http.StatusForbidden:
		t.Errorf("a signed request is answered %s: if that is http.CrossOriginProtection, "+
			"which refuses every POST of an extension as cross-site, mount the chain beside it, not behind it; "+
			"if it is Require or the route itself, give RunConfig a Payload, UserID and AccountID that it takes", got.what())
	case status == http.StatusUnauthorized || status == http.StatusBadRequest:
		t.Errorf("a signed request is refused with %s: check that RunConfig has the Secrets, the Source "+
			"and the clock (Now) of the verifier, that its Payload is what the route takes, "+
			"and that nothing reads or changes the body before the verifier", got.what())
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		t.Errorf("a signed request is answered %s: check that RunConfig's Method and Target (%s %.200q) are those of a route",
			got.what(), c.Method, c.Target)
	case status < 200 || status > 299:
		t.Errorf("a signed request is answered %s, not with 2xx: "+
			"give RunConfig a Payload, UserID and AccountID that the route takes", got.what())
	default:
		c.normal = bytes.TrimSpace(got.body)
		if c.Calls != nil && got.calls == 0 {
			t.Errorf("a signed request is answered %s without a call of the route's handler: "+
				"RunConfig.Calls does not count, or something else answers", got.what())
		}
	}
	got.checkReadable(t, "the response to a signed request carries", "put New or NewCORS around the mux")
	got.checkCSP(t, "the response to a signed request carries", "put New or NewCSP around the mux")
}

// refused sends a wrong request, in a test of that name.
func (c *conformance) refused(t reporter, name string, r *http.Request) {
	t.Helper()
	t.Run(name, func(t reporter) {
		t.Helper()
		got := c.send(t, r)
		if got == nil {
			return
		}
		switch status := got.StatusCode; {
		case status < 300:
			t.Errorf("a request that must be refused is accepted (%s): "+
				"put New or Verifier.Handler around the route", got.what())
			return // all else follows from that
		case got.redirects():
			t.Errorf("a request that must be refused is redirected (%s, to %.200q): "+
				"put New or Verifier.Handler around what does that", got.what(), got.Header.Get("Location"))
			return
		case status != http.StatusUnauthorized && status != http.StatusBadRequest:
			t.Errorf("a request that must be refused with 401 or 400 is answered %s: "+
				"let the verifier see it before anything else answers, "+
				"and an ErrorHandler send the Status of the *Error", got.what())
		}
		c.checkRefusal(t, got)
	})
}

func (c *conformance) checkRefusal(t reporter, got *response) {
	t.Helper()
	if c.handlerRan(got) {
		t.Errorf("a refused request reaches the route's handler: " +
			"put New or Verifier.Handler around it, and let nothing call it otherwise")
	}
	got.checkReadable(t, "refusals carry", "put NewCORS outside of the verifier")
	got.checkCSP(t, "refusals carry", "put NewCSP outside of the verifier")
	if !slices.ContainsFunc(list(got.Header, "Cache-Control"), func(directive string) bool {
		return strings.EqualFold(directive, "no-store")
	}) {
		t.Errorf("refusals carry no Cache-Control: no-store: answer with WriteProblem, or set it in the ErrorHandler")
	}
}

// checkReadable reports whether the extension can read the response.
//
// https://fetch.spec.whatwg.org/#cors-check
func (r *response) checkReadable(t reporter, subject, change string) bool {
	t.Helper()
	const name = "Access-Control-Allow-Origin"
	credentials := r.Header.Get("Access-Control-Allow-Credentials") == "true"
	switch origins := r.Header[name]; {
	case len(origins) == 0:
		t.Errorf("%s no %s: %s", subject, name, change)
		return false
	case len(origins) > 1:
		t.Errorf("%s %s %d times, which browsers refuse: let only one part send it", subject, name, len(origins))
		return false
	case origins[0] != "*" && origins[0] != "null":
		t.Errorf("%s %s: %.200q, and the extension's origin is null: allow null, or *, in CORSConfig.Origins",
			subject, name, origins[0])
		return false
	case credentials && origins[0] == "*":
		t.Errorf("%s Access-Control-Allow-Credentials with %s: *, which browsers refuse once cookies are sent: "+
			"leave it out of CORSConfig.CredentialedOrigins, an extension has no cookies", subject, name)
		return false
	case credentials:
		t.Errorf("%s Access-Control-Allow-Credentials with %s: null, which is every sandboxed iframe on the web: "+
			"leave it out of CORSConfig.CredentialedOrigins, an extension has no cookies", subject, name)
		return false
	}
	return true
}

func (r *response) checkCSP(t reporter, subject, change string) {
	t.Helper()
	if !slices.ContainsFunc(r.Header["Content-Security-Policy"], func(policy string) bool {
		return strings.Trim(policy, " ;,\t") != ""
	}) {
		t.Errorf("%s no Content-Security-Policy: %s", subject, change)
	}
}

// tooLarge sends a body that is correct but for its size.
func (c *conformance) tooLarge(t reporter, withLength bool) {
	t.Helper()
	n := int(c.MaxBodyBytes) + 1 - len(c.padded(0))
	r := c.requestTo(c.Target, paddedPayload(n))
	if !withLength {
		r.ContentLength = -1
	}
	got := c.send(t, r)
	if got == nil {
		return
	}
	if got.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of %d bytes is answered %s, not 413: "+
			"set VerifierConfig.MaxBodyBytes to what RunConfig.MaxBodyBytes says (%d)", c.MaxBodyBytes+1, got.what(), c.MaxBodyBytes)
		return
	}
	c.checkRefusal(t, got)
}

// unknownPath sends a correct request to where there is no route.
func (c *conformance) unknownPath(t reporter) {
	t.Helper()
	target, query, _ := strings.Cut(c.Target, "?")
	target = path.Join(path.Dir(target), "stripeappstest-no-such-path")
	if query != "" {
		target += "?" + query
	}
	got := c.send(t, c.requestTo(target, c.Payload))
	if got == nil {
		return
	}
	if got.StatusCode != http.StatusNotFound && got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("an unknown path (%.200q) is answered %s, not 404: "+
			"let no route serve it, or leave RunConfig.AroundMux false", target, got.what())
	}
	got.checkReadable(t, "the response for an unknown path carries", "put New or NewCORS around the mux, not on a route")
	got.checkCSP(t, "the response for an unknown path carries", "put New or NewCSP around the mux, not on a route")
}
