package explain_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/explain"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

func TestRefusalsAreExplainedInTheLog(t *testing.T) {
	old := sign(plain, testSecret, testNow.Add(-time.Hour))
	ids := func(r *http.Request) {
		r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
		r.Header.Set("Stripe-User-Id", "usr_123")
		r.Header.Set("Stripe-Account-Id", "acct_123")
	}
	for _, test := range []struct {
		name   string
		config stripeapps.VerifierConfig
		body   string
		change func(*http.Request)
		code   string // "" if it is accepted
		causes []string
		text   string // in the first explanation
	}{
		{name: "not signed", body: plain, change: func(r *http.Request) { r.Header.Del("Stripe-Signature") }, code: "not_signed", causes: []string{"not_signed"}},
		{name: "accepted", body: plain, change: func(*http.Request) {}},
		{name: "a line break behind the body", body: plain + "\n", change: func(r *http.Request) { r.Header.Set("Stripe-Signature", sign(plain, testSecret, testNow)) }, code: "no_match", causes: []string{"trailing_space"}},
		{name: "too old, and pretty-printed, before the body was read", body: string(indent(plain, "", " ")), change: func(r *http.Request) { r.Header.Set("Stripe-Signature", old) }, code: "too_old", causes: []string{"too_old", "pretty_printed"}},
		{name: "too old, and too large to be read", config: stripeapps.VerifierConfig{MaxBodyBytes: 10}, body: plain, change: func(r *http.Request) { r.Header.Set("Stripe-Signature", old) }, code: "too_old", causes: []string{"too_old"}},
		{name: "too new", body: plain, change: func(r *http.Request) {
			r.Header.Set("Stripe-Signature", sign(plain, testSecret, testNow.Add(time.Hour)))
		}, code: "too_new", causes: []string{"clock_behind"}},
		{name: "a header sent twice", body: plain, change: func(r *http.Request) { r.Header.Add("Stripe-Signature", r.Header.Get("Stripe-Signature")) }, code: "malformed_signature", causes: []string{"header_changed"}},
		{name: "a header that was changed, and a body that cannot be read", body: plain, change: func(r *http.Request) {
			r.Header.Set("Stripe-Signature", " "+r.Header.Get("Stripe-Signature"))
			r.ContentLength++
		}, code: "malformed_signature", causes: []string{"header_changed"}},
		{name: "only the ids signed", body: plain, change: func(r *http.Request) { r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow)) }, code: "only_ids_signed", causes: []string{"only_ids_signed"}},
		{name: "no identity", body: `{"a":1}`, change: func(*http.Request) {}, code: "no_identity", causes: []string{"no_identity"}},
		{name: "an install link's", body: `{"state":"","user_id":"usr_123","account_id":"acct_123"}`, change: func(*http.Request) {}, code: "install_signature", causes: []string{"install_signature"}},
		{name: "ids in headers for a body", body: `{"a":1}`, change: func(r *http.Request) {
			ids(r)
			r.Header.Set("Stripe-Signature", sign(`{"a":1,"user_id":"usr_123","account_id":"acct_123"}`, testSecret, testNow))
		}, code: "no_match", causes: []string{"ids_missing"}, text: "were signed, but are not both in the body"},
		{name: "ids in headers instead of a body", change: ids, code: "no_match", causes: []string{"wrong_source"}, text: "Source IDsInHeaders verify this route"},
		{name: "swapped ids in headers instead of a body", change: func(r *http.Request) {
			ids(r)
			r.Header.Set("Stripe-User-Id", "acct_123")
			r.Header.Set("Stripe-Account-Id", "usr_123")
		}, code: "no_match", causes: []string{"wrong_source", "ids_swapped"}},
		{name: "ids in the query instead of a body", change: func(r *http.Request) {
			r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
			r.URL.RawQuery = "user_id=usr_123&account_id=acct_123"
		}, code: "no_match", causes: []string{"wrong_source"}, text: "Source IDsInQuery verify this route"},
		{name: "neither a body nor ids", change: func(r *http.Request) {
			r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
		}, code: "no_match", causes: []string{"ids_missing"}, text: "neither a body nor an id"},
		{name: "a body without a length that something has read", change: func(r *http.Request) {
			r.Header.Set("Stripe-Signature", sign(plain, testSecret, testNow))
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("")), -1
		}, code: "no_match", causes: []string{"body_gone"}},
		{name: "ids in the query for a source of headers", config: stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}, change: func(r *http.Request) {
			r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
			r.URL.RawQuery = "user_id=usr_123&account_id=acct_123"
		}, code: "malformed_ids", causes: []string{"wrong_source"}, text: "Source IDsInQuery verify"},
		{name: "ids in headers for a source of the query", config: stripeapps.VerifierConfig{Source: stripeapps.IDsInQuery}, change: ids, code: "malformed_ids", causes: []string{"wrong_source"}, text: "Source IDsInHeaders verify"},
		{name: "a body for a source of ids", config: stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}, body: plain, change: func(*http.Request) {}, code: "malformed_ids", causes: []string{"wrong_source"}, text: "Source SignedBody verify"},
		{name: "nothing for a source of ids", config: stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}, change: func(*http.Request) {}, code: "malformed_ids", causes: []string{"ids_missing"}},
		{name: "an empty payload of NewSource", config: stripeapps.VerifierConfig{Source: stripeapps.NewSource(func(*http.Request, []byte) ([]byte, error) { return nil, nil })}, body: plain, change: func(*http.Request) {}, code: "no_match", causes: []string{"wrong_source"}, text: "found an empty payload"},
		{name: "a payload of NewSource beside a Content-Encoding, which is the body's", config: stripeapps.VerifierConfig{Source: stripeapps.NewSource(func(*http.Request, []byte) ([]byte, error) { return []byte("\xff\xfe\xfd"), nil })}, change: func(r *http.Request) {
			r.Header.Set("Content-Encoding", "br")
		}, code: "no_match", causes: []string{"not_utf_8", "unknown"}},
		{name: "two lines of Content-Encoding", body: "\xff\xfe\xfd", change: func(r *http.Request) {
			r.Header["Content-Encoding"] = []string{"gzip", "br"}
			r.Header.Set("Stripe-Signature", sign(plain, testSecret, testNow))
		}, code: "no_match", causes: []string{"compressed"}, text: "Content-Encoding br"},
		{name: "the user alone in headers", config: stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}, change: func(r *http.Request) {
			r.Header.Set("Stripe-User-Id", "usr_123")
		}, code: "malformed_ids", causes: []string{"ids_missing"}, text: "the account id is missing beside the user id"},
		{name: "the account alone in headers", config: stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}, change: func(r *http.Request) {
			r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
			r.Header.Set("Stripe-Account-Id", "acct_123")
		}, code: "malformed_ids", causes: []string{"ids_missing"}, text: "the user id is missing beside the account id"},
		{name: "an empty user in headers, where none is allowed", config: stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders, InsecureAllowMissingUser: true}, change: func(r *http.Request) {
			r.Header.Set("Stripe-Signature", sign(`{"account_id":"acct_123"}`, testSecret, testNow))
			r.Header.Set("Stripe-User-Id", "")
			r.Header.Set("Stripe-Account-Id", "acct_123")
		}, code: "malformed_ids", causes: []string{"no_identity"}},
		{name: "ids in headers, swapped", config: stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}, change: func(r *http.Request) {
			ids(r)
			r.Header.Set("Stripe-User-Id", "acct_123")
			r.Header.Set("Stripe-Account-Id", "usr_123")
		}, code: "no_match", causes: []string{"ids_swapped"}},
		{name: "ids in headers, one of them twice", config: stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}, change: func(r *http.Request) {
			ids(r)
			r.Header.Add("Stripe-User-Id", "usr_123")
		}, code: "malformed_ids", causes: []string{"no_identity"}},
		{name: "ids in headers, too old, and one of them twice", config: stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}, change: func(r *http.Request) {
			ids(r)
			r.Header.Add("Stripe-User-Id", "usr_123")
			r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow.Add(-time.Hour)))
		}, code: "too_old", causes: []string{"too_old", "no_identity"}},
		{name: "ids in headers instead of a body, too old", change: func(r *http.Request) {
			ids(r)
			r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow.Add(-time.Hour)))
		}, code: "too_old", causes: []string{"too_old", "wrong_source"}, text: "the signature fits, but its time"},
		{name: "ids in the query, swapped", config: stripeapps.VerifierConfig{Source: stripeapps.IDsInQuery}, change: func(r *http.Request) {
			r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
			r.URL.RawQuery = "user_id=acct_123&account_id=usr_123"
		}, code: "no_match", causes: []string{"ids_swapped"}},
		{name: "a query that is too long says so itself", config: stripeapps.VerifierConfig{Source: stripeapps.IDsInQuery}, change: func(r *http.Request) {
			r.URL.RawQuery = "user_id=usr_123&account_id=acct_123&x=" + strings.Repeat("x", 16<<10)
		}, code: "malformed_ids"},
		{name: "too old, and a query that is too long", config: stripeapps.VerifierConfig{Source: stripeapps.IDsInQuery}, change: func(r *http.Request) {
			r.Header.Set("Stripe-Signature", old)
			r.URL.RawQuery = "user_id=usr_123&account_id=acct_123&x=" + strings.Repeat("x", 16<<10)
		}, code: "too_old", causes: []string{"too_old"}},
		{name: "ids in a query that is just not too long, swapped", config: stripeapps.VerifierConfig{Source: stripeapps.IDsInQuery}, change: func(r *http.Request) {
			r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
			query := "user_id=acct_123&account_id=usr_123&x="
			r.URL.RawQuery = query + strings.Repeat("x", 16<<10-len(query))
		}, code: "no_match", causes: []string{"ids_swapped"}},
		{name: "no user is allowed, and too old", config: stripeapps.VerifierConfig{InsecureAllowMissingUser: true}, body: `{"a":1,"account_id":"acct_123"}`, change: func(r *http.Request) {
			r.Header.Set("Stripe-Signature", sign(`{"a":1,"account_id":"acct_123"}`, testSecret, testNow.Add(-time.Hour)))
		}, code: "too_old", causes: []string{"too_old"}},
		{name: "a tolerance of its own", config: stripeapps.VerifierConfig{Tolerance: time.Second}, body: plain, change: func(r *http.Request) {
			r.Header.Set("Stripe-Signature", sign(plain, testSecret, testNow.Add(-2*time.Second)))
		}, code: "too_old", causes: []string{"too_old"}, text: "over the tolerance of 1s"},
		{name: "labeled secrets", config: stripeapps.VerifierConfig{LabeledSecrets: []stripeapps.LabeledSecret{{Label: "next", Secret: "absec_next"}, {Label: "this", Secret: testSecret}}}, body: string(indent(plain, "", " ")), change: func(r *http.Request) {
			r.Header.Set("Stripe-Signature", sign(plain, testSecret, testNow))
		}, code: "no_match", causes: []string{"pretty_printed"}},
		{name: "another code is not explained", config: stripeapps.VerifierConfig{MaxBodyBytes: 10}, body: plain, change: func(*http.Request) {}, code: "body_too_large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := func() *http.Request {
				r := signedRequest(test.body)
				test.change(r)
				return r
			}
			var logged bytes.Buffer
			config := test.config
			config.Now = fixedNow
			if config.LabeledSecrets == nil {
				config.Secrets = []string{testSecret}
			}
			off, withIt := httptest.NewRecorder(), httptest.NewRecorder()
			newVerifier(t, config).Handler(http.NotFoundHandler()).ServeHTTP(off, request())

			logger := slog.New(slog.NewJSONHandler(&logged, nil))
			logRefusal, explainIt := stripeapps.LogRefusals(logger), explain.Refusals(logger)
			config.Observe = func(v stripeapps.Verdict) { explainIt(v); logRefusal(v) }
			newVerifier(t, config).Handler(http.NotFoundHandler()).ServeHTTP(withIt, request())
			assert.Equal(t, off, withIt, "it is never a part of the response")
			var code string
			var causes, texts []string
			for line := range strings.Lines(logged.String()) {
				var entry struct{ Level, Msg, Code, Cause, Text string }
				require.NoError(t, json.Unmarshal([]byte(line), &entry))
				assert.Equal(t, "INFO", entry.Level)
				switch entry.Msg {
				case "stripeapps: explained":
					causes, texts = append(causes, entry.Cause), append(texts, entry.Text)
					assertOneSentence(t, entry.Text)
				case "stripeapps: request refused":
					code = entry.Code
				default:
					t.Error(entry.Msg)
				}
			}
			assert.Equal(t, test.code, code)
			assert.Equal(t, test.causes, causes)
			if test.text != "" {
				assert.Contains(t, texts[0], test.text)
			}
		})
	}
}

func TestTheMemberThatDecodePayloadDoesNotKnowIsInTheLog(t *testing.T) {
	type refund struct {
		Amount int `json:"amount"`
		Lines  []struct{}
	}
	const uuid = "6f1c9f3e-0d55-4c0e-8e57-4c6a1f1b1a11"
	for _, test := range []struct{ name, members, want string }{
		{"a name of a developer", `"amount":1,"amuont":2`, `"amuont"`},
		{"in a nested object", `"Lines":[{"quantity":2}]`, `"quantity"`},
		{"a name that can be a token", `"` + uuid + `":1`, "a member whose name has 36 characters"},
		{"a name with what must be quoted", `"a\nb":1`, "a member whose name has 3 characters"},
		{"a value of another type, which the refusal names", `"amount":"1"`, ""},
		{"none", `"amount":1`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var logged bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}}))
			verifier := newVerifier(t, stripeapps.VerifierConfig{Secrets: []string{testSecret}, Now: fixedNow, Observe: explain.Refusals(logger)})
			handler := verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, err := stripeapps.DecodePayload[refund](r.Context()); err != nil {
					stripeapps.Refuse(w, r, err)
				}
			}))
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, signedRequest("{"+test.members+`,"user_id":"usr_123","account_id":"acct_123"}`))
			if test.want == "" {
				assert.Empty(t, logged.String())
				return
			}
			text := "the signed payload, or an object in it, has " + test.want + ", for which the type given to DecodePayload has no field: add one, or do not sign it"
			assertOneSentence(t, text)
			assert.Equal(t, "level=INFO msg=\"stripeapps: explained\" code=unexpected_payload cause=unknown_member text="+strconv.Quote(text)+"\n", logged.String())
			assert.NotContains(t, w.Body.String(), test.want)
		})
	}
}

func TestRefusalsNeedsALogger(t *testing.T) {
	assert.PanicsWithValue(t, "explain: Refusals needs a logger", func() { explain.Refusals(nil) })
}

func TestExplainNeverSaysOfARefusedRequestThatNothingIsWrong(t *testing.T) {
	start := time.Unix(1700000000, 0)
	for name, test := range map[string]struct {
		config  stripeapps.VerifierConfig
		request []stripeappstest.Option
		payload any
		empty   bool // a Stripe-User-Id without a value
	}{
		"the clock goes on while it is explained": {payload: `{"a":1}`, request: []stripeappstest.Option{stripeappstest.At(start.Add(303 * time.Second))}},
		"an id is sent, and empty": {
			config:  stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders, InsecureAllowMissingUser: true},
			request: []stripeappstest.Option{stripeappstest.At(start), stripeappstest.WithUser(""), stripeappstest.IDsInHeaders()}, empty: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			seconds := 0
			config := test.config
			config.Secrets = []string{stripeappstest.DefaultSecret}
			config.Now = func() time.Time { seconds++; return start.Add(time.Duration(seconds) * time.Second) }
			config.Observe = explain.Refusals(slog.New(slog.NewTextHandler(&log, nil)))
			v, err := stripeapps.NewVerifier(config)
			require.NoError(t, err)
			method := "POST"
			if test.payload == nil {
				method = "GET"
			}
			r := stripeappstest.NewRequest(method, "/", test.payload, test.request...)
			if test.empty {
				r.Header.Set("Stripe-User-Id", "")
			}
			_, err = v.Verify(r)
			require.Error(t, err)
			assert.NotContains(t, log.String(), "nothing_wrong")
		})
	}
}

// What is refused later has been accepted, and what fits by now needs no change.
func TestRefusalsHasNothingToSayOfARequestThatWasAcceptedOrWouldBe(t *testing.T) {
	for name, test := range map[string]struct {
		secret string // at first
		next   string
	}{
		"refused later, with other secrets in force":         {testSecret, "absec_next"},
		"accepted with the secrets that are in force by now": {"absec_old", testSecret},
	} {
		t.Run(name, func(t *testing.T) {
			var logged bytes.Buffer
			explainIt := explain.Refusals(slog.New(slog.NewTextHandler(&logged, nil)))
			var v *stripeapps.Verifier
			told, times := 0, 0
			v = newVerifier(t, stripeapps.VerifierConfig{
				Secrets: []string{test.secret},
				Now: func() time.Time {
					if times++; times == 4 { // the request has been verified
						assert.NoError(t, v.SetSecrets(test.next))
					}
					return testNow
				},
				Observe: func(verdict stripeapps.Verdict) { told++; explainIt(verdict) },
			})
			v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				stripeapps.Refuse(w, r, stripeapps.ErrNoMatch)
			})).ServeHTTP(httptest.NewRecorder(), signedRequest(plain))
			assert.NotZero(t, told)
			assert.Empty(t, logged.String())
		})
	}
}

func TestRefusalsTriesTheSecretsThatAreInForce(t *testing.T) {
	var logged bytes.Buffer
	cfg := stripeapps.VerifierConfig{Secrets: []string{"absec_old"}, Observe: explain.Refusals(slog.New(slog.NewTextHandler(&logged, nil)))}
	v := newVerifier(t, cfg)
	require.NoError(t, v.SetSecrets(testSecret))
	r := signedRequest(plain + "\n")
	r.Header.Set("Stripe-Signature", sign(plain, testSecret, testNow))
	_, err := v.Verify(r)
	require.Error(t, err)
	assert.Contains(t, logged.String(), "cause=trailing_space")
	assert.NotContains(t, logged.String(), "cause=unknown")
}

// One function serves several Verifiers, whatever their Source.
func TestRefusalsServesSeveralVerifiers(t *testing.T) {
	var logged bytes.Buffer
	cfg := stripeapps.VerifierConfig{Observe: explain.Refusals(slog.New(slog.NewTextHandler(&logged, nil)))}
	newVerifier(t, cfg)
	cfg.Source = stripeapps.IDsInHeaders
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header = http.Header{"Stripe-Signature": {sign(onlyIDs, testSecret, testNow)}, "Stripe-User-Id": {"acct_123"}, "Stripe-Account-Id": {"usr_123"}}
	_, err := newVerifier(t, cfg).Verify(r)
	require.Error(t, err)
	assert.Contains(t, logged.String(), "cause=ids_swapped")

	// Made by hand: there is nothing to explain.
	logged.Reset()
	cfg.Observe(stripeapps.Verdict{Err: stripeapps.ErrNoMatch})
	cfg.Observe(stripeapps.Verdict{Err: errors.New("another"), Request: r})
	assert.Empty(t, logged.String())
}
