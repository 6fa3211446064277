package stripeappstest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// RunConfig says what Run needs to know about a handler. Only Target is required.
type RunConfig struct {
	// Method and Target are those of a route that is behind the verification.
	// Target is a path, with a query if it needs one. Method "" means POST, or
	// GET where Source is not SignedBody and there is no Payload.
	Method, Target string

	// Payload is one to which the route responds with a status of 2xx; see NewRequest.
	// Where Source is not SignedBody, it is the body and is not signed.
	Payload any

	// Nonce is the name of a member that Run adds to the Payload, with a new value for
	// each request: that of replay.Config ("nonce" there, if it is left empty), where
	// the route is behind replay.Once. "" means none. It can be given with
	// SignedBody only.
	Nonce string

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

	// Calls returns how often the route's own handler has been called so far. nil
	// means that Run cannot count: it then takes it for called where a response holds
	// what the one to the signed request does.
	Calls func() int
}

// Run tests handler, the whole of a backend as it is wired up, for what an
// extension and its safety need: that the browser's preflight gets a response; that
// signed requests are accepted, and all others refused; that the extension can
// read every response; that each carries a Content-Security-Policy; and that no
// cache gives a response to somebody else. What fails says what to change; what
// tells nothing before that is mended is skipped.
//
//	func TestBackend(t *testing.T) {
//		handler, err := newHandler([]string{stripeappstest.DefaultSecret}) // what main serves
//		if err != nil {
//			t.Fatal(err)
//		}
//		stripeappstest.Run(t, handler, stripeappstest.RunConfig{
//			Target:    "/api/refunds",
//			Payload:   map[string]any{"action": "refund", "amount": 1250},
//			AroundMux: true,
//		})
//	}
//
// It sends a correct request at least twice, and one for each of the Secrets: the
// route's handler does what it does then. Everything goes by ServeHTTP, without
// a network, to one handler at a time.
//
// The handler can be an httputil.ReverseProxy, whose Rewrite calls SetURL. Run then
// tests what is deployed at that URL, with all that stands in front of it there.
//
// Run tests one route. It knows nothing of what the route itself allows whom, and
// does not see what shows only where a handler panics or is slow: whether a recoverer
// and an http.TimeoutHandler stand behind NewCORS, as they must.
func Run(t *testing.T, handler http.Handler, config RunConfig) {
	t.Helper()
	run(runner{t}, handler, config)
}

// reporter is what Run needs of a testing.T, so that a test of Run can have
// another.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Skipf(format string, args ...any)
	Run(name string, f func(reporter))
}

type runner struct{ *testing.T }

func (r runner) Run(name string, f func(reporter)) {
	r.Helper()
	r.T.Run(name, func(t *testing.T) {
		t.Helper() // so that the line of a failure is the caller's of Run
		f(runner{t})
	})
}

// once says what was said in a test before by its beginning only.
type once struct {
	reporter
	said map[string]bool
}

func (o once) Errorf(format string, args ...any) {
	o.Helper()
	text := fmt.Sprintf(format, args...)
	key, _, _ := strings.Cut(text, "\n") // behind which a stack differs
	if o.said[key] {
		what, _, _ := strings.Cut(key, ": ")
		text = "as above: " + what
	}
	o.said[key] = true
	o.reporter.Errorf("%s", text)
}

func (o once) Run(name string, f func(reporter)) {
	o.Helper()
	o.reporter.Run(name, func(t reporter) {
		t.Helper()
		f(once{t, o.said})
	})
}

func run(t reporter, handler http.Handler, config RunConfig) {
	t.Helper()
	t = once{t, make(map[string]bool)}
	if err := config.complete(handler); err != nil {
		t.Errorf("%v", err)
		return
	}
	c := &conformance{handler: handler, RunConfig: config}
	// First, as its response tells whether the handler has run later.
	c.accepted(t, "a signed request is accepted", c.Secrets...)
	t.Run("a Stripe-Signature in several lines is accepted", c.splitSignature)
	if len(c.Secrets) > 1 {
		for i, secret := range c.Secrets {
			c.accepted(t, fmt.Sprintf("a request signed with Secrets[%d] alone is accepted", i), secret)
		}
	}

	t.Run("the browser's preflight gets a response", c.preflight)

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
	t.Run("two Stripe-Signature headers are refused", c.twoSignatures)

	if c.MaxBodyBytes > 0 {
		c.tooLarge(t, "a body one byte over MaxBodyBytes is refused", true)
		c.tooLarge(t, "a body one byte over MaxBodyBytes is refused without a Content-Length", false)
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
	text, err := objectText(config.Payload)
	if err != nil {
		return wrong("Payload: %s", strings.TrimPrefix(err.Error(), "stripeappstest: "))
	}
	if config.Nonce == "" {
		return nil
	}
	if config.Source != stripeapps.SignedBody {
		return wrong("Nonce is set, but with this Source only the ids are signed: leave it out")
	}
	members, _ := stripejs.Members(text)
	if slices.ContainsFunc(members, func(m stripejs.Member) bool { return m.Name == config.Nonce }) {
		return wrong("Payload has the member %q, to which Run gives its values: leave it out there", config.Nonce)
	}
	return nil
}

// payload is the Payload, with a nonce of its own if there is to be one.
func (config *RunConfig) payload() any {
	if config.Nonce == "" {
		return config.Payload
	}
	text, _ := objectText(config.Payload) // has been checked, and may be none
	members, _ := stripejs.Members(text)
	return stripejs.Object(append(members, stripejs.Member{Name: config.Nonce, Value: []byte(strconv.Quote(rand.Text()))}))
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
