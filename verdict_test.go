package stripeapps_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	internal "github.com/seed-8a2ffb75/stripeapps/internal/observed"
)

// observed returns a configuration whose verdicts are collected.
func observed(cfg stripeapps.VerifierConfig) (stripeapps.VerifierConfig, *[]stripeapps.Verdict) {
	var verdicts []stripeapps.Verdict
	cfg.Observe = func(v stripeapps.Verdict) { verdicts = append(verdicts, v) }
	return cfg, &verdicts
}

func TestAnAcceptedRequestIsObserved(t *testing.T) {
	ticks := 0
	cfg, verdicts := observed(stripeapps.VerifierConfig{
		Secrets: []string{"absec_next", testSecret},
		Now: func() time.Time {
			ticks++
			return testNow.Add(time.Duration(ticks) * time.Second)
		},
	})
	v := newVerifier(t, cfg)
	r := signedRequest(plain)
	for name, verify := range map[string]func(){
		"by Verify":  func() { v.Verify(r) },
		"by Handler": func() { v.Handler(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r) },
	} {
		t.Run(name, func(t *testing.T) {
			ticks, *verdicts, r = 0, nil, signedRequest(plain)
			verify()
			require.Len(t, *verdicts, 1)
			verdict := (*verdicts)[0]
			assert.Same(t, r, verdict.Request)
			assert.NoError(t, verdict.Err)
			assert.Equal(t, stripeapps.Identity{UserID: "usr_123", AccountID: "acct_123", Signature: stripeapps.Signature{SignedAt: testNow, ExpiresAt: testNow.Add(5 * time.Minute), Secret: 1}}, verdict.Identity)
			assert.Equal(t, 1, verdict.Secret)
			assert.Equal(t, testNow.Add(3*time.Second), verdict.Time, "the look by which the age was judged last, when the body was there")
			assert.Equal(t, 3*time.Second, verdict.Duration, "from the first look to the fourth")
			payload, err := verdict.Payload()
			assert.NoError(t, err)
			assert.Equal(t, plain, string(payload))
		})
	}
}

func TestEachRefusalIsObservedOnce(t *testing.T) {
	for code, request := range refusals() {
		t.Run(code, func(t *testing.T) {
			cfg, verdicts := observed(stripeapps.VerifierConfig{})
			r := request(&cfg)
			w := httptest.NewRecorder()
			newVerifier(t, cfg).Handler(mustNotBeCalled(t)).ServeHTTP(w, r)
			require.Len(t, *verdicts, 1)
			verdict := (*verdicts)[0]
			var e *stripeapps.Error
			require.ErrorAs(t, verdict.Err, &e)
			assert.Equal(t, code, e.Code())
			assert.Zero(t, verdict.Identity)
			secret := -1
			if code == "no_identity" || code == "install_signature" {
				secret = 0 // what is signed is not good enough
			}
			assert.Equal(t, secret, verdict.Secret)
			assert.Equal(t, testNow, verdict.Time)
		})
	}
}

func TestThePayloadOfARefusedRequestCanBeRead(t *testing.T) {
	old := sign(plain, testSecret, testNow.Add(-time.Hour))
	for _, test := range []struct {
		name   string
		cfg    stripeapps.VerifierConfig
		change func(*http.Request)
		want   string
		err    error
	}{
		{"that was refused before the body was read", stripeapps.VerifierConfig{}, func(r *http.Request) { r.Header.Set("Stripe-Signature", old) }, plain, nil},
		{"that was refused after it", stripeapps.VerifierConfig{Secrets: []string{"absec_other"}}, func(*http.Request) {}, plain, nil},
		{"within the limit only", stripeapps.VerifierConfig{MaxBodyBytes: 10}, func(r *http.Request) { r.Header.Set("Stripe-Signature", old) }, "", stripeapps.ErrBodyTooLarge},
		{"unless the reading is what it was refused for", stripeapps.VerifierConfig{MaxBodyBytes: 10}, func(*http.Request) {}, "", stripeapps.ErrBodyTooLarge},
		{"if its ids are ids", stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}, func(r *http.Request) { r.Header.Set("Stripe-Signature", old) }, "", stripeapps.ErrMalformedIDs},
	} {
		t.Run(test.name, func(t *testing.T) {
			called := false
			cfg := test.cfg
			cfg.Observe = func(v stripeapps.Verdict) {
				called = true
				var watchers sync.WaitGroup
				for range 3 { // each of which gets the same
					watchers.Go(func() {
						payload, err := v.Payload()
						assert.ErrorIs(t, err, test.err)
						assert.Equal(t, test.want, string(payload))
					})
				}
				watchers.Wait()
				assert.NotContains(t, fmt.Sprintf("%v %+v %#v", v, v, v), fmt.Sprint([]byte(plain))[1:20], "a body")
				assert.NotContains(t, fmt.Sprintf("%v %+v %#v", v, v, v), "usr_123")
			}
			r := signedRequest(plain)
			r.ContentLength = -1
			test.change(r)
			_, err := newVerifier(t, cfg).Verify(r)
			assert.Error(t, err)
			assert.True(t, called)
		})
	}
	payload, err := stripeapps.Verdict{}.Payload()
	assert.NoError(t, err)
	assert.Nil(t, payload, "of none at all")
}

// What Require and Refuse refuse was accepted before: it has an identity.
func TestARefusalBehindTheVerifierIsObservedToo(t *testing.T) {
	cause := errors.New("cause")
	for _, test := range []struct {
		name    string
		handler http.Handler
		want    error
	}{
		{"by Require", stripeapps.Require(stripeapps.Action("refund"))(mustNotBeCalled(t)), stripeapps.ErrRequirementNotMet},
		{"by Refuse", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			stripeapps.Refuse(w, r, stripeapps.ErrUnexpectedPayload)
		}), stripeapps.ErrUnexpectedPayload},
		{"by Refuse, with an error of another type", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			stripeapps.Refuse(w, r, cause)
		}), cause},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg, verdicts := observed(stripeapps.VerifierConfig{LabeledSecrets: []stripeapps.LabeledSecret{
				{Label: "next", Secret: "absec_next"}, {Label: "now", Secret: testSecret},
			}})
			newVerifier(t, cfg).Handler(test.handler).ServeHTTP(httptest.NewRecorder(), signedRequest(plain))
			require.Len(t, *verdicts, 2)
			accepted, refused := (*verdicts)[0], (*verdicts)[1]
			assert.NoError(t, accepted.Err)
			assert.ErrorIs(t, refused.Err, test.want)
			var e *stripeapps.Error
			assert.ErrorAs(t, refused.Err, &e)
			assert.Equal(t, accepted.Identity, refused.Identity)
			for _, verdict := range *verdicts {
				assert.Equal(t, 1, verdict.Secret)
				assert.Equal(t, "now", verdict.SecretLabel)
			}
			assert.Equal(t, testNow, refused.Time)
			assert.Zero(t, refused.Duration)
			assert.Equal(t, accepted.Identity, stripeapps.MustIdentity(refused.Request.Context()), "the request that the handler got")
			assert.True(t, refused.Later)
			assert.False(t, accepted.Later)
			payload, err := refused.Payload()
			assert.NoError(t, err)
			assert.Equal(t, plain, string(payload))
		})
	}
}

// Package explain tries what could have been meant with what the verdict was reached with.
func TestAVerdictHandsOnTheVerifierToPackageExplain(t *testing.T) {
	cfg, verdicts := observed(stripeapps.VerifierConfig{
		Secrets: []string{"absec_next", testSecret}, Source: stripeapps.IDsInHeaders,
		Tolerance: time.Minute, InsecureAllowMissingUser: true,
	})
	handler := newVerifier(t, cfg).Handler(stripeapps.Require(stripeapps.Action("refund"))(mustNotBeCalled(t)))
	handler.ServeHTTP(httptest.NewRecorder(), withIDs(signedRequest(onlyIDs)))
	require.Len(t, *verdicts, 2)
	for _, verdict := range *verdicts {
		used := internal.Of(verdict)
		assert.Len(t, used.Keys, 2)
		used.Keys = nil
		assert.Equal(t, internal.Verifier{Source: stripeapps.IDsInHeaders, Tolerance: time.Minute, AllowNoUser: true}, used)
	}
	none := internal.Verifier{Source: stripeapps.SignedBody, Tolerance: stripeapps.DefaultTolerance}
	assert.Equal(t, none, internal.Of(stripeapps.Verdict{}), "a verdict made by hand")
	assert.Equal(t, none, internal.Of("no verdict"))
}

func TestARefusalIsLoggedWithItsReasonOnly(t *testing.T) {
	var logged bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	handler := newVerifier(t, stripeapps.VerifierConfig{Observe: stripeapps.LogRefusals(logger)}).Handler(http.NotFoundHandler())

	r := signedRequest(plain)
	r.Header.Del("Stripe-Signature")
	handler.ServeHTTP(httptest.NewRecorder(), r)
	assert.Equal(t, "level=INFO msg=\"stripeapps: request refused\" code=not_signed status=401 detail=\"the request has no Stripe-Signature header: send the value that fetchStripeSignature returns\"\n", logged.String())

	logged.Reset()
	handler.ServeHTTP(httptest.NewRecorder(), signedRequest(plain))
	assert.Empty(t, logged.String(), "an accepted request is not logged")
}

type contextHandler struct {
	slog.Handler
	seen *context.Context
}

func (h contextHandler) Handle(ctx context.Context, _ slog.Record) error {
	*h.seen = ctx
	return nil
}

func TestTheLoggerGetsTheRequestsContext(t *testing.T) {
	type key struct{}
	var seen context.Context
	v := newVerifier(t, stripeapps.VerifierConfig{Observe: stripeapps.LogRefusals(slog.New(contextHandler{slog.NewTextHandler(io.Discard, nil), &seen}))})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	v.Handler(mustNotBeCalled(t)).ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithValue(r.Context(), key{}, "request")))
	require.NotNil(t, seen)
	assert.Equal(t, "request", seen.Value(key{}))
}

func TestWhatTheBackendIsToBlameForIsLoggedAsAnError(t *testing.T) {
	var logged bytes.Buffer
	v := newVerifier(t, stripeapps.VerifierConfig{Observe: stripeapps.LogRefusals(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{ReplaceAttr: withoutTime})))})
	v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stripeapps.Refuse(w, r, errors.New("password=hunter2"))
	})).ServeHTTP(httptest.NewRecorder(), signedRequest(plain))
	assert.Equal(t, "level=ERROR msg=\"stripeapps: request refused\" code=internal status=500 detail=\"the server failed to handle the request\"\n", logged.String())
}

func TestAVerdictMadeByHandCanBeObserved(t *testing.T) {
	var logged bytes.Buffer
	observe := stripeapps.LogRefusals(slog.New(slog.NewTextHandler(&logged, nil)))
	observe(stripeapps.Verdict{Err: stripeapps.ErrTooOld})
	assert.Contains(t, logged.String(), "code=too_old")
}

func TestAClockIsNotReadWithoutNeed(t *testing.T) {
	reads := 0
	v := newVerifier(t, stripeapps.VerifierConfig{Now: func() time.Time { reads++; return testNow }})
	r := signedRequest(plain)
	r.Header.Del("Stripe-Signature")
	v.Verify(r)
	v.VerifyPayload(nil, "t=1")
	v.VerifyPayload(nil, strings.Repeat("x", 1<<20))
	assert.Zero(t, reads)
	v.VerifyPayload([]byte(plain), sign(plain, testSecret, testNow))
	assert.Equal(t, 1, reads)
}

func TestLogRefusalsNeedsALogger(t *testing.T) {
	assert.PanicsWithValue(t, "stripeapps: LogRefusals needs a logger", func() { stripeapps.LogRefusals(nil) })
}
