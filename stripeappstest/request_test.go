package stripeappstest_test

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

var (
	testNow = time.Unix(1700000000, 0)
	at      = stripeappstest.At(testNow)
)

type options = []stripeappstest.Option

// The verifier says what a request is.
func TestEachOptionIsAnsweredWithItsCode(t *testing.T) {
	const ids = `"user_id":"usr_test","account_id":"acct_test"}`
	amount := map[string]any{"amount": 1250}
	headers := stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}
	query := stripeapps.VerifierConfig{Source: stripeapps.IDsInQuery}
	for _, test := range []struct {
		name    string
		config  stripeapps.VerifierConfig
		payload any
		options options
		want    string // "" for accepted
		signed  string
	}{
		{"a payload", stripeapps.VerifierConfig{}, amount, nil, "", `{"amount":1250,` + ids},
		{"no payload", stripeapps.VerifierConfig{}, nil, nil, "", `{` + ids},
		{"a user and an account", stripeapps.VerifierConfig{}, nil, options{stripeappstest.WithUser("usr_1"), stripeappstest.WithAccount("acct_1")}, "", `{"user_id":"usr_1","account_id":"acct_1"}`},
		{"a secret", stripeapps.VerifierConfig{Secrets: []string{"absec_1"}}, amount, options{stripeappstest.WithSecret("absec_1")}, "", `{"amount":1250,` + ids},
		{"a roll, and the backend knows the second", stripeapps.VerifierConfig{Secrets: []string{"absec_2"}}, nil, options{stripeappstest.WithSecret("absec_1", "absec_2")}, "", `{` + ids},
		{"a roll, and the backend knows the first", stripeapps.VerifierConfig{Secrets: []string{"absec_1"}}, nil, options{stripeappstest.WithSecret("absec_1", "absec_2")}, "", `{` + ids},
		{"ids in headers", headers, nil, options{stripeappstest.IDsInHeaders()}, "", `{` + ids},
		{"ids in headers, with a body that is not signed", headers, amount, options{stripeappstest.IDsInHeaders()}, "", `{` + ids},
		{"ids in the query", query, nil, options{stripeappstest.IDsInQuery()}, "", `{` + ids},
		{"no user", stripeapps.VerifierConfig{InsecureAllowMissingUser: true}, amount, options{stripeappstest.WithUser("")}, "", `{"amount":1250,"account_id":"acct_test"}`},
		{"no user in headers", stripeapps.VerifierConfig{InsecureAllowMissingUser: true, Source: stripeapps.IDsInHeaders}, nil, options{stripeappstest.WithUser(""), stripeappstest.IDsInHeaders()}, "", `{"account_id":"acct_test"}`},

		{"Tampered", stripeapps.VerifierConfig{}, amount, options{stripeappstest.Tampered()}, "no_match", ""},
		{"Tampered without a payload", stripeapps.VerifierConfig{}, nil, options{stripeappstest.Tampered()}, "no_match", ""},
		{"Tampered with ids in headers", headers, nil, options{stripeappstest.Tampered(), stripeappstest.IDsInHeaders()}, "no_match", ""},
		{"Tampered with ids in the query", query, nil, options{stripeappstest.Tampered(), stripeappstest.IDsInQuery()}, "no_match", ""},
		{"Tampered with an account that ends in 0", stripeapps.VerifierConfig{}, nil, options{stripeappstest.WithAccount("acct_0"), stripeappstest.Tampered()}, "no_match", ""},
		{"Tampered without an account", stripeapps.VerifierConfig{}, nil, options{stripeappstest.WithAccount(""), stripeappstest.Tampered()}, "no_match", ""},
		{"Expired", stripeapps.VerifierConfig{}, amount, options{stripeappstest.Expired()}, "too_old", ""},
		{"Expired beyond the largest tolerance", stripeapps.VerifierConfig{Tolerance: 24 * time.Hour}, amount, options{stripeappstest.Expired()}, "too_old", ""},
		{"FromTheFuture", stripeapps.VerifierConfig{}, amount, options{stripeappstest.FromTheFuture()}, "too_new", ""},
		{"FromTheFuture beyond the largest tolerance", stripeapps.VerifierConfig{Tolerance: 24 * time.Hour}, amount, options{stripeappstest.FromTheFuture()}, "too_new", ""},
		{"Unsigned", stripeapps.VerifierConfig{}, amount, options{stripeappstest.Unsigned()}, "not_signed", ""},
		{"WithOtherSecret", stripeapps.VerifierConfig{}, amount, options{stripeappstest.WithOtherSecret()}, "no_match", ""},
		{"OnlyIDsSigned", stripeapps.VerifierConfig{}, amount, options{stripeappstest.OnlyIDsSigned()}, "only_ids_signed", ""},
		{"OnlyIDsSigned over 64 KiB", stripeapps.VerifierConfig{}, map[string]string{"a": strings.Repeat("x", 65<<10)}, options{stripeappstest.OnlyIDsSigned()}, "no_match", ""},
		{"WithUser of nobody", stripeapps.VerifierConfig{}, amount, options{stripeappstest.WithUser("")}, "no_identity", ""},
		{"WithUser of nobody in headers", headers, nil, options{stripeappstest.WithUser(""), stripeappstest.IDsInHeaders()}, "malformed_ids", ""},
		{"WithAccount of none", stripeapps.VerifierConfig{}, amount, options{stripeappstest.WithAccount("")}, "no_identity", ""},
		{"WithAccount of none in the query", query, nil, options{stripeappstest.WithAccount(""), stripeappstest.IDsInQuery()}, "malformed_ids", ""},
		{"Expired and Tampered: the time is looked at first", stripeapps.VerifierConfig{}, amount, options{stripeappstest.Expired(), stripeappstest.Tampered()}, "too_old", ""},
		{"a state alone is an install link's", stripeapps.VerifierConfig{}, `{"state":"x"}`, nil, "install_signature", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.config.Secrets == nil {
				test.config.Secrets = []string{stripeappstest.DefaultSecret}
			}
			test.config.Now = func() time.Time { return testNow }
			verifier, err := stripeapps.NewVerifier(test.config)
			require.NoError(t, err)
			method := http.MethodPost
			if test.config.Source != stripeapps.SignedBody && test.payload == nil {
				method = http.MethodGet
			}
			accepted, err := verifier.Verify(stripeappstest.NewRequest(method, "/x?a=b", test.payload, append(options{at}, test.options...)...))
			if test.want != "" {
				var e *stripeapps.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, test.want, e.Code())
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.signed, string(stripeapps.SignedPayload(accepted.Context())))
			id, _ := stripeapps.IdentityFrom(accepted.Context())
			assert.Equal(t, testNow.UTC(), id.SignedAt)
		})
	}
}

func TestNewRequest(t *testing.T) {
	signature := func(text string) []string {
		return []string{stripejs.Header([]byte(text), testNow, stripeappstest.DefaultSecret)}
	}
	ids := `{"user_id":"usr_test","account_id":"acct_test"}`
	for _, test := range []struct {
		name, method, target string
		payload              any
		options              options
		url, body            string
		header               http.Header
	}{
		{"a body", "POST", "/x", `{"a":1}`, nil, "/x", `{"a":1,` + ids[1:],
			http.Header{"Origin": {"null"}, "Content-Type": {"application/json"}, "Stripe-Signature": signature(`{"a":1,` + ids[1:])}},
		{"ids in headers", "GET", "/x?a=b", nil, options{stripeappstest.IDsInHeaders()}, "/x?a=b", "",
			http.Header{"Origin": {"null"}, "Stripe-User-Id": {"usr_test"}, "Stripe-Account-Id": {"acct_test"}, "Stripe-Signature": signature(ids)}},
		{"ids in headers, with a body", "POST", "/x", `{ "b": 1.0 }`, options{stripeappstest.IDsInHeaders()}, "/x", `{"b":1}`,
			http.Header{"Origin": {"null"}, "Content-Type": {"application/json"}, "Stripe-User-Id": {"usr_test"}, "Stripe-Account-Id": {"acct_test"}, "Stripe-Signature": signature(ids)}},
		{"ids in the query", "", "/x", nil, options{stripeappstest.IDsInQuery()}, "/x?user_id=usr_test&account_id=acct_test", "",
			http.Header{"Origin": {"null"}, "Stripe-Signature": signature(ids)}},
		{"ids in a query that there is", "GET", "https://example.com/x?a=b", nil, options{stripeappstest.IDsInQuery(), stripeappstest.WithUser("a&b")}, "https://example.com/x?a=b&user_id=a%26b&account_id=acct_test", "",
			http.Header{"Origin": {"null"}, "Stripe-Signature": signature(`{"user_id":"a&b","account_id":"acct_test"}`)}},
		{"unsigned", "POST", "/x", nil, options{stripeappstest.Unsigned()}, "/x", ids, http.Header{"Origin": {"null"}, "Content-Type": {"application/json"}}},
		{"tampered", "POST", "/x", nil, options{stripeappstest.Tampered()}, "/x", `{"user_id":"usr_test","account_id":"acct_tes0"}`,
			http.Header{"Origin": {"null"}, "Content-Type": {"application/json"}, "Stripe-Signature": signature(ids)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := stripeappstest.NewRequest(test.method, test.target, test.payload, append(options{at}, test.options...)...)
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			assert.Equal(t, test.url, r.URL.String())
			assert.Equal(t, test.url, r.RequestURI)
			assert.Equal(t, test.body, string(body))
			assert.Equal(t, int64(len(test.body)), r.ContentLength)
			assert.Equal(t, test.header, r.Header)
			all := append(options{at}, test.options...)
			assert.Equal(t, test.body, string(stripeappstest.Body(test.payload, all...)))
			assert.Equal(t, test.header.Get("Stripe-Signature"), stripeappstest.Sign(test.payload, all...))
		})
	}
}

func TestPayloads(t *testing.T) {
	type refund struct {
		Amount int    `json:"amount"`
		Note   string `json:"note"`
	}
	const ids = `"user_id":"usr_test","account_id":"acct_test"}`
	for _, test := range []struct {
		name    string
		payload any
		want    string
	}{
		{"a struct, in the order of its fields", refund{1250, "<&>\u2028é"}, "{\"amount\":1250,\"note\":\"<&>\u2028é\"," + ids},
		{"a pointer", &refund{}, `{"amount":0,"note":"",` + ids},
		{"a map", map[string]any{"b": 1, "a": nil}, `{"a":null,"b":1,` + ids},
		{"an empty map", map[string]any{}, `{` + ids},
		{"text", ` { "b" : 1 , "a" : -0.0 } `, `{"b":1,"a":0,` + ids},
		{"bytes", []byte(`{"b":1}`), `{"b":1,` + ids},
		{"a json.RawMessage", json.RawMessage(`{"\ud83d":1,"1":2}`), `{"1":2,"\ud83d":1,` + ids},
		{"an id of its own keeps its place", `{"user_id":"x","a":1}`, `{"user_id":"usr_test","a":1,"account_id":"acct_test"}`},
		{"an integer that JavaScript has not", map[string]int64{"n": 1<<53 + 1}, `{"n":9007199254740992,` + ids},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, string(stripeappstest.Body(test.payload)))
			assert.Equal(t, stripejs.Header([]byte(test.want), testNow, stripeappstest.DefaultSecret), stripeappstest.Sign(test.payload, at))
		})
	}
}

func TestMisusePanics(t *testing.T) {
	for _, test := range []struct {
		name string
		f    func()
		want string
	}{
		{"an array", func() { stripeappstest.NewRequest("POST", "/x", []int{1}) }, "stripeappstest: the payload, of type []int, is not a JSON object in UTF-8, nested at most 256 levels deep"},
		{"text that is no JSON", func() { stripeappstest.Sign("{") }, "stripeappstest: the payload, of type string, is not a JSON object in UTF-8, nested at most 256 levels deep"},
		{"empty bytes", func() { stripeappstest.Body([]byte(nil)) }, "stripeappstest: the payload, of type []uint8, is not a JSON object in UTF-8, nested at most 256 levels deep"},
		{"a nil map", func() { stripeappstest.Body(map[string]int(nil)) }, "stripeappstest: the payload, of type map[string]int, is not a JSON object in UTF-8, nested at most 256 levels deep"},
		{"a channel", func() { stripeappstest.Body(make(chan int)) }, "stripeappstest: the payload cannot be written as JSON: json: unsupported type: chan int"},
		{"GET with a body", func() { stripeappstest.NewRequest("GET", "/x", nil) }, "stripeappstest: a browser sends no body with GET and HEAD: use IDsInHeaders or IDsInQuery, without a payload"},
		{"HEAD with a body", func() { stripeappstest.NewRequest("HEAD", "/x", "{}", stripeappstest.IDsInHeaders()) }, "stripeappstest: a browser sends no body with GET and HEAD: use IDsInHeaders or IDsInQuery, without a payload"},
		{"no method with a body", func() { stripeappstest.NewRequest("", "/x", nil) }, "stripeappstest: a browser sends no body with GET and HEAD: use IDsInHeaders or IDsInQuery, without a payload"},
		{"no secret", func() { stripeappstest.WithSecret() }, "stripeappstest: WithSecret needs a secret"},
		{"an empty secret", func() { stripeappstest.WithSecret("a", "") }, "stripeappstest: WithSecret was given an empty secret"},
		{"no time", func() { stripeappstest.At(time.Time{}) }, "stripeappstest: At was given a time before 1970"},
		{"Expired before 1970", func() { stripeappstest.Sign(nil, stripeappstest.At(time.Unix(0, 0)), stripeappstest.Expired()) }, "stripeappstest: Expired would be before 1970: give a later time to At"},
		{"OnlyIDsSigned without a payload", func() { stripeappstest.Sign(nil, stripeappstest.OnlyIDsSigned()) }, "stripeappstest: OnlyIDsSigned needs a payload, and the ids in the body: otherwise only the ids are signed anyway"},
		{"OnlyIDsSigned with ids in headers", func() { stripeappstest.Sign("{}", stripeappstest.OnlyIDsSigned(), stripeappstest.IDsInHeaders()) }, "stripeappstest: OnlyIDsSigned needs a payload, and the ids in the body: otherwise only the ids are signed anyway"},
		{"Tampered without ids", func() {
			stripeappstest.Body("{}", stripeappstest.Tampered(), stripeappstest.WithUser(""), stripeappstest.WithAccount(""))
		}, "stripeappstest: Tampered changes an id, and there is none"},
		{"an Option that is nil", func() { stripeappstest.Sign(nil, nil) }, "stripeappstest: an Option is nil"},
	} {
		t.Run(test.name, func(t *testing.T) { assert.PanicsWithValue(t, test.want, test.f) })
	}
}

func TestWhatIsGivenCanBeChangedLater(t *testing.T) {
	secrets := []string{"absec_1"}
	option := stripeappstest.WithSecret(secrets...)
	want := stripeappstest.Sign(nil, at, option)
	secrets[0] = "absec_2"
	assert.Equal(t, want, stripeappstest.Sign(nil, at, option))
}

func TestSignsNowUnlessToldOtherwise(t *testing.T) {
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{stripeappstest.DefaultSecret}})
	require.NoError(t, err)
	_, err = verifier.Verify(stripeappstest.NewRequest("POST", "/x", nil))
	assert.NoError(t, err)
}

func TestGoldenVectors(t *testing.T) {
	names := map[string]bool{}
	accepted, refused := 0, 0
	for vector := range stripeappstest.GoldenVectors() {
		assert.False(t, names[vector.Name], vector.Name)
		names[vector.Name] = true
		verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: vector.Secrets, Now: func() time.Time { return vector.Clock }})
		require.NoError(t, err)
		r := stripeappstest.NewRequest("POST", "/x", nil, stripeappstest.Unsigned())
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(vector.Payload))), int64(len(vector.Payload))
		if vector.Header != "" {
			r.Header.Set("Stripe-Signature", vector.Header)
		}
		verified, err := verifier.Verify(r)
		if !vector.Accepted {
			refused++
			var e *stripeapps.Error
			require.ErrorAs(t, err, &e, vector.Name)
			assert.Equal(t, vector.Code, e.Code(), vector.Name)
			assert.Empty(t, vector.UserID+vector.AccountID)
			continue
		}
		accepted++
		require.NoError(t, err, vector.Name)
		id, _ := stripeapps.IdentityFrom(verified.Context())
		assert.Equal(t, []string{id.UserID, id.AccountID}, []string{vector.UserID, vector.AccountID}, vector.Name)
		assert.Empty(t, vector.Code)
		assert.Equal(t, time.UTC, vector.Clock.Location())
	}
	assert.GreaterOrEqual(t, accepted, 40)
	assert.GreaterOrEqual(t, refused, 80)
}

func TestGoldenVectorsAreCopies(t *testing.T) {
	before := slices.Collect(stripeappstest.GoldenVectors())
	for vector := range stripeappstest.GoldenVectors() {
		for i := range vector.Payload {
			vector.Payload[i] = 'x'
		}
		vector.Secrets[0] = "x"
	}
	assert.Equal(t, before, slices.Collect(stripeappstest.GoldenVectors()))
	for vector := range stripeappstest.GoldenVectors() {
		assert.Equal(t, before[0], vector)
		break
	}
}

// The secret of this package is public.
func TestNothingButTestsImportsThisPackage(t *testing.T) {
	const this = "github.com/seed-8a2ffb75/stripeapps/stripeappstest"
	files, importers := 0, 0
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || len(entry.Name()) > 2 && entry.Name()[0] == '.') {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		files++
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			if name != this && !strings.HasPrefix(name, this+"/") {
				continue
			}
			importers++
			folder, _, _ := strings.Cut(strings.TrimPrefix(filepath.ToSlash(path), "../"), "/")
			// Programs for tests, that are a module of their own each, and what plays Stripe.
			ofTests := folder == "e2e" || folder == "loadtest" || folder == "benchmarks" ||
				strings.HasPrefix(filepath.ToSlash(path), "../examples/installed/standin/")
			assert.True(t, ofTests || strings.HasSuffix(path, "_test.go"), "%s imports stripeappstest, whose secret is public", path)
		}
		return nil
	}))
	assert.Greater(t, files, 30)
	assert.Positive(t, importers)
}
