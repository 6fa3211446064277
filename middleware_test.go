package stripeapps_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps"
)

// mustNotBeCalled is what stands behind everything that refuses.
func mustNotBeCalled(t *testing.T) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the handler was called")
	})
}

// assertProblemHeaders checks all the headers of a problem document, nothing
// missing and nothing more. The length of what a HEAD request would have got is
// not checked.
func assertProblemHeaders(t *testing.T, status int, w *httptest.ResponseRecorder) {
	t.Helper()
	want := http.Header{
		"Content-Type":           {"application/problem+json"},
		"Content-Length":         {strconv.Itoa(w.Body.Len())},
		"Cache-Control":          {"no-store"},
		"X-Content-Type-Options": {"nosniff"},
	}
	if w.Body.Len() == 0 {
		want["Content-Length"] = w.Header()["Content-Length"]
	}
	if status == http.StatusUnauthorized {
		want["Www-Authenticate"] = []string{"Stripe-Signature"}
	}
	assert.Equal(t, want, w.Header())
}

// refusals is a request for each code that the verifier can refuse with.
func refusals() map[string]func(*stripeapps.VerifierConfig) *http.Request {
	withHeader := func(header string) func(*stripeapps.VerifierConfig) *http.Request {
		return func(*stripeapps.VerifierConfig) *http.Request {
			r := signedRequest(plain)
			r.Header.Set("Stripe-Signature", header)
			return r
		}
	}
	signed := func(payload string) func(*stripeapps.VerifierConfig) *http.Request {
		return func(*stripeapps.VerifierConfig) *http.Request { return signedRequest(payload) }
	}
	return map[string]func(*stripeapps.VerifierConfig) *http.Request{
		"not_signed":          withHeader(""),
		"malformed_signature": withHeader("t=1,v1=input"),
		"no_match":            withHeader(sign(plain, "absec_other", testNow)),
		"too_old":             withHeader(sign(plain, testSecret, testNow.Add(-time.Hour))),
		"too_new":             withHeader(sign(plain, testSecret, testNow.Add(time.Hour))),
		"only_ids_signed":     withHeader(sign(onlyIDs, testSecret, testNow)),
		"no_identity":         signed(`{"input":1}`),
		"install_signature":   signed(`{"state":"input","user_id":"usr_123","account_id":"acct_123"}`),
		"body_too_large": func(cfg *stripeapps.VerifierConfig) *http.Request {
			cfg.MaxBodyBytes = 10
			return signedRequest(plain)
		},
		"body_unreadable": func(*stripeapps.VerifierConfig) *http.Request {
			r := signedRequest(plain)
			r.ContentLength++
			return r
		},
		"malformed_ids": func(cfg *stripeapps.VerifierConfig) *http.Request {
			cfg.Source = stripeapps.IDsInHeaders
			return signedRequest(plain)
		},
		"no_payload": func(cfg *stripeapps.VerifierConfig) *http.Request {
			cfg.Source = stripeapps.NewSource(func(*http.Request, []byte) ([]byte, error) { return nil, errors.New("input") })
			return signedRequest(plain)
		},
	}
}

var statusOf = map[string]int{
	"not_signed": 401, "malformed_signature": 401, "no_match": 401, "too_old": 401, "too_new": 401,
	"body_too_large": 413, "body_unreadable": 400, "malformed_ids": 400, "no_payload": 400,
	"no_identity": 400, "only_ids_signed": 400, "install_signature": 400,
}

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
					w.Header().Set(name, "99") // of an answer that was not sent
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

func TestWriteProblemHidesForeignErrors(t *testing.T) {
	w := httptest.NewRecorder()
	stripeapps.WriteProblem(w, httptest.NewRequest(http.MethodGet, "/", nil), errors.New("password=hunter2"))
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assertProblemHeaders(t, http.StatusInternalServerError, w)
	assert.Equal(t, `{"title":"Internal Server Error","status":500,"code":"internal","detail":"the server failed to handle the request"}`+"\n", w.Body.String())
}

func TestWriteProblemFindsAWrappedError(t *testing.T) {
	w := httptest.NewRecorder()
	stripeapps.WriteProblem(w, httptest.NewRequest(http.MethodGet, "/", nil), fmt.Errorf("refunds: %w", stripeapps.ErrTooOld))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Contains(t, w.Body.String(), `"code":"too_old"`)
}

func TestNewChecksItsConfig(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{})
	unmade := new(stripeapps.Verifier)
	require.NoError(t, unmade.SetSecrets(testSecret))
	for _, test := range []struct {
		name   string
		config stripeapps.Config
		want   string
	}{
		{"neither secrets nor a verifier", stripeapps.Config{}, "Secrets is empty"},
		{"no secrets in the list", stripeapps.Config{Secrets: []string{}}, "Secrets is empty"},
		{"a webhook secret", stripeapps.Config{Secrets: []string{"whsec_x"}}, "Secrets[0] looks like a webhook"},
		{"secrets and a verifier", stripeapps.Config{Secrets: []string{testSecret}, Verifier: v}, "are both set"},
		{"no secrets in the list, and a verifier", stripeapps.Config{Secrets: []string{}, Verifier: v}, "are both set"},
		{"a verifier that NewVerifier did not make, with secrets", stripeapps.Config{Verifier: unmade}, "was not made by NewVerifier"},
		{"a verifier that NewVerifier did not make", stripeapps.Config{Verifier: new(stripeapps.Verifier)}, "was not made by NewVerifier"},
	} {
		t.Run(test.name, func(t *testing.T) {
			protect, err := stripeapps.New(test.config)
			assert.ErrorContains(t, err, test.want)
			assert.Nil(t, protect)
		})
	}
}

func TestTheChainWorksWithSecretsAndWithAVerifier(t *testing.T) {
	payload := payloadOf(200)
	for name, options := range map[string]stripeapps.Config{
		"secrets":    {Secrets: []string{testSecret}},
		"a verifier": {Verifier: newVerifier(t, stripeapps.VerifierConfig{Now: time.Now})},
	} {
		t.Run(name, func(t *testing.T) {
			protect, err := stripeapps.New(options)
			require.NoError(t, err)
			handler := protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }))
			r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(payload))
			r.Header.Set("Stripe-Signature", sign(payload, testSecret, time.Now()))
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			assert.Equal(t, http.StatusOK, w.Code)
			assert.Equal(t, string(payload), w.Body.String())
		})
	}
}

func TestAMegabyteOfSignatureThroughARealServer(t *testing.T) {
	server := httptest.NewServer(newVerifier(t, stripeapps.VerifierConfig{}).Handler(mustNotBeCalled(t)))
	defer server.Close()
	request, err := http.NewRequest(http.MethodPost, server.URL, strings.NewReader(plain))
	require.NoError(t, err)
	request.Header.Set("Stripe-Signature", strings.Repeat("v1=0,", 1_000_000/5))
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.Contains(t, string(body), `"code":"malformed_signature"`)
}

func TestAClientThatGoesAwayNeverReachesTheHandler(t *testing.T) {
	refused := make(chan error, 1)
	v := newVerifier(t, stripeapps.VerifierConfig{ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { refused <- err }})
	server := httptest.NewServer(v.Handler(mustNotBeCalled(t)))
	defer server.Close()

	body, feed := io.Pipe()
	request, err := http.NewRequest(http.MethodPost, server.URL, body)
	require.NoError(t, err)
	request.ContentLength = int64(len(plain))
	request.Header.Set("Stripe-Signature", sign(plain, testSecret, testNow))
	go func() {
		io.WriteString(feed, plain[:10])
		feed.CloseWithError(errors.New("gone"))
	}()
	_, err = http.DefaultClient.Do(request)
	require.Error(t, err)
	assert.ErrorIs(t, <-refused, stripeapps.ErrBodyUnreadable)
}

// Every request is signed with a secret that is in force before and after each
// swap, or with both, as Stripe does while it rolls: none may be lost.
func TestNoRequestIsLostWhileSecretsAreSwapped(t *testing.T) {
	secrets := []string{"absec_0", "absec_1", "absec_2", "absec_3"}
	v := newVerifier(t, stripeapps.VerifierConfig{Secrets: secrets[:2]})
	handler := v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := stripeapps.IdentityFrom(r.Context()); !ok || id.UserID != "usr_123" {
			t.Error("no identity")
		}
		w.WriteHeader(http.StatusNoContent)
	}))

	var rolling sync.WaitGroup
	var stop atomic.Bool
	rolling.Go(func() {
		for i := 0; !stop.Load(); i++ {
			// absec_1 stays in force throughout.
			if err := v.SetSecrets(secrets[1], secrets[2*(i%2)]); err != nil {
				t.Error(err)
			}
			if err := v.SetSecrets("whsec_wrong"); err == nil {
				t.Error("a wrong secret was set")
			}
		}
	})
	var requests sync.WaitGroup
	for range 8 {
		requests.Go(func() {
			for range 200 {
				r := signedRequest(plain)
				_, next, _ := strings.Cut(sign(plain, secrets[3], testNow), ",")
				r.Header.Set("Stripe-Signature", sign(plain, secrets[1], testNow)+","+next)
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				assert.Equal(t, http.StatusNoContent, w.Code)
			}
		})
	}
	requests.Wait()
	stop.Store(true)
	rolling.Wait()
}

// ServeMux patterns with a method do not match OPTIONS, so the chain goes around
// the mux; path values and patterns still work behind it.
func TestTheChainGoesAroundAMux(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/refunds/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.PathValue("id"), " ", r.Pattern)
	})
	w := httptest.NewRecorder()
	r := signedRequest(plain)
	r.URL.Path = "/api/refunds/re_1"
	newVerifier(t, stripeapps.VerifierConfig{}).Handler(mux).ServeHTTP(w, r)
	assert.Equal(t, "re_1 POST /api/refunds/{id}", w.Body.String())
}

func TestTheHandlerMakesFewAllocations(t *testing.T) {
	if stripeapps.RaceEnabled {
		t.Skip("allocations cannot be counted under the race detector")
	}
	handler := newVerifier(t, stripeapps.VerifierConfig{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stripeapps.IdentityFrom(r.Context())
		stripeapps.SignedPayload(r.Context())
	}))
	assert.LessOrEqual(t, allocationsOf(handler), 7.0)
}

// allocationsOf counts what a handler allocates for a signed request of 1 KiB.
func allocationsOf(handler http.Handler) float64 {
	payload := payloadOf(1 << 10)
	r := signedRequest(string(payload))
	r.Header.Set("Origin", "null")
	content := bytes.NewReader(payload)
	body := io.NopCloser(content)
	w := new(nullWriter)
	return testing.AllocsPerRun(100, func() {
		clear(w.Header())
		content.Reset(payload)
		r.Body = body
		handler.ServeHTTP(w, r)
	})
}

// The server removes the files of its own request's form, not those of a copy.
func TestTheFilesOfAFormAreRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	parsed := false
	v := newVerifier(t, stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders})
	server := httptest.NewServer(v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, r.ParseMultipartForm(1))
		files, err := os.ReadDir(os.TempDir())
		assert.NoError(t, err)
		parsed = len(files) > 0
	})))
	defer server.Close()

	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "name")
	require.NoError(t, err)
	file.Write(make([]byte, 11<<20))
	form.Close()
	request, err := http.NewRequest(http.MethodPost, server.URL, &body)
	require.NoError(t, err)
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Stripe-User-Id", "usr_123")
	request.Header.Set("Stripe-Account-Id", "acct_123")
	request.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	response.Body.Close()
	server.Close() // waits for the handler
	assert.True(t, parsed, "there was a file")
	files, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	assert.Empty(t, files)
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
