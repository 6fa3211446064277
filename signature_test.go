package stripeapps_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps"
)

const plain = `{"amount":1250,"user_id":"usr_123","account_id":"acct_123"}`

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
			assert.Equal(t, stripeapps.Signature{SignedAt: testNow}, signature)
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
		{"a body limit of one byte more than 1 GiB", stripeapps.VerifierConfig{Secrets: []string{secret}, MaxBodyBytes: 1<<30 + 1}, []string{"MaxBodyBytes is 1073741825"}},
		{"everything at once", stripeapps.VerifierConfig{Secrets: []string{"whsec_s3cr3t", ""}, Tolerance: -1, MaxBodyBytes: -1},
			[]string{"Secrets[0] looks like", "Secrets[1] is blank", "Tolerance is", "MaxBodyBytes is"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v, err := stripeapps.NewVerifier(test.cfg)
			assert.Nil(t, v)
			require.Error(t, err)
			problems := strings.Split(err.Error(), "\n")
			require.Len(t, problems, len(test.want))
			text := err.Error()
			for _, want := range test.want {
				assert.Contains(t, text, "stripeapps: "+want)
			}
			assert.NotContains(t, text, "s3cr3t")
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
		"no such status": func() { stripeapps.NewError("code", 600, "text") },
	} {
		t.Run(name, func(t *testing.T) { assert.Panics(t, create) })
	}
}

// Like CVE-2025-22868 and GO-2024-2883: a header split before it is measured.
func TestAHostileHeaderCostsNoAllocation(t *testing.T) {
	if stripeapps.RaceEnabled {
		t.Skip("allocations cannot be counted under the race detector")
	}
	v := newVerifier(t, stripeapps.VerifierConfig{})
	for name, header := range map[string]string{
		"commas":     strings.Repeat(",", 1<<20),
		"signatures": strings.Repeat("v1=0,", 1<<18),
		"equals":     strings.Repeat("=", 1<<20),
		"under the cap": sign(plain, "absec_other", testNow) +
			strings.Repeat(",x=y", 900),
	} {
		assert.Zero(t, testing.AllocsPerRun(100, func() { v.VerifyPayload(nil, header) }), name)
	}
}

func TestVerifyPayloadMakesNoAllocations(t *testing.T) {
	if stripeapps.RaceEnabled {
		t.Skip("allocations cannot be counted under the race detector")
	}
	v := newVerifier(t, stripeapps.VerifierConfig{Secrets: []string{"absec_next", testSecret}})
	payload, header := []byte(plain), sign(plain, testSecret, testNow)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := v.VerifyPayload(payload, header); err != nil {
			t.Error(err)
		}
	}))
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
