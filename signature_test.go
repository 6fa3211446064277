package stripeapps_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps"
)

func TestEveryFlippedBitOfTheMACIsRefused(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{})
	mac := webhook.ComputeSignature(testNow, []byte(plain), testSecret)
	for bit := range 8 * len(mac) {
		mac[bit/8] ^= 1 << (bit % 8)
		_, err := v.VerifyPayload([]byte(plain), fmt.Sprintf("t=%d,v1=%s", testNow.Unix(), hex.EncodeToString(mac)))
		assert.ErrorIs(t, err, stripeapps.ErrNoMatch, "bit %d", bit)
		mac[bit/8] ^= 1 << (bit % 8)
	}
	_, err := v.VerifyPayload([]byte(plain), sign(plain, testSecret, testNow))
	assert.NoError(t, err, "the unflipped MAC")
}

func TestEveryTruncationIsRefused(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{})
	header := sign(plain, testSecret, testNow)
	for n := range len(header) {
		_, err := v.VerifyPayload([]byte(plain), header[:n])
		assert.Error(t, err, "the first %d bytes of the header", n)
		_, err = v.VerifyPayload([]byte(plain), header[len(header)-n:])
		assert.Error(t, err, "the last %d bytes of the header", n)
	}
	for n := range len(plain) {
		_, err := v.VerifyPayload([]byte(plain[:n]), header)
		assert.ErrorIs(t, err, stripeapps.ErrNoMatch, "the first %d bytes of the payload", n)
		_, err = v.VerifyPayload([]byte(plain[len(plain)-n:]), header)
		assert.ErrorIs(t, err, stripeapps.ErrNoMatch, "the last %d bytes of the payload", n)
	}
}

func TestToleranceIsSymmetricAndIncludesItsLimit(t *testing.T) {
	for _, test := range []struct {
		name      string
		tolerance time.Duration // 0: the default of 5 minutes
		age       time.Duration
		want      error
	}{
		{"signed now", 0, 0, nil},
		{"exactly five minutes old", 0, 5 * time.Minute, nil},
		{"a nanosecond more than five minutes old", 0, 5*time.Minute + 1, stripeapps.ErrTooOld},
		{"exactly five minutes in the future", 0, -5 * time.Minute, nil},
		{"a nanosecond more than five minutes in the future", 0, -5*time.Minute - 1, stripeapps.ErrTooNew},
		{"exactly as old as a tolerance of one second", time.Second, time.Second, nil},
		{"two seconds old under a tolerance of one", time.Second, 2 * time.Second, stripeapps.ErrTooOld},
		{"two seconds in the future under a tolerance of one", time.Second, -2 * time.Second, stripeapps.ErrTooNew},
		{"two hundred and fifty years old", 0, 250 * 365 * 24 * time.Hour, stripeapps.ErrTooOld},
		{"a day old under the largest tolerance", 24 * time.Hour, 24 * time.Hour, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := newVerifier(t, stripeapps.VerifierConfig{
				Tolerance: test.tolerance,
				Now:       func() time.Time { return testNow.Add(test.age) },
			})
			signature, err := v.VerifyPayload([]byte(plain), sign(plain, testSecret, testNow))
			if test.want != nil {
				assert.ErrorIs(t, err, test.want)
				assert.Zero(t, signature)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, stripeapps.Signature{SignedAt: testNow, ExpiresAt: testNow.Add(cmp.Or(test.tolerance, 5*time.Minute))}, signature)
		})
	}
}

// Like slack-go before v0.31, whose abs(MinInt64) let timestamps more than 292
// years ahead pass.
func TestTimesBeyondTheRangeOfADurationAreRefused(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{})
	for _, seconds := range []int64{testNow.Unix() + math.MaxInt64/int64(time.Second), 99999999999999, 999999999999999999} {
		_, err := v.VerifyPayload([]byte(plain), sign(plain, testSecret, time.Unix(seconds, 0)))
		assert.ErrorIs(t, err, stripeapps.ErrTooNew, "t=%d", seconds)
	}
	late := newVerifier(t, stripeapps.VerifierConfig{Now: func() time.Time { return time.Unix(1<<40, 0) }})
	_, err := late.VerifyPayload([]byte(plain), sign(plain, testSecret, testNow))
	assert.ErrorIs(t, err, stripeapps.ErrTooOld)
}

func TestEveryProblemOfAConfigurationIsReported(t *testing.T) {
	const secret = "absec_s3cr3t"
	for _, test := range []struct {
		name string
		cfg  stripeapps.VerifierConfig
		want []string
	}{
		{"no secrets", stripeapps.VerifierConfig{}, []string{"Secrets is empty"}},
		{"an empty secret", stripeapps.VerifierConfig{Secrets: []string{""}}, []string{"Secrets[0] is blank"}},
		{"a secret of white space", stripeapps.VerifierConfig{Secrets: []string{" \n"}}, []string{"Secrets[0] is blank"}},
		{"a line break behind a secret", stripeapps.VerifierConfig{Secrets: []string{secret + "\n"}}, []string{"Secrets[0] has white space"}},
		{"a webhook secret", stripeapps.VerifierConfig{Secrets: []string{"whsec_s3cr3t"}}, []string{"Secrets[0] looks like a webhook endpoint's signing secret (whsec_…)"}},
		{"a secret key", stripeapps.VerifierConfig{Secrets: []string{"sk_live_s3cr3t"}}, []string{"Secrets[0] looks like a secret API key (sk_…)"}},
		{"a restricted key", stripeapps.VerifierConfig{Secrets: []string{"rk_test_s3cr3t"}}, []string{"Secrets[0] looks like a restricted API key (rk_…)"}},
		{"a publishable key", stripeapps.VerifierConfig{Secrets: []string{"pk_test_s3cr3t"}}, []string{"Secrets[0] looks like a publishable API key (pk_…)"}},
		{"an OAuth client id", stripeapps.VerifierConfig{Secrets: []string{"ca_s3cr3t"}}, []string{"Secrets[0] looks like an OAuth client id (ca_…)"}},
		{"a secret of no known kind", stripeapps.VerifierConfig{Secrets: []string{"s3cr3t"}}, []string{"Secrets[0] does not begin with absec_"}},
		{"the prefix in upper case", stripeapps.VerifierConfig{Secrets: []string{"ABSEC_s3cr3t"}}, []string{"Secrets[0] does not begin with absec_"}},
		{"the prefix alone", stripeapps.VerifierConfig{Secrets: []string{"absec_"}}, []string{"Secrets[0] has nothing after absec_"}},
		{"quotes around a secret", stripeapps.VerifierConfig{Secrets: []string{`"absec_s3cr3t"`}}, []string{"Secrets[0] has a quote"}},
		{"a character that no secret has", stripeapps.VerifierConfig{Secrets: []string{"absec_s3cr3t…"}}, []string{"Secrets[0] has a character other than"}},
		{"a list in one entry", stripeapps.VerifierConfig{Secrets: []string{secret + "," + secret}}, []string{"Secrets[0] has a quote, a comma"}},
		{"the same secret twice", stripeapps.VerifierConfig{Secrets: []string{secret, "absec_other", secret}}, []string{"Secrets[2] equals Secrets[0]"}},
		{"seventeen secrets", stripeapps.VerifierConfig{Secrets: make([]string, 17)}, []string{"Secrets has 17 entries"}},
		{"a negative tolerance", stripeapps.VerifierConfig{Secrets: []string{secret}, Tolerance: -1}, []string{"Tolerance is -1ns"}},
		{"a tolerance of more than a day", stripeapps.VerifierConfig{Secrets: []string{secret}, Tolerance: 24*time.Hour + 1}, []string{"Tolerance is 24h0m0.000000001s"}},
		{"a negative body limit", stripeapps.VerifierConfig{Secrets: []string{secret}, MaxBodyBytes: -1}, []string{"MaxBodyBytes is -1"}},
		{"a body limit of more than 1 GiB", stripeapps.VerifierConfig{Secrets: []string{secret}, MaxBodyBytes: math.MaxInt64}, []string{"MaxBodyBytes is 9223372036854775807"}},
		{"a negative time for a body", stripeapps.VerifierConfig{Secrets: []string{secret}, BodyTimeout: -1}, []string{"BodyTimeout is -1ns: it must be 0 (meaning 30s) or from 1ns to 24h0m0s"}},
		{"a time of more than a day for a body", stripeapps.VerifierConfig{Secrets: []string{secret}, BodyTimeout: 24*time.Hour + 1}, []string{"BodyTimeout is 24h0m0.000000001s"}},
		{"a body limit of one byte more than 1 GiB", stripeapps.VerifierConfig{Secrets: []string{secret}, MaxBodyBytes: 1<<30 + 1}, []string{"MaxBodyBytes is 1073741825"}},
		{"everything at once", stripeapps.VerifierConfig{Secrets: []string{"whsec_s3cr3t", ""}, Tolerance: -1, MaxBodyBytes: -1},
			[]string{"Secrets[0] looks like", "Secrets[1] is blank", "Tolerance is", "MaxBodyBytes is"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v, err := stripeapps.NewVerifier(test.cfg)
			assert.Nil(t, v)
			require.Error(t, err)
			mistakes := strings.Split(err.Error(), "\n")
			require.Len(t, mistakes, len(test.want))
			text := err.Error()
			for _, want := range test.want {
				assert.Contains(t, text, "stripeapps: "+want)
			}
			assert.NotContains(t, text, "s3cr3t")
		})
	}
}

func TestAVerifierThatNewVerifierDidNotMakeLetsNothingPass(t *testing.T) {
	v := new(stripeapps.Verifier)
	w := httptest.NewRecorder()
	v.Handler(mustNotBeCalled(t)).ServeHTTP(w, signedRequest(plain))
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	_, err := v.VerifyPayload([]byte(plain), sign(plain, testSecret, testNow))
	assert.ErrorIs(t, err, stripeapps.ErrNotVerified)
}

func TestWhichSecretHasSignedIsTold(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{LabeledSecrets: []stripeapps.LabeledSecret{
		{Label: "live", Secret: "absec_new"}, {Label: "live", Secret: "absec_old"}, {Label: "sandbox", Secret: "absec_sandbox"},
	}})
	for _, test := range []struct {
		secret string
		index  int
		label  string
	}{{"absec_new", 0, "live"}, {"absec_old", 1, "live"}, {"absec_sandbox", 2, "sandbox"}} {
		want := stripeapps.Signature{SignedAt: testNow, ExpiresAt: testNow.Add(5 * time.Minute), Secret: test.index, SecretLabel: test.label}
		r := signedRequest(plain)
		r.Header.Set("Stripe-Signature", sign(plain, test.secret, testNow))
		verified, err := v.Verify(r)
		require.NoError(t, err)
		id, _ := stripeapps.IdentityFrom(verified.Context())
		assert.Equal(t, want, id.Signature)
		signature, err := v.VerifyPayload([]byte(plain), sign(plain, test.secret, testNow))
		require.NoError(t, err)
		assert.Equal(t, want, signature)
	}

	// While Stripe rolls, it signs with both: the first one in the list is told.
	_, v1, _ := strings.Cut(sign(plain, "absec_new", testNow), ",")
	signature, err := v.VerifyPayload([]byte(plain), sign(plain, "absec_old", testNow)+","+v1)
	require.NoError(t, err)
	assert.Equal(t, stripeapps.Signature{SignedAt: testNow, ExpiresAt: testNow.Add(5 * time.Minute), SecretLabel: "live"}, signature)

	require.NoError(t, v.SetLabeledSecrets(stripeapps.LabeledSecret{Label: "next", Secret: "absec_next"}))
	signature, err = v.VerifyPayload([]byte(plain), sign(plain, "absec_next", testNow))
	require.NoError(t, err)
	assert.Equal(t, stripeapps.Signature{SignedAt: testNow, ExpiresAt: testNow.Add(5 * time.Minute), SecretLabel: "next"}, signature)
	_, err = v.VerifyPayload([]byte(plain), sign(plain, "absec_new", testNow))
	assert.ErrorIs(t, err, stripeapps.ErrNoMatch)

	require.NoError(t, v.SetSecrets("absec_plain"))
	signature, err = v.VerifyPayload([]byte(plain), sign(plain, "absec_plain", testNow))
	require.NoError(t, err)
	assert.Equal(t, stripeapps.Signature{SignedAt: testNow, ExpiresAt: testNow.Add(5 * time.Minute)}, signature)
}

func TestLabeledSecretsAreChecked(t *testing.T) {
	labeled := func(pairs ...string) (secrets []stripeapps.LabeledSecret) {
		secrets = []stripeapps.LabeledSecret{}
		for i := 0; i < len(pairs); i += 2 {
			secrets = append(secrets, stripeapps.LabeledSecret{Label: pairs[i], Secret: pairs[i+1]})
		}
		return secrets
	}
	for _, test := range []struct {
		name string
		cfg  stripeapps.VerifierConfig
		want []string
	}{
		{"none", stripeapps.VerifierConfig{LabeledSecrets: labeled()}, []string{"stripeapps: LabeledSecrets is empty: give"}},
		{"beside others", stripeapps.VerifierConfig{Secrets: []string{testSecret}, LabeledSecrets: labeled("a", "absec_a")}, []string{"Secrets and LabeledSecrets are both set"}},
		{"beside an empty list", stripeapps.VerifierConfig{Secrets: []string{}, LabeledSecrets: labeled("a", "absec_a")}, []string{"Secrets and LabeledSecrets are both set"}},
		{"all kinds of mistakes", stripeapps.VerifierConfig{LabeledSecrets: labeled("", "absec_a", "absec_s3cr3t", "whsec_s3cr3t", "c", "absec_a")}, []string{
			"LabeledSecrets[0] has no label", "LabeledSecrets[1] has what looks like a secret as its label", "LabeledSecrets[1] looks like a webhook endpoint's", "LabeledSecrets[2] equals LabeledSecrets[0]",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v, err := stripeapps.NewVerifier(test.cfg)
			assert.Nil(t, v)
			require.Error(t, err)
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
			assert.Len(t, strings.Split(err.Error(), "\n"), len(test.want))
			assert.NotContains(t, err.Error(), "s3cr3t")
		})
	}
}

func TestARefusedSetSecretsLeavesTheFormerSecretsInForce(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{})
	header := sign(plain, testSecret, testNow)

	assert.ErrorContains(t, v.SetSecrets(), "Secrets is empty")
	assert.ErrorContains(t, v.SetSecrets("absec_next", "whsec_s3cr3t"), "Secrets[1] looks like")
	_, err := v.VerifyPayload([]byte(plain), header)
	assert.NoError(t, err)

	require.NoError(t, v.SetSecrets("absec_next"))
	_, err = v.VerifyPayload([]byte(plain), header)
	assert.ErrorIs(t, err, stripeapps.ErrNoMatch)
}

func TestChangingTheConfigurationLaterHasNoEffect(t *testing.T) {
	secrets := []string{testSecret}
	v := newVerifier(t, stripeapps.VerifierConfig{Secrets: secrets})
	secrets[0] = "absec_changed"
	_, err := v.VerifyPayload([]byte(plain), sign(plain, testSecret, testNow))
	assert.NoError(t, err)
}

func TestASecretLongerThanABlockVerifies(t *testing.T) {
	long := "absec_" + strings.Repeat("long", 100)
	v := newVerifier(t, stripeapps.VerifierConfig{Secrets: []string{long}})
	_, err := v.VerifyPayload([]byte(plain), sign(plain, long, testNow))
	assert.NoError(t, err)
}

func TestTheLimitsThemselvesAreAccepted(t *testing.T) {
	secrets := make([]string, 16)
	for i := range secrets {
		secrets[i] = fmt.Sprintf("absec_%d", i)
	}
	v := newVerifier(t, stripeapps.VerifierConfig{Secrets: secrets, MaxBodyBytes: 1 << 30, Tolerance: 24 * time.Hour})
	for _, secret := range secrets {
		_, err := v.VerifyPayload([]byte(plain), sign(plain, secret, testNow))
		assert.NoError(t, err)
	}

	header := sign(plain, secrets[0], testNow) + ",x="
	header += strings.Repeat("y", 4096-len(header))
	_, err := v.VerifyPayload([]byte(plain), header)
	assert.NoError(t, err, "a header of 4096 bytes")
	_, err = v.VerifyPayload([]byte(plain), header+"y")
	assert.ErrorIs(t, err, stripeapps.ErrMalformedSignature, "a header of 4097 bytes")
}

func TestUnknownKeysOfTheHeaderKeepToTheGrammar(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{})
	for more, want := range map[string]error{
		",x=y":   nil,
		",x=":    nil,
		",=y":    stripeapps.ErrMalformedSignature,
		",x":     stripeapps.ErrMalformedSignature,
		",x,y=z": stripeapps.ErrMalformedSignature,
		",x =y":  stripeapps.ErrMalformedSignature,
		",x=y ":  stripeapps.ErrMalformedSignature,
		",x=y=":  stripeapps.ErrMalformedSignature,
		",,x=y":  stripeapps.ErrMalformedSignature,
		",":      stripeapps.ErrMalformedSignature,
		" ":      stripeapps.ErrMalformedSignature,
	} {
		_, err := v.VerifyPayload([]byte(plain), sign(plain, testSecret, testNow)+more)
		assert.ErrorIs(t, err, want, "%q", more)
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

// A body can take longer than the signature is good for: what stands on its time, like
// package replay, must be able to rely on it. That the body is empty does not matter, where
// a Source finds the payload elsewhere.
func TestASignatureMustBeGoodWhenItsBodyHasArrived(t *testing.T) {
	const arrives = 10 * time.Second
	elsewhere := stripeapps.NewSource(func(*http.Request, []byte) ([]byte, error) { return []byte(plain), nil })
	for _, test := range []struct {
		name   string
		source stripeapps.Source
		body   string
		age    time.Duration // when the body begins to arrive
		want   error
	}{
		{"it just is", stripeapps.SignedBody, plain, stripeapps.DefaultTolerance - arrives, nil},
		{"it no longer is", stripeapps.SignedBody, plain, stripeapps.DefaultTolerance - arrives + time.Second, stripeapps.ErrTooOld},
		{"it just is, and the body is empty", elsewhere, "", stripeapps.DefaultTolerance - arrives, nil},
		{"it no longer is, and the body is empty", elsewhere, "", stripeapps.DefaultTolerance - arrives + time.Second, stripeapps.ErrTooOld},
	} {
		t.Run(test.name, func(t *testing.T) {
			now := testNow.Add(test.age)
			v := newVerifier(t, stripeapps.VerifierConfig{Source: test.source, Now: func() time.Time { return now }})
			r, text := signedRequest(plain), strings.NewReader(test.body)
			r.ContentLength = -1
			r.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
				now = testNow.Add(test.age + arrives)
				return text.Read(p)
			}))
			_, err := v.Verify(r)
			assert.ErrorIs(t, err, test.want)
		})
	}
}

// withDeadlines is a recorder that remembers the deadlines for reading.
type withDeadlines struct {
	*httptest.ResponseRecorder
	set []time.Duration // from now on; 0 lifts one
}

func (w *withDeadlines) SetReadDeadline(at time.Time) error {
	if at.IsZero() {
		w.set = append(w.set, 0)
	} else {
		w.set = append(w.set, time.Until(at))
	}
	return nil
}

func withIDs(r *http.Request) *http.Request {
	r.Header.Set("Stripe-User-Id", "usr_123")
	r.Header.Set("Stripe-Account-Id", "acct_123")
	return r
}

func TestABodyHasATimeToArriveIn(t *testing.T) {
	tooSlow := func() *http.Request {
		r := signedRequest(plain)
		r.Body = io.NopCloser(iotest.ErrReader(os.ErrDeadlineExceeded))
		return r
	}
	for _, test := range []struct {
		name    string
		config  stripeapps.VerifierConfig
		request *http.Request
		status  int
		want    []time.Duration
	}{
		{"the usual one, until it has arrived", stripeapps.VerifierConfig{}, signedRequest(plain), 200, []time.Duration{stripeapps.DefaultBodyTimeout, 0}},
		{"a chosen one", stripeapps.VerifierConfig{BodyTimeout: time.Second}, signedRequest(plain), 200, []time.Duration{time.Second, 0}},
		{"one that is over", stripeapps.VerifierConfig{}, tooSlow(), 400, []time.Duration{stripeapps.DefaultBodyTimeout}},
		{"none where the body is not read", stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}, withIDs(signedRequest(onlyIDs)), 200, nil},
		{"one for the rest, where it is refused without being read", stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}, signedRequest(plain), 400, []time.Duration{stripeapps.DefaultBodyTimeout}},
		{"one for the rest, where it is refused before it is read", stripeapps.VerifierConfig{Now: func() time.Time { return testNow.Add(time.Hour) }}, signedRequest(plain), 401, []time.Duration{stripeapps.DefaultBodyTimeout}},
		{"none any more, where it is refused after it has been read", stripeapps.VerifierConfig{Secrets: []string{"absec_other"}}, signedRequest(plain), 401, []time.Duration{stripeapps.DefaultBodyTimeout, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &withDeadlines{ResponseRecorder: httptest.NewRecorder()}
				handler := newVerifier(t, test.config).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
				handler.ServeHTTP(w, test.request)
				assert.Equal(t, test.status, w.Code)
				assert.Equal(t, test.want, w.set)
			})
		})
	}
	_, err := newVerifier(t, stripeapps.VerifierConfig{}).Verify(tooSlow())
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.EqualError(t, err, "stripeapps: the request body did not arrive within the time that this endpoint, or its server, gives it (body_unreadable)")
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

// A log or a metric outside groups by it (otelhttp does).
func TestThePatternOfAnInnerMuxReachesWhatStandsOutside(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/{thing}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("thing") == "panic" {
			panic("in a handler")
		}
	})
	handler := newVerifier(t, stripeapps.VerifierConfig{}).Handler(mux)
	for path, want := range map[string]string{"/api/echo": "POST /api/{thing}", "/api/panic": "POST /api/{thing}", "/elsewhere": ""} {
		r := signedRequest(plain)
		r.URL.Path = path
		func() {
			defer func() { recover() }()
			handler.ServeHTTP(httptest.NewRecorder(), r)
		}()
		assert.Equal(t, want, r.Pattern, path)
	}
}

// requestWithFile has a form with a file that is too large for memory, and is signed by
// its ids.
func requestWithFile(t *testing.T, target string) *http.Request {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "name")
	require.NoError(t, err)
	file.Write(make([]byte, 11<<20))
	form.Close()
	r := withIDs(httptest.NewRequest(http.MethodPost, target, &body))
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
	return r
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

	request := requestWithFile(t, server.URL)
	request.RequestURI = "" // of a client
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	response.Body.Close()
	server.Close() // waits for the handler
	assert.True(t, parsed, "there was a file")
	files, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	assert.Empty(t, files)
}

func TestAFormThatWasParsedOutsideKeepsItsFiles(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := requestWithFile(t, "/")
	require.NoError(t, r.ParseMultipartForm(1))
	v := newVerifier(t, stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders})
	w := httptest.NewRecorder()
	v.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	opened, err := r.MultipartForm.File["file"][0].Open()
	require.NoError(t, err)
	opened.Close()
	require.NoError(t, r.MultipartForm.RemoveAll())
}

func TestAnIdentityCanBeVerifiedByTheTimeOfReceipt(t *testing.T) {
	received := testNow.Add(-2 * time.Hour)
	header := sign(plain, testSecret, received.Add(-4*time.Minute))
	v := newVerifier(t, stripeapps.VerifierConfig{})
	id, err := v.VerifyIdentity([]byte(plain), header, received)
	require.NoError(t, err)
	assert.Equal(t, stripeapps.Identity{UserID: "usr_123", AccountID: "acct_123", Signature: stripeapps.Signature{SignedAt: received.Add(-4 * time.Minute), ExpiresAt: received.Add(time.Minute)}}, id)

	for _, test := range []struct {
		name, payload string
		at            time.Time
		want          error
	}{
		{"now", plain, time.Time{}, stripeapps.ErrTooOld},
		{"too late", plain, received.Add(2 * time.Minute), stripeapps.ErrTooOld},
		{"too early", plain, received.Add(-10 * time.Minute), stripeapps.ErrTooNew},
		{"another payload", onlyIDs, received, stripeapps.ErrNoMatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			id, err := v.VerifyIdentity([]byte(test.payload), header, test.at)
			assert.ErrorIs(t, err, test.want)
			assert.Zero(t, id)
		})
	}
	for payload, want := range map[string]error{
		`{"state":"x","user_id":"usr_123","account_id":"acct_123"}`: stripeapps.ErrInstallSignature,
		`{"user_id":"usr_123","account_id":"acct_123","a":1}`:       stripeapps.ErrNoIdentity,
		onlyAccount: stripeapps.ErrNoIdentity,
		onlyIDs:     nil,
	} {
		_, err := v.VerifyIdentity([]byte(payload), sign(payload, testSecret, testNow), time.Time{})
		assert.ErrorIs(t, err, want, payload)
	}
}

func TestACallByStripeIsNotWhatAUserCanHaveSigned(t *testing.T) {
	v := newVerifier(t, stripeapps.VerifierConfig{})
	for _, test := range []struct {
		name, payload string
		want          error
	}{
		{"an empty body", "", nil},
		{"an event", `{"id":"evt_1","object":"event","account":"acct_123","livemode":true}`, nil},
		{"no JSON", "hello", nil},
		{"a list", `[{"account_id":"acct_123"}]`, nil},
		{"ids in a nested object", `{"context":{"user_id":"usr_123","account_id":"acct_123"}}`, nil},
		{"a name that only resembles another known one", `{"a":1,"liveMode":true}`, nil},
		{"the ids alone", onlyIDs, stripeapps.ErrExtensionSignature},
		{"an extension's payload", plain, stripeapps.ErrExtensionSignature},
		{"an extension's payload without a user", `{"a":1,"account_id":"acct_123"}`, stripeapps.ErrExtensionSignature},
		{"an extension's payload that names the ids itself, so that they are not its last", `{"account_id":"acct_123","user_id":"usr_123","amount":1}`, stripeapps.ErrExtensionSignature},
		{"an extension's payload that names its account first", `{"account_id":"acct_123","amount":1,"user_id":"usr_123"}`, stripeapps.ErrExtensionSignature},
		{"a user without an account", `{"user_id":"usr_123","amount":1}`, stripeapps.ErrExtensionSignature},
		{"an object that is not UTF-8", "{\"a\":\"\xff\"}", stripeapps.ErrExtensionSignature},
		{"an install link", `{"state":"x","user_id":"usr_123","account_id":"acct_123"}`, stripeapps.ErrExtensionSignature},
		{"an account that is no id", `{"account_id":{}}`, stripeapps.ErrExtensionSignature},
		{"the account under another name", `{"a":1,"accountId":"acct_123"}`, stripeapps.ErrExtensionSignature},
		{"the account with an escape", `{"\u0061ccount_id":"acct_123"}`, stripeapps.ErrExtensionSignature},
		{"an extension's payload that is too deep to be read", `{"a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `,"user_id":"usr_123","account_id":"acct_123"}`, stripeapps.ErrExtensionSignature},
		{"an extension's payload in two", onlyIDs + onlyIDs, stripeapps.ErrExtensionSignature},
	} {
		t.Run(test.name, func(t *testing.T) {
			signature, err := v.VerifyStripeCall([]byte(test.payload), sign(test.payload, testSecret, testNow))
			assert.ErrorIs(t, err, test.want)
			assert.Equal(t, err == nil, signature == stripeapps.Signature{SignedAt: testNow, ExpiresAt: testNow.Add(5 * time.Minute)})
			_, err = v.VerifyStripeCall([]byte(test.payload), sign(test.payload, "absec_other", testNow))
			assert.ErrorIs(t, err, stripeapps.ErrNoMatch, "it must be signed first")
		})
	}
}

// A gateway may split a list at its commas, or join its lines again: RFC 9110,
// section 5.3. The usual adapter for AWS HTTP APIs and function URLs does the
// former (awslabs/aws-lambda-go-api-proxy#171).
func TestTheSignatureHeaderIsOneListHoweverItIsSplit(t *testing.T) {
	header := sign(plain, testSecret, testNow)
	time, v1, _ := strings.Cut(header, ",")
	for _, test := range []struct {
		name  string
		lines []string
		want  error
	}{
		{"split at its comma", []string{time, v1}, nil},
		{"the signature first", []string{v1, time}, nil},
		{"split, with a second signature", []string{time, "v1=" + strings.Repeat("0", 64), v1}, nil},
		{"joined with a space", []string{time + ", " + v1}, nil},
		{"joined with white space on both sides", []string{time + " \t, \t" + v1}, nil},
		{"split behind another scheme", []string{time + ", v0=1", v1}, nil},
		{"as many lines as the limit lets through", append([]string{header}, lines("x=1", 16)...), nil},
		{"sent twice", []string{header, header}, stripeapps.ErrMalformedSignature},
		{"sent twice and joined", []string{header + ", " + header}, stripeapps.ErrMalformedSignature},
		{"the right one behind another", []string{sign(plain, "absec_other", testNow), header}, stripeapps.ErrMalformedSignature},
		{"the right one in front of another", []string{header, sign(plain, "absec_other", testNow)}, stripeapps.ErrMalformedSignature},
		{"the time twice", []string{time, time, v1}, stripeapps.ErrMalformedSignature},
		{"an empty line", []string{header, ""}, stripeapps.ErrMalformedSignature},
		{"an empty line alone", []string{""}, stripeapps.ErrNotSigned},
		{"two empty lines", []string{"", ""}, stripeapps.ErrMalformedSignature},
		{"white space at its end", []string{header + " "}, stripeapps.ErrMalformedSignature},
		{"white space in front of it", []string{" " + header}, stripeapps.ErrMalformedSignature},
		{"white space within a pair", []string{"t =" + header[2:]}, stripeapps.ErrMalformedSignature},
		{"another space than those of RFC 9110", []string{time + ",\u00a0" + v1}, stripeapps.ErrNoMatch},
		{"a line break", []string{time + ",\n" + v1}, stripeapps.ErrNoMatch},
		{"lines beyond the limit", append([]string{header}, lines(strings.Repeat("x", 100)+"=1", 50)...), stripeapps.ErrMalformedSignature},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := signedRequest(plain)
			r.Header["Stripe-Signature"] = test.lines
			_, err := newVerifier(t, stripeapps.VerifierConfig{}).Verify(r)
			assert.ErrorIs(t, err, test.want)
		})
	}
}

// lines returns n lines of a header.
func lines(line string, n int) []string {
	return strings.Split(strings.Repeat(line+"\n", n)[:n*(len(line)+1)-1], "\n")
}

func TestWhyNoSignatureMatches(t *testing.T) {
	for _, test := range []struct {
		name, body, signed string
		cfg                stripeapps.VerifierConfig
		code               string
		says               string
	}{
		{"only the ids are signed", plain, onlyIDs, stripeapps.VerifierConfig{}, "only_ids_signed", "pass the payload to fetchStripeSignature"},
		{"only the account is signed, where that is allowed", `{"amount":1,"account_id":"acct_123"}`, onlyAccount, stripeapps.VerifierConfig{InsecureAllowMissingUser: true}, "only_ids_signed", ""},
		{"only the account is signed, where that is not allowed", `{"amount":1,"account_id":"acct_123"}`, onlyAccount, stripeapps.VerifierConfig{}, "no_match", ""},
		{"only the ids are signed, and the body is no JSON", plain + "}", onlyIDs, stripeapps.VerifierConfig{}, "no_match", "compact JSON"},
		{"only the ids are signed, and the body is too large to look for them", string(payloadOf(64<<10 + 1)), onlyIDs, stripeapps.VerifierConfig{}, "no_match", ""},
		{"only the ids are signed, and the body is just not too large", string(payloadOf(64 << 10)), onlyIDs, stripeapps.VerifierConfig{}, "only_ids_signed", ""},
		{"the ids are signed, and the body has them in another order", `{"account_id":"acct_123","user_id":"usr_123"}`, onlyIDs, stripeapps.VerifierConfig{}, "no_match", "compact JSON"},
		{"the ids are signed, and a line break stands behind them", onlyIDs + "\n", onlyIDs, stripeapps.VerifierConfig{}, "no_match", "compact JSON"},
		{"the account is signed, and a line break stands behind it", onlyAccount + "\n", onlyAccount, stripeapps.VerifierConfig{InsecureAllowMissingUser: true}, "no_match", ""},
		{"nothing is signed, and the body names no ids", `{"amount":1}`, "", stripeapps.VerifierConfig{}, "no_match", "compact JSON"},
		{"there is no body", "", onlyIDs, stripeapps.VerifierConfig{}, "no_match", "the request has no body"},
		{"only the ids are signed, and the body has a Content-Encoding that it does not need", plain, onlyIDs, stripeapps.VerifierConfig{}, "only_ids_signed", ""},
		{"an own source found something else", onlyIDs + " ", onlyIDs, stripeapps.VerifierConfig{Source: stripeapps.NewSource(wholeBody)}, "no_match", "compact JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body))
			r.Header.Set("Stripe-Signature", sign(test.signed, testSecret, testNow))
			if strings.Contains(test.name, "Content-Encoding") {
				r.Header.Set("Content-Encoding", "gzip")
			}
			_, err := newVerifier(t, test.cfg).Verify(r)
			var e *stripeapps.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, test.code, e.Code())
			assert.Contains(t, e.Detail(), test.says)
		})
	}
}

// What a refusal says of the body that it got is about what came on the way.
func TestWhyTheBodyDoesNotMatch(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*http.Request)
		says   string
	}{
		{"a GET with ids in headers, at a route for bodies", func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
			r.Header.Set("Stripe-User-Id", "usr_123")
			r.Header.Set("Stripe-Account-Id", "acct_123")
		}, "the request has ids in headers and no body"},
		{"a GET with the user's id alone in a header", func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
			r.Header.Set("Stripe-User-Id", "usr_123")
		}, "the request has ids in headers and no body"},
		{"a GET with the account's id alone in a header", func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
			r.Header.Set("Stripe-Account-Id", "acct_123")
		}, "the request has ids in headers and no body"},
		{"no body", func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, 0 }, "the request has no body, "},
		{"no body, made by hand", func(r *http.Request) { r.Body, r.ContentLength = nil, 0 }, "the request has no body"},
		{"a body without a length that something has read", func(r *http.Request) {
			io.Copy(io.Discard, r.Body)
			r.ContentLength = -1
		}, "or see whether something read it before this middleware"},
		{"a body with a length that something has read", func(r *http.Request) { io.Copy(io.Discard, r.Body) }, "shorter than its Content-Length: it was cut off, or something read it"},
		{"a body that something decoded, and kept the length", func(r *http.Request) { r.ContentLength = 10 }, "longer than its Content-Length: something replaced it"},
		{"a compressed body", func(r *http.Request) {
			r.Header.Set("Content-Encoding", "gzip")
			r.Body = io.NopCloser(strings.NewReader("\x1f\x8b compressed"))
			r.ContentLength = -1
		}, "the signature covers the text before it is encoded, so put what decodes bodies in front of this middleware"},
		{"another body, and ids in headers", func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(plain + " "))
			r.ContentLength = -1
			r.Header.Set("Stripe-User-Id", "usr_123")
			r.Header.Set("Stripe-Account-Id", "acct_123")
		}, "send exactly the text that was signed"},
		{"another body", func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(plain + " "))
			r.ContentLength = -1
		}, "send exactly the text that was signed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := signedRequest(plain)
			test.change(r)
			_, err := newVerifier(t, stripeapps.VerifierConfig{}).Verify(r)
			var e *stripeapps.Error
			require.ErrorAs(t, err, &e)
			assert.Contains(t, e.Detail(), test.says)
		})
	}
}

// Where the ids are all that is signed, it says nothing of a payload or a body.
func TestWhyTheIDsDoNotMatch(t *testing.T) {
	for name, source := range map[string]stripeapps.Source{"in headers": stripeapps.IDsInHeaders, "in the query": stripeapps.IDsInQuery} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/?user_id=usr_123&account_id=acct_other", nil)
			r.Header.Set("Stripe-User-Id", "usr_123")
			r.Header.Set("Stripe-Account-Id", "acct_other")
			r.Header.Set("Stripe-Signature", sign(onlyIDs, testSecret, testNow))
			_, err := newVerifier(t, stripeapps.VerifierConfig{Source: source}).Verify(r)
			require.ErrorIs(t, err, stripeapps.ErrNoMatch)
			assert.ErrorContains(t, err, "no v1 signature matches the two ids")
		})
	}
}
