package stripeapps_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps"
)

func TestRefusalsAreProblemDocuments(t *testing.T) {
	require.Len(t, refusals(), len(statusOf))
	for code, request := range refusals() {
		for _, method := range []string{http.MethodPost, http.MethodHead} {
			t.Run(string(code)+" "+method, func(t *testing.T) {
				var cfg stripeapps.VerifierConfig
				r := request(&cfg)
				r.Method = method
				w := httptest.NewRecorder()
				for _, name := range []string{"Content-Length", "Content-Range", "ETag", "Last-Modified"} {
					w.Header().Set(name, "99") // of an response that was not sent
				}
				newVerifier(t, cfg).Handler(mustNotBeCalled(t)).ServeHTTP(w, r)

				assert.Equal(t, statusOf[code], w.Code)
				assertProblemHeaders(t, statusOf[code], w)
				if method == http.MethodHead {
					assert.Empty(t, w.Body.String())
					return
				}
				var document map[string]any
				require.NoError(t, json.Unmarshal(w.Body.Bytes(), &document))
				assert.NotEmpty(t, document["detail"])
				delete(document, "detail")
				assert.Equal(t, map[string]any{
					"title":  http.StatusText(statusOf[code]),
					"status": float64(statusOf[code]),
					"code":   string(code),
				}, document)
			})
		}
	}
}

// Like slack-go before v0.31, whose error text held the right MAC: lift it,
// send it again, and be verified.
func TestNothingIsDisclosed(t *testing.T) {
	const secret, previous = "absec_s3cr3t", "absec_pr3v10us"
	for code, request := range refusals() {
		t.Run(string(code), func(t *testing.T) {
			var logged bytes.Buffer
			cfg := stripeapps.VerifierConfig{Secrets: []string{secret, previous, testSecret}, Observe: stripeapps.LogRefusals(slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))}
			r := request(&cfg)
			r.URL.Path = "/input"
			header := r.Header.Get("Stripe-Signature")
			var told error
			cfg.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
				told = err
				fmt.Fprintln(w, err, fmt.Sprintf("%v %s", err, err))
				stripeapps.WriteProblem(w, r, err)
			}
			w := httptest.NewRecorder()
			newVerifier(t, cfg).Handler(mustNotBeCalled(t)).ServeHTTP(w, r)

			text := w.Body.String() + logged.String() + told.Error() + fmt.Sprint(w.Header())
			_, sent, _ := strings.Cut(header, "v1=")
			for _, secret := range []string{secret, previous, testSecret, "absec_other"} {
				assert.NotContains(t, text, secret)
				for _, payload := range []string{plain, onlyIDs} {
					mac := webhook.ComputeSignature(testNow, []byte(payload), secret)
					assert.NotContains(t, text, hex.EncodeToString(mac))
					assert.NotContains(t, text, string(mac))
				}
			}
			for _, input := range []string{sent, "input", "usr_123", "acct_123", "1250", "1700000000"} {
				if input != "" {
					assert.NotContains(t, text, input)
				}
			}
		})
	}
}

func TestAnOwnErrorHandlerAnswersRefusals(t *testing.T) {
	for _, test := range []struct {
		name       string
		handler    func(http.ResponseWriter, *http.Request, error)
		wantStatus int
		wantBody   string
	}{
		{"with a status and a body", func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "own", http.StatusTeapot)
		}, http.StatusTeapot, "own\n"},
		{"with a status only", func(w http.ResponseWriter, _ *http.Request, err error) {
			w.WriteHeader(http.StatusForbidden)
		}, http.StatusForbidden, ""},
		{"with a body only", func(w http.ResponseWriter, _ *http.Request, err error) {
			io.WriteString(w, "own")
		}, http.StatusOK, "own"},
		{"through a reader", func(w http.ResponseWriter, _ *http.Request, err error) {
			w.WriteHeader(http.StatusForbidden)
			io.Copy(w, strings.NewReader("own"))
		}, http.StatusForbidden, "own"},
		{"by deciding on the error", func(w http.ResponseWriter, _ *http.Request, err error) {
			var e *stripeapps.Error
			if errors.As(err, &e) && errors.Is(err, stripeapps.ErrNotSigned) {
				http.Error(w, e.Code(), e.Status())
			}
		}, http.StatusUnauthorized, "not_signed\n"},
		{"through http.ResponseController", func(w http.ResponseWriter, _ *http.Request, err error) {
			w.WriteHeader(http.StatusForbidden)
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
		}, http.StatusForbidden, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := signedRequest(plain)
			r.Header.Del("Stripe-Signature")
			w := httptest.NewRecorder()
			newVerifier(t, stripeapps.VerifierConfig{ErrorHandler: test.handler}).Handler(mustNotBeCalled(t)).ServeHTTP(w, r)
			assert.Equal(t, test.wantStatus, w.Code)
			assert.Equal(t, test.wantBody, w.Body.String())
		})
	}
}

func TestAnErrorHandlerThatWritesNothingDoesNotMakeA200(t *testing.T) {
	for name, handler := range map[string]func(http.ResponseWriter, *http.Request, error){
		"nothing at all":   func(http.ResponseWriter, *http.Request, error) {},
		"a header only":    func(w http.ResponseWriter, _ *http.Request, _ error) { w.Header().Set("X-Own", "1") },
		"early hints only": func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusEarlyHints) },
		"an empty text":    func(w http.ResponseWriter, _ *http.Request, _ error) { io.WriteString(w, "") },
		"an empty reader":  func(w http.ResponseWriter, _ *http.Request, _ error) { io.Copy(w, strings.NewReader("")) },
		"a flush only":     func(w http.ResponseWriter, _ *http.Request, _ error) { http.NewResponseController(w).Flush() },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(newVerifier(t, stripeapps.VerifierConfig{ErrorHandler: handler}).Handler(mustNotBeCalled(t)))
			defer server.Close()
			response, err := http.Get(server.URL)
			require.NoError(t, err)
			defer response.Body.Close()
			assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
			assert.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
		})
	}
}

func TestWhatAnErrorHandlerSetsStaysWhereItWritesNothing(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
		w.Header().Set("X-Request-Id", "1")
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.Header().Set("Retry-After", "1")
		w.Header().Add("Set-Cookie", "refused=1")
		w.Header().Set("ETag", "1") // of a body that is not sent
		w.Header().Set("Cache-Control", "public")
	}})
	for name, test := range map[string]struct {
		secret       string
		authenticate string
	}{
		"refused by the chain": {"absec_other", "Stripe-Signature"}, // which is what a 401 asks for
		"refused by a handler": {testSecret, "Bearer"},
	} {
		for how, protect := range map[string]stripeapps.Middleware{"alone": v.Handler, "behind CORS": func(next http.Handler) http.Handler {
			return newCORS(t, stripeapps.CORSConfig{})(v.Handler(next))
		}} {
			r := signedRequest(plain)
			r.Header.Set("Stripe-Signature", sign(plain, test.secret, testNow))
			w := httptest.NewRecorder()
			protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				notSent(w.Header())
				stripeapps.Refuse(w, r, stripeapps.ErrUnexpectedPayload)
			})).ServeHTTP(w, r)
			w.Header().Del("Vary")
			assert.Equal(t, http.Header{
				"X-Request-Id": {"1"}, "Www-Authenticate": {test.authenticate}, "Retry-After": {"1"}, "Set-Cookie": {"refused=1"},
				"Cache-Control": {"no-store"}, "Content-Type": {"application/problem+json"}, "X-Content-Type-Options": {"nosniff"},
			}, w.Header(), "%s, %s", name, how)
		}
	}
}

func TestWriteProblemHidesForeignErrors(t *testing.T) {
	w := httptest.NewRecorder()
	stripeapps.WriteProblem(w, httptest.NewRequest(http.MethodGet, "/", nil), errors.New("password=hunter2"))
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assertProblemHeaders(t, http.StatusInternalServerError, w)
	assert.Equal(t, `{"title":"Internal Server Error","status":500,"code":"internal","detail":"the server failed to handle the request"}`+"\n", w.Body.String())
}

func TestAProblemDocumentNamesOneWayToAuthenticate(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Add("WWW-Authenticate", "Basic")
	w.Header().Add("WWW-Authenticate", "Bearer")
	stripeapps.WriteProblem(w, httptest.NewRequest(http.MethodGet, "/", nil), stripeapps.ErrNotSigned)
	assert.Equal(t, []string{"Stripe-Signature"}, w.Header()["Www-Authenticate"])
}

func TestWriteProblemFindsAWrappedError(t *testing.T) {
	w := httptest.NewRecorder()
	stripeapps.WriteProblem(w, httptest.NewRequest(http.MethodGet, "/", nil), fmt.Errorf("refunds: %w", stripeapps.ErrTooOld))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Contains(t, w.Body.String(), `"code":"too_old"`)
}

func TestRefuseAnswersInTheWayOfTheChain(t *testing.T) {
	var logged bytes.Buffer
	v := newVerifier(t, stripeapps.VerifierConfig{
		Observe:      stripeapps.LogRefusals(slog.New(slog.NewTextHandler(&logged, nil))),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { http.Error(w, "own", http.StatusTeapot) },
	})
	refuse := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stripeapps.Refuse(w, r, stripeapps.NewError("own", 404, "nothing here"))
	})
	w := httptest.NewRecorder()
	v.Handler(refuse).ServeHTTP(w, signedRequest(plain))
	assert.Equal(t, http.StatusTeapot, w.Code)
	assert.Contains(t, logged.String(), "code=own status=404")

	w = httptest.NewRecorder()
	refuse.ServeHTTP(w, signedRequest(plain))
	assert.Equal(t, http.StatusNotFound, w.Code, "outside the chain")
}

func TestAnErrorHandlerWhoseHijackFailsDoesNotMakeA200(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
		if _, _, err := http.NewResponseController(w).Hijack(); err == nil {
			t.Error("hijacked")
		}
	}})
	w := httptest.NewRecorder()
	v.Handler(mustNotBeCalled(t)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
}

func TestAnErrorThatNewErrorDidNotMakeIsTakenForAnother(t *testing.T) {
	for name, requirement := range map[string]stripeapps.Requirement{
		"a nil *Error":  func(*http.Request) error { var e *stripeapps.Error; return e },
		"a zero *Error": func(*http.Request) error { return new(stripeapps.Error) },
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(verifiedContext("{}"))
			stripeapps.Require(requirement)(mustNotBeCalled(t)).ServeHTTP(w, r)
			assert.Equal(t, http.StatusForbidden, w.Code)
			w = httptest.NewRecorder()
			stripeapps.WriteProblem(w, r, requirement(r))
			assert.Equal(t, http.StatusInternalServerError, w.Code)
		})
	}
}

func TestStripeGosSentinelsAreFound(t *testing.T) {
	sentinels := []error{webhook.ErrNotSigned, webhook.ErrInvalidHeader, webhook.ErrNoValidSignature, webhook.ErrTooOld}
	for _, test := range []struct {
		name   string
		header string
		want   error // nil: none of them
	}{
		{"no signature", "", webhook.ErrNotSigned},
		{"not of the form", "t", webhook.ErrInvalidHeader},
		{"another secret", sign(plain, "absec_other", testNow), webhook.ErrNoValidSignature},
		{"no v1", "t=1700000000", webhook.ErrNoValidSignature},
		{"too old", sign(plain, testSecret, testNow.Add(-time.Hour)), webhook.ErrTooOld},
		{"too new", sign(plain, testSecret, testNow.Add(time.Hour)), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := newVerifier(t, stripeapps.VerifierConfig{}).VerifyPayload([]byte(plain), test.header)
			require.Error(t, err)
			for _, sentinel := range sentinels {
				assert.Equal(t, sentinel == test.want, errors.Is(err, sentinel), "%v", sentinel)
			}
			assert.False(t, errors.Is(err, nil))
		})
	}
}

func TestNewErrorPanicsOnAnIncompleteError(t *testing.T) {
	for name, create := range map[string]func(){
		"no code":        func() { stripeapps.NewError("", 400, "text") },
		"no detail":      func() { stripeapps.NewError("code", 400, "") },
		"a status of ok": func() { stripeapps.NewError("code", 200, "text") },
		"a redirection":  func() { stripeapps.NewError("code", 399, "text") },
		"no such status": func() { stripeapps.NewError("code", 600, "text") },
	} {
		t.Run(name, func(t *testing.T) { assert.Panics(t, create) })
	}
	for _, status := range []int{400, 599} {
		assert.Equal(t, status, stripeapps.NewError("code", status, "text").Status())
	}
}

func TestAnErrorIsNoOtherError(t *testing.T) {
	for _, other := range []error{stripeapps.ErrTooNew, io.EOF, webhook.ErrTooOld, errors.New(stripeapps.ErrNoMatch.Error())} {
		assert.NotErrorIs(t, stripeapps.ErrNoMatch, other)
	}
	assert.ErrorIs(t, stripeapps.ErrOnlyIDsSigned, webhook.ErrNoValidSignature, "the signature is not that of the body")
}

func TestWhatIsWrongWithASignedPayloadIsSaid(t *testing.T) {
	const ids = `,"user_id":"usr_123","account_id":"acct_123"}`
	for payload, want := range map[string]string{
		"[]":                 "the signed payload is not a JSON object in UTF-8",
		`{"a":1` + ids + "x": "the signed payload is not a JSON object in UTF-8",
		`{"a":` + strings.Repeat("[", 256) + strings.Repeat("]", 256) + ids: "nested more than 256 levels deep",
		`{"a":1,"A":2` + ids:      "two members whose names are equal or differ by case only",
		`{"live_mode":true` + ids: "a member whose name some decoders take for user_id, account_id, action, livemode or stripe_roles",
		`{"a":1}`:                 "whose last two members are user_id and account_id",
	} {
		_, err := newVerifier(t, stripeapps.VerifierConfig{}).Verify(signedRequest(payload))
		assert.ErrorIs(t, err, stripeapps.ErrNoIdentity)
		assert.ErrorContains(t, err, want)
	}
}

// Adapters to other frameworks use Verify and Refuse, and get what Handler does.
func TestVerifyAndRefuseDoWhatHandlerDoes(t *testing.T) {
	for code, request := range refusals() {
		for name, errorHandler := range map[string]func(http.ResponseWriter, *http.Request, error){
			"as a problem document":    nil,
			"by an own ErrorHandler":   func(w http.ResponseWriter, _ *http.Request, err error) { http.Error(w, err.Error(), http.StatusTeapot) },
			"by one that says nothing": func(http.ResponseWriter, *http.Request, error) {},
		} {
			t.Run(code+", "+name, func(t *testing.T) {
				var responses []*httptest.ResponseRecorder
				var observed []int
				for _, adapted := range []bool{false, true} {
					cfg := stripeapps.VerifierConfig{ErrorHandler: errorHandler}
					verdicts := 0
					cfg.Observe = func(stripeapps.Verdict) { verdicts++ }
					r := request(&cfg)
					v := newVerifier(t, cfg)
					w := httptest.NewRecorder()
					if adapted {
						_, err := v.Verify(r)
						require.Error(t, err)
						v.Refuse(w, r, err)
					} else {
						v.Handler(mustNotBeCalled(t)).ServeHTTP(w, r)
					}
					responses, observed = append(responses, w), append(observed, verdicts)
				}
				assert.Equal(t, responses[0], responses[1])
				assert.Equal(t, []int{1, 1}, observed)
			})
		}
	}
}

func TestAnErrorHandlerGetsAnErrorWhateverIsRefusedWith(t *testing.T) {
	own := stripeapps.NewError("own", 404, "nothing here")
	for name, test := range map[string]struct {
		err  error
		code string
	}{
		"one of this package": {stripeapps.ErrTooOld, "too_old"}, "one of one's own": {own, "own"}, "one within another": {fmt.Errorf("refunds: %w", own), "own"},
		"another type": {io.EOF, "internal"}, "none": {nil, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			var handled, observed error
			v := newVerifier(t, stripeapps.VerifierConfig{
				ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { handled = err },
				Observe:      func(v stripeapps.Verdict) { observed = v.Err },
			})
			v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { stripeapps.Refuse(w, r, test.err) })).ServeHTTP(httptest.NewRecorder(), signedRequest(plain))
			e, ok := handled.(*stripeapps.Error)
			require.True(t, ok, "%T", handled)
			assert.Equal(t, test.code, e.Code())
			assert.Same(t, e, observed)
			if test.err != nil {
				assert.ErrorIs(t, handled, test.err, "it is kept")
			}
		})
	}
}

// sets is a middleware that has something to say on every response.
func sets(lines ...string) stripeapps.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(lines); i += 2 {
				w.Header().Add(lines[i], lines[i+1])
			}
			next.ServeHTTP(w, r)
		})
	}
}

// What a middleware between the parts of the chain has set is not of the response
// that is not sent.
func TestARefusalKeepsWhatStandsOutsideOfWhoRefuses(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{})
	withCSP, withCORS := newCSP(t, stripeapps.CSPConfig{}), newCORS(t, stripeapps.CORSConfig{})
	policies := []string{"default-src 'none'; frame-ancestors 'none'", "sandbox"}
	handler := func(verify stripeapps.Middleware, last http.Handler) http.Handler {
		return sets("X-Server", "1")(withCSP(
			sets("Strict-Transport-Security", "max-age=1", "Content-Security-Policy", "sandbox")(withCORS(
				sets("X-Request-Id", "1", "Vary", "Accept")(verify(
					sets("X-RateLimit", "9")(stripeapps.Require(stripeapps.LiveMode(true))(last))))))))
	}
	adapted := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := v.Verify(r); err != nil {
				v.Refuse(w, r, err)
			}
		})
	}
	outsideCORS := func(more ...string) http.Header {
		header := sentBy(append(more, "X-Server", "1", "Strict-Transport-Security", "max-age=1",
			"Content-Type", "application/problem+json", "X-Content-Type-Options", "nosniff")...)
		header["Content-Security-Policy"] = policies
		return header
	}
	outsideVerifier := func(vary string, more ...string) http.Header {
		header := outsideCORS(append(more, "X-Request-Id", "1")...)
		header["Vary"] = []string{"Origin", "Accept"}
		if vary != "" {
			header["Vary"] = append(header["Vary"], vary)
		}
		return header
	}
	const private = "Stripe-Signature, Stripe-User-Id, Stripe-Account-Id"
	unsigned := httptest.NewRequest(http.MethodPost, "/", nil)
	live := strings.Replace(plain, "{", `{"livemode":true,`, 1)
	for _, test := range []struct {
		name    string
		handler http.Handler
		request *http.Request
		want    http.Header
	}{
		{"the verifier", handler(v.Handler, mustNotBeCalled(t)), unsigned,
			outsideVerifier("", "Www-Authenticate", "Stripe-Signature")},
		{"an adapter", handler(adapted, mustNotBeCalled(t)), unsigned,
			outsideVerifier("", "Www-Authenticate", "Stripe-Signature")},
		{"a verifier within another", handler(func(next http.Handler) http.Handler {
			other := newVerifier(t, stripeapps.VerifierConfig{Secrets: []string{"absec_other"}})
			return v.Handler(sets("X-Account", "1")(other.Handler(next)))
		}, mustNotBeCalled(t)), signedRequest(plain), outsideVerifier(private, "X-Account", "1", "Www-Authenticate", "Stripe-Signature")},
		{"Require", handler(v.Handler, mustNotBeCalled(t)), signedRequest(plain),
			outsideVerifier(private, "X-Ratelimit", "9")},
		{"Require outside the chain", handler(func(next http.Handler) http.Handler { return next }, mustNotBeCalled(t)), signedRequest(plain),
			outsideVerifier("", "X-Ratelimit", "9")},
		{"a handler", handler(v.Handler, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			notSent(w.Header())
			stripeapps.Refuse(w, r, stripeapps.ErrUnexpectedPayload)
		})), signedRequest(live), outsideVerifier(private, "X-Ratelimit", "9")},
		{"a handler, by the verifier's own Refuse", handler(v.Handler, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			notSent(w.Header())
			v.Refuse(w, r, stripeapps.ErrUnexpectedPayload)
		})), signedRequest(live), outsideVerifier(private, "X-Ratelimit", "9")},
		{"NewCORS, of a panic", handler(v.Handler, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			notSent(w.Header())
			panic("early")
		})), signedRequest(live), outsideCORS()},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.request.Header.Set("Origin", "null")
			r, _ := withServer(test.request)
			w := httptest.NewRecorder()
			test.handler.ServeHTTP(w, r)
			assert.Equal(t, test.want, w.Header())
		})
	}
}

// A cache may keep a 404 that says nothing of caching, and give it to somebody who does
// sign: RFC 9111, section 4.2.2.
func TestWhatAnErrorHandlerSaysIsNotStored(t *testing.T) {
	for _, test := range []struct {
		name   string
		handle http.HandlerFunc
		want   http.Header
	}{
		{"unless it says otherwise", http.NotFound, http.Header{
			"Cache-Control":          {"no-store"},
			"Content-Type":           {"text/plain; charset=utf-8"},
			"Vary":                   {"Stripe-Signature, Stripe-User-Id, Stripe-Account-Id"},
			"X-Content-Type-Options": {"nosniff"},
		}},
		{"and it does", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "private, max-age=1")
			w.WriteHeader(http.StatusNotFound)
		}, http.Header{
			"Cache-Control": {"private, max-age=1"},
			"Vary":          {"Stripe-Signature, Stripe-User-Id, Stripe-Account-Id"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := newVerifier(t, stripeapps.VerifierConfig{ErrorHandler: func(w http.ResponseWriter, r *http.Request, _ error) { test.handle(w, r) }})
			w := httptest.NewRecorder()
			v.Handler(mustNotBeCalled(t)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			assert.Equal(t, http.StatusNotFound, w.Code)
			assert.Equal(t, test.want, w.Header())
		})
	}
}

func TestAProblemDocumentHasEachOfItsHeadersOnceWhateverTheirCase(t *testing.T) {
	w := httptest.NewRecorder()
	for _, name := range []string{"content-type", "cache-control", "etag", "content-length", "x-content-type-options", "www-authenticate", "last-modified", "content-range"} {
		w.Header()[name] = []string{"of a middleware outside"}
	}
	newVerifier(t, stripeapps.VerifierConfig{}).Handler(mustNotBeCalled(t)).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	assertProblemHeaders(t, http.StatusUnauthorized, w)
}

func TestARefusalThatComesTooLateLeavesTheResponseAsItIs(t *testing.T) {
	var logged bytes.Buffer
	server := &http.Server{ErrorLog: log.New(&logged, "", 0)}
	w := httptest.NewRecorder()
	r := signedRequest(plain)
	r = r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, server))
	newVerifier(t, stripeapps.VerifierConfig{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"paid":true}`)
		stripeapps.Refuse(w, r, stripeapps.ErrRequirementNotMet)
	})).ServeHTTP(w, r)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, `{"paid":true}`, w.Body.String())
	assert.Equal(t, "stripeapps: refused too late, when a response had begun: requirement_not_met\n", logged.String())
}
