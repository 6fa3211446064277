package stripeappstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps"
)

// conformance is one call of Run.
type conformance struct {
	RunConfig
	handler http.Handler

	// What is known of the response to a signed request, once there has been one.
	isAccepted, hasPolicy bool
	normal                []byte    // its body
	refusal               *response // the first that did not accept it
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
	return c.requestTo(c.Target, c.payload(), more...)
}

func (c *conformance) requestTo(target string, payload any, more ...Option) *http.Request {
	r := NewRequest(c.Method, target, payload, c.options(more)...)
	for name, values := range c.Header {
		r.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	return asFetch(r)
}

func (c *conformance) onlyIDsSigned() *http.Request {
	payload := c.payload()
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

// send is nil if there is no more to say: the handler panicked, which is then
// reported, or the response is what every signed request gets.
func (c *conformance) send(t reporter, r *http.Request) (got *response) {
	t.Helper()
	before := c.calls()
	defer func() {
		t.Helper()
		if reason := recover(); reason != nil {
			t.Errorf("the handler panicked: %v. The server cuts the response off then: "+
				"put NewCORS around the mux, which responds with 500 instead\n%s", reason, debug.Stack())
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
	got = &response{result, body, c.calls() - before}
	if c.refusal != nil && c.refusal.isLike(got) {
		t.Skipf("as above: it gets %s, as the signed request does; mend that first", got.what())
		return nil
	}
	return got
}

func (c *conformance) calls() int {
	if c.Calls == nil {
		return 0
	}
	return c.Calls()
}

// what describes a response: its status and its code.
func (r *response) what() string {
	if code := r.code(); code != "" {
		return fmt.Sprintf("%d %.40s", r.StatusCode, code)
	}
	return fmt.Sprint(r.StatusCode)
}

// code is that of a problem document, or "".
func (r *response) code() string {
	var problem struct{ Code string }
	json.Unmarshal(r.body, &problem)
	return problem.Code
}

func (r *response) hasPolicy() bool {
	return slices.ContainsFunc(r.Header["Content-Security-Policy"], func(policy string) bool {
		return strings.Trim(policy, " ;,\t") != ""
	})
}

// isFromInFront reports whether a response seems to come from in front of the
// chain, which would have sent its policy with it.
func (c *conformance) isFromInFront(got *response) bool { return c.hasPolicy && got.isFromElsewhere() }

// isFromElsewhere reports whether nothing in a response is of this package.
func (r *response) isFromElsewhere() bool { return !r.hasPolicy() && r.code() == "" }

// isLike reports whether two responses without a code seem to be from the same place.
func (r *response) isLike(other *response) bool {
	const origin = "Access-Control-Allow-Origin"
	return r.StatusCode == other.StatusCode && r.code()+other.code() == "" && r.hasPolicy() == other.hasPolicy() &&
		slices.Equal(r.Header[origin], other.Header[origin])
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
	if fault := c.preflightFault(got); fault != "" {
		t.Errorf("the preflight is %s", fault)
		return
	}
	if c.handlerRan(got) {
		t.Errorf("the preflight reaches the route's handler: " +
			"put New or NewCORS around it, which responds to preflights itself")
	}
	if got.checkReadable(t, "the preflight's response carries", c.preflightChange(got)) {
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

// checkAllowed checks that the preflight allows the request's method and headers.
func (c *conformance) checkAllowed(t reporter, got *response, names []string) {
	t.Helper()
	alwaysAllowed := c.Method == http.MethodGet || c.Method == http.MethodPost
	methods := list(got.Header, "Access-Control-Allow-Methods")
	if !alwaysAllowed && !slices.Contains(methods, c.Method) && !slices.Contains(methods, "*") {
		t.Errorf("the preflight does not allow the method %s, but %.200q: list it in CORSConfig.Methods%s",
			c.Method, strings.Join(methods, ", "), c.inFront(got))
	}
	allowed := list(got.Header, "Access-Control-Allow-Headers")
	for _, name := range names {
		if !slices.ContainsFunc(allowed, func(item string) bool {
			return strings.EqualFold(item, name) || item == "*" && name != "authorization" // which * does not cover
		}) {
			t.Errorf("the preflight does not allow the header %s: list it in CORSConfig.Headers, "+
				"or let NewCORS, which allows those of an extension, respond%s", name, c.inFront(got))
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

// hasName reports whether a list has a name, in any case.
func hasName(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
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

// accepted sends a correct request, in a test of that name.
func (c *conformance) accepted(t reporter, name string, secrets ...string) {
	t.Helper()
	t.Run(name, func(t reporter) {
		t.Helper()
		c.checkAccepted(t, c.request(WithSecret(secrets...)))
	})
}

func (c *conformance) checkAccepted(t reporter, r *http.Request) {
	t.Helper()
	got := c.send(t, r)
	if got == nil {
		return
	}
	c.hasPolicy = got.hasPolicy()
	if fault := c.signedFault(got); fault != "" {
		t.Errorf("a signed request is %s", fault)
		if c.refusal == nil {
			c.refusal = got
		}
		if got.isFromElsewhere() {
			return // without any header of the chain
		}
	} else {
		c.isAccepted, c.normal = true, bytes.TrimSpace(got.body)
		if c.Calls != nil && got.calls == 0 {
			t.Errorf("a signed request gets %s without a call of the route's handler: "+
				"RunConfig.Calls does not count, or something else responds", got.what())
		}
		c.checkPrivate(t, got)
	}
	got.checkReadable(t, "the response to a signed request carries", "put New or NewCORS around the mux")
	got.checkCSP(t, "the response to a signed request carries", "put New or NewCSP around the mux")
}

// skipsUnaccepted skips a test that tells nothing where no signed request is accepted.
func (c *conformance) skipsUnaccepted(t reporter) bool {
	t.Helper()
	skips := c.refusal != nil && !c.isAccepted
	if skips {
		t.Skipf("as above: no signed request is accepted; mend that first")
	}
	return skips
}

// splitSignature sends a correct request, whose header has come in several lines.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-5.3
func (c *conformance) splitSignature(t reporter) {
	t.Helper()
	if c.skipsUnaccepted(t) {
		return
	}
	r := c.request()
	r.Header["Stripe-Signature"] = strings.Split(r.Header.Get("Stripe-Signature"), ",")
	got := c.send(t, r)
	switch {
	case got == nil || c.signedFault(got) == "":
	case got.isOfReplay():
		t.Errorf("a signed request is %s", c.signedFault(got))
	default:
		t.Errorf("a request whose Stripe-Signature comes in several lines, as adapters for AWS Lambda split it at its commas, "+
			"gets %s: let New or Verifier.Handler see all of them; if an adapter in front keeps only one, "+
			"as Fiber's does, join them with a comma before it", got.what())
	}
}

// twoSignatures sends a correct request whose signature is there twice.
func (c *conformance) twoSignatures(t reporter) {
	t.Helper()
	r := c.request()
	signature := r.Header.Get("Stripe-Signature")
	r.Header["Stripe-Signature"] = []string{signature, signature}
	c.checkRefused(t, r, "if New or Verifier.Handler is around the route, "+
		"an adapter in front of it has made one header of the two or keeps only one, as Fiber's does: "+
		"join them with a comma before it; otherwise, put it there")
}

// refused sends a wrong request, in a test of that name.
func (c *conformance) refused(t reporter, name string, r *http.Request) {
	t.Helper()
	t.Run(name, func(t reporter) {
		t.Helper()
		c.checkRefused(t, r, "put New or Verifier.Handler around the route")
	})
}

// checkRefused says what to change if a wrong request is accepted.
func (c *conformance) checkRefused(t reporter, r *http.Request, change string) {
	t.Helper()
	got := c.send(t, r)
	if got == nil {
		return
	}
	switch status := got.StatusCode; {
	case status < 300:
		t.Errorf("a request that must be refused is accepted (%s): %s", got.what(), change)
		return // all else follows from that
	case got.redirects():
		t.Errorf("a request that must be refused is redirected (%s, to %.200q): "+
			"put New or Verifier.Handler around what does that", got.what(), got.Header.Get("Location"))
		return
	case status != http.StatusUnauthorized && status != http.StatusBadRequest:
		t.Errorf("a request that must be refused with 401 or 400 gets %s: "+
			"let the verifier see it before anything else responds, "+
			"and an ErrorHandler send the Status of the *Error", got.what())
	}
	c.checkRefusal(t, got)
}

func (c *conformance) checkRefusal(t reporter, got *response) {
	t.Helper()
	if c.handlerRan(got) {
		t.Errorf("a refused request reaches the route's handler: " +
			"put New or Verifier.Handler around it, and let nothing call it otherwise")
	}
	inFront := c.inFront(got)
	got.checkReadable(t, "refusals carry", "put NewCORS outside of the verifier"+inFront)
	got.checkCSP(t, "refusals carry", "put NewCSP outside of the verifier"+inFront)
	if !hasName(list(got.Header, "Cache-Control"), "no-store") {
		t.Errorf("refusals carry no Cache-Control: no-store: if nothing in front replaces it, "+
			"respond with WriteProblem, or set it in the ErrorHandler%s", inFront)
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
		t.Errorf("%s %s %d times, which browsers refuse: let only one part send it. NewCORS sends it once, so look for "+
			"a CORS middleware or a gateway in front that adds its own", subject, name, len(origins))
		return false
	case origins[0] != "*" && origins[0] != "null":
		t.Errorf("%s %s: %.200q, and the extension's origin is null: allow null, or *, in CORSConfig.Origins; "+
			"if they are allowed there, something in front of NewCORS has replaced the header", subject, name, origins[0])
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
	if !r.hasPolicy() {
		t.Errorf("%s no Content-Security-Policy: %s", subject, change)
	}
}

// checkPrivate reports whether a cache can give the response to somebody else. What
// identifies the caller is not Authorization, which caches know.
//
// https://www.rfc-editor.org/rfc/rfc9111#section-3.5
// https://www.rfc-editor.org/rfc/rfc9213
func (c *conformance) checkPrivate(t reporter, got *response) {
	t.Helper()
	for _, name := range []string{"Cache-Control", "Cdn-Cache-Control", "Surrogate-Control"} {
		directives := list(got.Header, name)
		isPrivate := hasName(directives, "no-store") || hasName(directives, "private")
		switch {
		case len(directives) == 0 && name == "Cache-Control":
			t.Errorf("the response to a signed request carries no Cache-Control, so that a cache in front can give it " +
				"to another user: let New or Verifier.Handler, which send no-store, be around the route, and nothing in front take it out")
		case len(directives) > 0 && (!isPrivate || hasName(directives, "public")):
			t.Errorf("the response to a signed request carries %s: %.200q, by which a cache in front can give it "+
				"to another user: send no-store, which is the default, or private, and let nothing in front replace it", name, strings.Join(directives, ", "))
		}
	}
	names := list(got.Header, "Vary")
	if hasName(names, "*") {
		return
	}
	identifying := []string{"Stripe-Signature"}
	if c.Source == stripeapps.IDsInHeaders {
		identifying = append(identifying, "Stripe-User-Id", "Stripe-Account-Id")
	}
	missing := slices.DeleteFunc(identifying, func(name string) bool { return hasName(names, name) })
	if len(missing) > 0 {
		t.Errorf("the response to a signed request carries Vary: %.200q, without %s, by which a cache knows whose it is: "+
			"let New or Verifier.Handler add that, and nothing in front replace it", strings.Join(names, ", "), strings.Join(missing, " and "))
	}
}

// tooLarge sends a body that is correct but for its size, in a test of that name.
func (c *conformance) tooLarge(t reporter, name string, withLength bool) {
	t.Helper()
	t.Run(name, func(t reporter) {
		t.Helper()
		c.checkTooLarge(t, withLength)
	})
}

func (c *conformance) checkTooLarge(t reporter, withLength bool) {
	t.Helper()
	if c.skipsUnaccepted(t) {
		return
	}
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
		t.Errorf("a body of %d bytes gets %s, not 413: "+
			"set VerifierConfig.MaxBodyBytes to what RunConfig.MaxBodyBytes says (%d)%s",
			c.MaxBodyBytes+1, got.what(), c.MaxBodyBytes, c.inFront(got))
		return
	}
	c.checkRefusal(t, got)
}

// unknownPath sends a correct request to where there is no route.
func (c *conformance) unknownPath(t reporter) {
	t.Helper()
	if c.skipsUnaccepted(t) {
		return
	}
	target, query, _ := strings.Cut(c.Target, "?")
	target = path.Join(path.Dir(target), "stripeappstest-no-such-path")
	if query != "" {
		target += "?" + query
	}
	got := c.send(t, c.requestTo(target, c.payload()))
	if got == nil {
		return
	}
	if got.StatusCode != http.StatusNotFound && got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("an unknown path (%.200q) gets %s, not 404: "+
			"let no route serve it, or leave RunConfig.AroundMux false", target, got.what())
	}
	got.checkReadable(t, "the response for an unknown path carries", "put New or NewCORS around the mux, not on a route")
	got.checkCSP(t, "the response for an unknown path carries", "put New or NewCSP around the mux, not on a route")
}
