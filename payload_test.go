package stripeapps_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

func wholeBody(_ *http.Request, body []byte) ([]byte, error) { return body, nil }

func TestTheBodyIsHandedOnUnchanged(t *testing.T) {
	big := string(payloadOf(300 << 10))
	for _, test := range []struct {
		name          string
		payload       string
		contentLength int64
	}{
		{"a known length", plain, int64(len(plain))},
		{"an unknown length, as with chunked encoding", plain, -1},
		{"a request made by hand, without a length", plain, 0},
		{"a known length of 300 KiB", big, int64(len(big))},
		{"a known length of 256 KiB, twice the first buffer", big[:0] + string(payloadOf(256<<10)), 256 << 10},
		{"an unknown length of 300 KiB", big, -1},
	} {
		for reader, wrap := range map[string]func(io.Reader) io.Reader{
			"in one piece":                  func(r io.Reader) io.Reader { return r },
			"byte by byte":                  iotest.OneByteReader,
			"with its end in the last read": iotest.DataErrReader,
		} {
			t.Run(test.name+", "+reader, func(t *testing.T) {
				r := signedRequest(test.payload)
				closed := &closeSpy{Reader: wrap(strings.NewReader(test.payload))}
				r.Body = closed
				r.ContentLength = test.contentLength
				before := *r

				verified, err := newVerifier(t, stripeapps.VerifierConfig{}).Verify(r)
				require.NoError(t, err)
				assert.Equal(t, before, *r, "the caller's request is not modified")
				assert.Equal(t, test.contentLength, verified.ContentLength)
				body, err := io.ReadAll(verified.Body)
				require.NoError(t, err)
				assert.Equal(t, test.payload, string(body))
				require.NoError(t, verified.Body.Close())
				assert.True(t, closed.closed)
			})
		}
	}
}

type closeSpy struct {
	io.Reader
	closed bool
}

func (c *closeSpy) Close() error { c.closed = true; return nil }

func TestABodyThatCannotBeReadWholeIsRefused(t *testing.T) {
	failure := errors.New("connection reset by 192.0.2.1")
	big := string(payloadOf(300 << 10))
	for _, test := range []struct {
		name          string
		body          io.ReadCloser
		contentLength int64
		want          error
		cause         error
	}{
		{"shorter than its Content-Length", io.NopCloser(strings.NewReader(plain)), int64(len(plain)) + 1, stripeapps.ErrBodyUnreadable, nil},
		{"longer than its Content-Length", io.NopCloser(strings.NewReader(plain)), int64(len(plain)) - 1, stripeapps.ErrBodyUnreadable, nil},
		{"empty, with a Content-Length", io.NopCloser(strings.NewReader("")), 5, stripeapps.ErrBodyUnreadable, nil},
		{"absent, with a Content-Length", nil, 5, stripeapps.ErrBodyUnreadable, nil},
		{"NoBody, with a Content-Length", http.NoBody, 5, stripeapps.ErrBodyUnreadable, nil},
		{"absent, with a Content-Length of one byte", nil, 1, stripeapps.ErrBodyUnreadable, nil},
		{"absent, with a Content-Length over the limit", nil, 1<<20 + 1, stripeapps.ErrBodyTooLarge, nil},
		{"fails at once", io.NopCloser(iotest.ErrReader(failure)), 5, stripeapps.ErrBodyUnreadable, failure},
		{"fails at once, of unknown length", io.NopCloser(iotest.ErrReader(failure)), -1, stripeapps.ErrBodyUnreadable, failure},
		{"fails with its last bytes", io.NopCloser(readerFunc(func(p []byte) (int, error) { return copy(p, plain), failure })), int64(len(plain)), stripeapps.ErrBodyUnreadable, failure},
		{"fails with its last bytes, of unknown length", io.NopCloser(readerFunc(func(p []byte) (int, error) { return copy(p, plain), failure })), -1, stripeapps.ErrBodyUnreadable, failure},
		{"gives nothing for ever", io.NopCloser(readerFunc(func(p []byte) (int, error) { return 0, nil })), 5, stripeapps.ErrBodyUnreadable, io.ErrNoProgress},
		{"gives nothing for ever, of unknown length", io.NopCloser(readerFunc(func(p []byte) (int, error) { return 0, nil })), -1, stripeapps.ErrBodyUnreadable, io.ErrNoProgress},
		{"claims to have read more than asked", io.NopCloser(readerFunc(func(p []byte) (int, error) { return len(p) + 1, nil })), -1, stripeapps.ErrBodyUnreadable, nil},
		{"claims to have read less than nothing", io.NopCloser(readerFunc(func(p []byte) (int, error) { return -1, nil })), -1, stripeapps.ErrBodyUnreadable, nil},
		{"fails where it should end", io.NopCloser(io.MultiReader(strings.NewReader(plain), iotest.ErrReader(failure))), int64(len(plain)), stripeapps.ErrBodyUnreadable, failure},
		{"fails after 200 KiB", io.NopCloser(io.MultiReader(strings.NewReader(big[:200<<10]), iotest.ErrReader(failure))), int64(len(big)), stripeapps.ErrBodyUnreadable, failure},
		{"times out", io.NopCloser(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(plain)))), int64(len(plain)), stripeapps.ErrBodyUnreadable, iotest.ErrTimeout},
		{"one byte over the limit", io.NopCloser(strings.NewReader(strings.Repeat("x", 1<<20+1))), 1<<20 + 1, stripeapps.ErrBodyTooLarge, nil},
		{"one byte over the limit, of unknown length", io.NopCloser(strings.NewReader(strings.Repeat("x", 1<<20+1))), -1, stripeapps.ErrBodyTooLarge, nil},
		{"endless", io.NopCloser(endless{}), -1, stripeapps.ErrBodyTooLarge, nil},
		{"over a limit that stands in front", http.MaxBytesReader(nil, io.NopCloser(endless{}), 10), -1, stripeapps.ErrBodyTooLarge, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := signedRequest(plain)
			r.Body, r.ContentLength = test.body, test.contentLength
			verified, err := newVerifier(t, stripeapps.VerifierConfig{}).Verify(r)
			assert.Nil(t, verified)
			assert.ErrorIs(t, err, test.want)
			if test.cause != nil {
				assert.ErrorIs(t, err, test.cause)
				assert.NotContains(t, err.Error(), test.cause.Error())
			}
			assert.NotContains(t, err.Error(), "within the time", "none of them is slow")
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestABodyOverTheLimitIsNotReadAtAll(t *testing.T) {
	r := signedRequest(plain)
	r.Body = io.NopCloser(iotest.ErrReader(errors.New("read")))
	r.ContentLength = int64(len(plain))
	_, err := newVerifier(t, stripeapps.VerifierConfig{MaxBodyBytes: int64(len(plain)) - 1}).Verify(r)
	assert.ErrorIs(t, err, stripeapps.ErrBodyTooLarge)
}

func TestABodyOfAMebibyteIsAcceptedByDefault(t *testing.T) {
	largest := string(payloadOf(1 << 20))
	for _, contentLength := range []int64{-1, 1 << 20} {
		r := signedRequest(largest)
		r.ContentLength = contentLength
		_, err := newVerifier(t, stripeapps.VerifierConfig{}).Verify(r)
		assert.NoError(t, err)
	}
}

func TestABodyOfExactlyTheLimitIsAccepted(t *testing.T) {
	for _, contentLength := range []int64{-1, int64(len(plain))} {
		r := signedRequest(plain)
		r.ContentLength = contentLength
		_, err := newVerifier(t, stripeapps.VerifierConfig{MaxBodyBytes: int64(len(plain))}).Verify(r)
		assert.NoError(t, err)
	}
}

// A Content-Length costs the client nothing: it may not claim memory by itself.
func TestAContentLengthAloneClaimsLittleMemory(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{MaxBodyBytes: 1 << 30})
	for _, sent := range []int{59, 128 << 10, 300 << 10} {
		content := payloadOf(sent)
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(content))
		r.Header.Set("Stripe-Signature", "t=1700000000,v1="+strings.Repeat("0", 64))
		r.ContentLength = 1 << 30
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := v.Verify(r)
		runtime.ReadMemStats(&after)
		assert.ErrorIs(t, err, stripeapps.ErrBodyUnreadable)
		allocated := after.TotalAlloc - before.TotalAlloc
		assert.Less(t, allocated, uint64(4*sent+(16<<10)), "%d bytes sent", sent)
	}
}

func TestCheapChecksComeBeforeTheBody(t *testing.T) {
	for name, header := range map[string]string{
		"not signed": "",
		"malformed":  "t=1",
		"too old":    sign(plain, testSecret, testNow.Add(-1e12)),
		"too new":    sign(plain, testSecret, testNow.Add(1e12)),
		"without v1": "t=1700000000",
	} {
		t.Run(name, func(t *testing.T) {
			r := signedRequest(plain)
			r.Header.Set("Stripe-Signature", header)
			r.Body = io.NopCloser(readerFunc(func([]byte) (int, error) {
				t.Error("the body was read")
				return 0, io.EOF
			}))
			_, err := newVerifier(t, stripeapps.VerifierConfig{}).Verify(r)
			assert.Error(t, err)
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestIDsInHeadersAndQuery(t *testing.T) {
	type values = map[string][]string
	for _, test := range []struct {
		name        string
		ids         values // by query parameter
		signed      string
		allowNoUser bool
		want        error
	}{
		{"both ids", values{"user_id": {"usr_123"}, "account_id": {"acct_123"}}, onlyIDs, false, nil},
		{"both ids, other parameters beside them", values{"user_id": {"usr_123"}, "account_id": {"acct_123"}, "page": {"2", "3"}}, onlyIDs, false, nil},
		{"another user than the signed one", values{"user_id": {"usr_evil"}, "account_id": {"acct_123"}}, onlyIDs, false, stripeapps.ErrNoMatch},
		{"another account than the signed one", values{"user_id": {"usr_123"}, "account_id": {"acct_evil"}}, onlyIDs, false, stripeapps.ErrNoMatch},
		{"no user id", values{"account_id": {"acct_123"}}, onlyIDs, false, stripeapps.ErrMalformedIDs},
		{"no account id", values{"user_id": {"usr_123"}}, onlyIDs, false, stripeapps.ErrMalformedIDs},
		{"an empty user id", values{"user_id": {""}, "account_id": {"acct_123"}}, onlyIDs, false, stripeapps.ErrMalformedIDs},
		{"the user id twice", values{"user_id": {"usr_123", "usr_123"}, "account_id": {"acct_123"}}, onlyIDs, false, stripeapps.ErrMalformedIDs},
		{"the account id twice", values{"user_id": {"usr_123"}, "account_id": {"acct_123", "acct_evil"}}, onlyIDs, false, stripeapps.ErrMalformedIDs},
		{"JSON in the user id", values{"user_id": {`usr_1","account_id":"acct_123","x":"`}, "account_id": {"acct_123"}},
			`{"user_id":"usr_1","account_id":"acct_123","x":"","account_id":"acct_123"}`, false, stripeapps.ErrMalformedIDs},
		{"a hyphen in the account id", values{"user_id": {"usr_123"}, "account_id": {"acct-123"}}, onlyIDs, false, stripeapps.ErrMalformedIDs},
		{"an id of 255 characters", values{"user_id": {strings.Repeat("u", 255)}, "account_id": {"acct_123"}},
			`{"user_id":"` + strings.Repeat("u", 255) + `","account_id":"acct_123"}`, false, nil},
		{"an id of 256 characters", values{"user_id": {strings.Repeat("u", 256)}, "account_id": {"acct_123"}},
			`{"user_id":"` + strings.Repeat("u", 256) + `","account_id":"acct_123"}`, false, stripeapps.ErrMalformedIDs},
		{"no user id, where that is allowed", values{"account_id": {"acct_123"}}, onlyAccount, true, nil},
		{"both ids, where a missing user is allowed", values{"user_id": {"usr_123"}, "account_id": {"acct_123"}}, onlyIDs, true, nil},
		{"the user id left out of what was signed", values{"account_id": {"acct_123"}}, onlyIDs, true, stripeapps.ErrNoMatch},
		{"an empty user id, where a missing one is allowed", values{"user_id": {""}, "account_id": {"acct_123"}}, onlyAccount, true, stripeapps.ErrMalformedIDs},
	} {
		verify := func(t *testing.T, source stripeapps.Source, r *http.Request) {
			r.Header.Set("Stripe-Signature", sign(test.signed, testSecret, testNow))
			v := newVerifier(t, stripeapps.VerifierConfig{Source: source, InsecureAllowMissingUser: test.allowNoUser})
			verified, err := v.Verify(r)
			if test.want != nil {
				assert.ErrorIs(t, err, test.want)
				assert.Nil(t, verified)
				return
			}
			require.NoError(t, err)
			id, ok := stripeapps.IdentityFrom(verified.Context())
			assert.True(t, ok)
			assert.Equal(t, strings.Join(test.ids["user_id"], ""), id.UserID)
			assert.Equal(t, "acct_123", id.AccountID)
			assert.Equal(t, testNow, id.SignedAt)
			assert.Equal(t, test.signed, string(stripeapps.SignedPayload(verified.Context())))
		}
		t.Run(test.name+", in headers", func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/api/whoami", nil)
			for _, id := range test.ids["user_id"] {
				r.Header.Add("stripe-user-id", id)
			}
			for _, id := range test.ids["account_id"] {
				r.Header.Add("stripe-account-id", id)
			}
			verify(t, stripeapps.IDsInHeaders, r)
		})
		t.Run(test.name+", in the query", func(t *testing.T) {
			verify(t, stripeapps.IDsInQuery, httptest.NewRequest(http.MethodGet, "/api/whoami?"+url.Values(test.ids).Encode(), nil))
		})
	}
}

func TestAQueryThatCannotBeReadOneWayOnlyIsRefused(t *testing.T) {
	for name, query := range map[string]string{
		"the parameter's name encoded a second time": "user_id=usr_123&account_id=acct_123&user%5Fid=usr_evil",
		"a semicolon":                     "user_id=usr_123;account_id=acct_123",
		"a semicolon behind both":         "user_id=usr_123&account_id=acct_123&a;b",
		"an escape that is cut off":       "user_id=usr_123&account_id=acct_123&x=%",
		"longer than 16 KiB":              "user_id=usr_123&account_id=acct_123&x=" + strings.Repeat("x", 16<<10),
		"one byte longer than 16 KiB":     "user_id=usr_123&account_id=acct_123&x=" + strings.Repeat("x", 16<<10-37),
		"a name that differs by its case": "User_Id=usr_123&account_id=acct_123",
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/api/whoami", nil)
			r.URL.RawQuery = query
			r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
			_, err := newVerifier(t, stripeapps.VerifierConfig{Source: stripeapps.IDsInQuery}).Verify(r)
			assert.ErrorIs(t, err, stripeapps.ErrMalformedIDs)
			if strings.Contains(name, "longer than 16 KiB") {
				assert.ErrorContains(t, err, "the URL's query is longer than 16384 bytes")
			}
			if strings.ContainsAny(query, ";") || strings.HasSuffix(query, "%") {
				assert.ErrorContains(t, err, "write a % as %25 and a ; as %3B")
			}
		})
	}
}

func TestIDsInTheQueryMayBePercentEncoded(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/?user%5Fid=usr%5F123&account_id=acct_123", nil)
	r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
	_, err := newVerifier(t, stripeapps.VerifierConfig{Source: stripeapps.IDsInQuery}).Verify(r)
	assert.NoError(t, err)
}

func TestUnderIDsInHeadersTheBodyIsNotTouched(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/upload", endless{})
	r.Header.Set("Stripe-User-Id", "usr_123")
	r.Header.Set("Stripe-Account-Id", "acct_123")
	r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
	verified, err := newVerifier(t, stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}).Verify(r)
	require.NoError(t, err)
	assert.True(t, r.Body == verified.Body)
}

func TestAnOwnSourceFindsThePayload(t *testing.T) {
	own := stripeapps.NewError("no_stripe_user", http.StatusBadRequest, "send the signed JSON in the header Stripe-User")
	fromHeader := func(r *http.Request, body []byte) ([]byte, error) {
		switch value := r.Header.Get("Stripe-User"); value {
		case "":
			return nil, own
		case "broken":
			return nil, errors.New("broken by usr_evil")
		default:
			return []byte(value), nil
		}
	}
	v := newVerifier(t, stripeapps.VerifierConfig{Source: stripeapps.NewSource(fromHeader)})
	request := func(value string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("unsigned"))
		r.Header.Set("Stripe-User", value)
		r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
		return r
	}

	verified, err := v.Verify(request(onlyIDs))
	require.NoError(t, err)
	assert.Equal(t, onlyIDs, string(stripeapps.SignedPayload(verified.Context())))
	body, err := io.ReadAll(verified.Body)
	require.NoError(t, err)
	assert.Equal(t, "unsigned", string(body))

	_, err = v.Verify(request(""))
	assert.Same(t, own, err)
	_, err = v.Verify(request("broken"))
	assert.ErrorIs(t, err, stripeapps.ErrNoPayload)
	assert.NotContains(t, err.Error(), "usr_evil")
	_, err = v.Verify(request(plain))
	assert.ErrorIs(t, err, stripeapps.ErrNoMatch)
}

func TestABodyOfOneByteCanBeReadAgain(t *testing.T) {
	source := stripeapps.NewSource(func(*http.Request, []byte) ([]byte, error) { return []byte(onlyIDs), nil })
	for _, body := range []string{"", "x"} {
		r := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(strings.NewReader(body)))
		r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
		verified, err := newVerifier(t, stripeapps.VerifierConfig{Source: source}).Verify(r)
		require.NoError(t, err)
		again, err := io.ReadAll(verified.Body)
		require.NoError(t, err)
		assert.Equal(t, body, string(again))
	}
}

func TestSourcesCanBeCompared(t *testing.T) {
	assert.Equal(t, stripeapps.SignedBody, *new(stripeapps.Source))
	own := stripeapps.NewSource(wholeBody)
	for _, other := range []stripeapps.Source{stripeapps.SignedBody, stripeapps.IDsInHeaders, stripeapps.IDsInQuery, stripeapps.NewSource(wholeBody)} {
		assert.False(t, own == other)
	}
	assert.True(t, stripeapps.IDsInHeaders != stripeapps.IDsInQuery)
	assert.Panics(t, func() { stripeapps.NewSource(nil) })
}

func TestAnOwnSourceGetsABoundedBody(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{MaxBodyBytes: 10, Source: stripeapps.NewSource(func(*http.Request, []byte) ([]byte, error) {
		t.Error("called with a body over the limit")
		return nil, nil
	})})
	_, err := v.Verify(signedRequest(plain))
	assert.ErrorIs(t, err, stripeapps.ErrBodyTooLarge)
}

func TestAMissingUserIsAcceptedOnlyWhereThatIsAllowed(t *testing.T) {
	for _, test := range []struct {
		name    string
		payload string
		strict  error
		loose   error
	}{
		{"the account alone", onlyAccount, stripeapps.ErrNoIdentity, nil},
		{"a payload and the account", `{"amount":1,"account_id":"acct_123"}`, stripeapps.ErrNoIdentity, nil},
		{"both ids", onlyIDs, nil, nil},
		{"a user that does not stand in its place", `{"user_id":"usr_evil","amount":1,"account_id":"acct_123"}`, stripeapps.ErrNoIdentity, stripeapps.ErrNoIdentity},
		{"a user in capitals", `{"USER_ID":"usr_evil","account_id":"acct_123"}`, stripeapps.ErrNoIdentity, stripeapps.ErrNoIdentity},
		{"a user with an escape", `{"user\u005fid":"usr_evil","account_id":"acct_123"}`, stripeapps.ErrNoIdentity, stripeapps.ErrNoIdentity},
		{"a user of null", `{"user_id":null,"account_id":"acct_123"}`, stripeapps.ErrNoIdentity, stripeapps.ErrNoIdentity},
		{"an empty user", `{"user_id":"","account_id":"acct_123"}`, stripeapps.ErrNoIdentity, stripeapps.ErrNoIdentity},
		{"an install link", `{"state":"xyz","account_id":"acct_123"}`, stripeapps.ErrNoIdentity, stripeapps.ErrInstallSignature},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := newVerifier(t, stripeapps.VerifierConfig{}).Verify(signedRequest(test.payload))
			assert.ErrorIs(t, err, test.strict)
			verified, err := newVerifier(t, stripeapps.VerifierConfig{InsecureAllowMissingUser: true}).Verify(signedRequest(test.payload))
			assert.ErrorIs(t, err, test.loose)
			if test.loose == nil && test.strict != nil {
				id, _ := stripeapps.IdentityFrom(verified.Context())
				assert.Equal(t, stripeapps.Identity{AccountID: "acct_123", Signature: stripeapps.Signature{SignedAt: testNow, ExpiresAt: testNow.Add(5 * time.Minute)}}, id)
			}
		})
	}
}

func TestInvalidUTF8IsRefused(t *testing.T) {
	_, err := newVerifier(t, stripeapps.VerifierConfig{}).Verify(signedRequest("{\"a\":\"\xff\",\"user_id\":\"usr_123\",\"account_id\":\"acct_123\"}"))
	assert.ErrorIs(t, err, stripeapps.ErrNoIdentity)
}

func TestTheRequestsContextIsKept(t *testing.T) {
	type key struct{}
	r := signedRequest(plain)
	r = r.WithContext(context.WithValue(r.Context(), key{}, "kept"))
	verified, err := newVerifier(t, stripeapps.VerifierConfig{}).Verify(r)
	require.NoError(t, err)
	assert.Equal(t, "kept", verified.Context().Value(key{}))
	_, ok := stripeapps.IdentityFrom(r.Context())
	assert.False(t, ok, "the original's context has no identity")
}

func TestThePayloadCannotBeGrownIntoTheBody(t *testing.T) {
	r := signedRequest(plain)
	r.ContentLength = -1 // read into a buffer with room to spare
	verified, err := newVerifier(t, stripeapps.VerifierConfig{}).Verify(r)
	require.NoError(t, err)
	payload := stripeapps.SignedPayload(verified.Context())
	assert.Equal(t, len(payload), cap(payload))
	assert.True(t, bytes.Equal(payload, []byte(plain)))
}

func TestAQueryOfExactlyTheLimitIsRead(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL.RawQuery = "user_id=usr_123&account_id=acct_123&x="
	r.URL.RawQuery += strings.Repeat("x", 16<<10-len(r.URL.RawQuery))
	r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
	_, err := newVerifier(t, stripeapps.VerifierConfig{Source: stripeapps.IDsInQuery}).Verify(r)
	assert.NoError(t, err)
}
