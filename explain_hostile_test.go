package stripeapps_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// Work shows in what is allocated: every attempt builds an object.
func assertAllocatesLess(t *testing.T, limit uint64, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, limit)
}

func TestExplainWithoutASecretEndsAtOnce(t *testing.T) {
	var body strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&body, `"a%d":1,`, i)
	}
	for _, secrets := range [][]string{nil, {""}, {" "}} {
		assertAllocatesLess(t, 64<<20, func() {
			stripeapps.Explain(stripeapps.Received{
				Header: stripeappstest.Sign(nil), Secrets: secrets,
				Body: []byte("{" + body.String() + `"user_id":"usr_1","account_id":"acct_1"}`),
			})
		})
	}
}

// Six members have 720 orders.
func TestExplainBuildsNoMoreOrdersThanItCanHash(t *testing.T) {
	body := `{"a":1,"b":2,"c":3,"d":4,"e":5,"` + strings.Repeat(`\u0001`, 170_000) + `":1,"user_id":"usr_1","account_id":"acct_1"}`
	assertAllocatesLess(t, 512<<20, func() {
		stripeapps.Explain(stripeapps.Received{
			Header: stripeappstest.Sign(nil, stripeappstest.WithOtherSecret()), Body: []byte(body), Secrets: []string{stripeappstest.DefaultSecret},
		})
	})
}

func TestExplainNeverSaysOfARefusedRequestThatNothingIsWrong(t *testing.T) {
	start := time.Unix(1700000000, 0)
	for name, test := range map[string]struct {
		config  stripeapps.VerifierConfig
		request []stripeappstest.Option
		payload any
		empty   bool // a Stripe-User-Id without a value
	}{
		"the clock goes on while it is explained": {payload: `{"a":1}`, request: []stripeappstest.Option{stripeappstest.At(start.Add(302 * time.Second))}},
		"an id is sent, and empty": {
			config:  stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders, InsecureAllowMissingUser: true},
			request: []stripeappstest.Option{stripeappstest.At(start), stripeappstest.WithUser(""), stripeappstest.IDsInHeaders()}, empty: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			seconds := 0
			config := test.config
			config.Secrets, config.Explain, config.Logger = []string{stripeappstest.DefaultSecret}, true, slog.New(slog.NewTextHandler(&log, nil))
			config.Now = func() time.Time { seconds++; return start.Add(time.Duration(seconds) * time.Second) }
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

// A member's name is the caller's, and can be anything.
func TestExplainShowsNothingThatLooksLikeASecret(t *testing.T) {
	for _, secret := range []string{"absec_1234567890abcdefghijklmnopqrstuvwxyz0123456789", "whsec_abc", "sk_live_abc", "rk_test_abc"} {
		found := stripeapps.Explain(stripeapps.Received{
			Header:  stripeappstest.Sign(`{"a":1}`, stripeappstest.WithUser("usr_1"), stripeappstest.WithAccount("acct_1")),
			Body:    []byte(`{"a":1,"` + secret + `":2,"user_id":"usr_1","account_id":"acct_1"}`),
			Secrets: []string{stripeappstest.DefaultSecret},
		})
		require.Len(t, found, 1)
		assert.Equal(t, stripeapps.CauseUnsignedMembers, found[0].Cause)
		assert.NotContains(t, found[0].Text, secret[:9])
	}
}
