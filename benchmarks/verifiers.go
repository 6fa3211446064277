package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v93/github"
	"github.com/slack-go/slack"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	oldstripe "github.com/stripe/stripe-go/v76/webhook"
	"github.com/stripe/stripe-go/v85/webhook"
	svix "github.com/svix/svix-webhooks/go"

	"github.com/seed-8a2ffb75/stripeapps"
)

// verifier is one of those who verify a payload, each by the signature that it knows.
type verifier struct {
	name string
	// sign signs a payload now, and returns what verifies payloads by that signature.
	sign func(payload []byte) (verify func(payload []byte) error, err error)
}

const (
	oursName   = "stripeapps"
	hmacAlone  = "HMAC alone"
	sha256Only = "SHA-256 alone"
)

var newStripeGo = named("stripe-go", "github.com/stripe/stripe-go/v85")

func verifiers() []verifier {
	return []verifier{
		{oursName, signForStripeapps},
		{newStripeGo, signForStripe(webhook.ValidatePayload)},
		{named("stripe-go", "github.com/stripe/stripe-go/v76"), signForStripe(oldstripe.ValidatePayload)},
		{named("svix", "github.com/svix/svix-webhooks"), signForSvix},
		{named("standard-webhooks", "github.com/standard-webhooks/standard-webhooks/libraries"), signForStandardWebhooks},
		{named("slack-go", "github.com/slack-go/slack"), signForSlack},
		{named("go-github", "github.com/google/go-github/v93"), signForGitHub},
		{hmacAlone, signForHMAC},
		{sha256Only, signForSHA256},
	}
}

// prove returns what verifies a payload, once it has been seen to do so.
func (v verifier) prove(payload []byte) (verify func(payload []byte) error, err error) {
	verify, err = v.sign(payload)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v.name, err)
	}
	if err := verify(payload); err != nil {
		return nil, fmt.Errorf("%s refuses what is signed: %w", v.name, err)
	}
	if verify(tampered(payload)) == nil {
		return nil, fmt.Errorf("%s accepts what was tampered with", v.name)
	}
	return verify, nil
}

func signForStripeapps(payload []byte) (func([]byte) error, error) {
	v, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{secret}})
	header := stripeSignature(payload, time.Now())
	return func(payload []byte) error {
		_, err := v.VerifyPayload(payload, header)
		return err
	}, err
}

func signForStripe(validate func(payload []byte, header, secret string) error) func([]byte) (func([]byte) error, error) {
	return func(payload []byte) (func([]byte) error, error) {
		header := stripeSignature(payload, time.Now())
		return func(payload []byte) error { return validate(payload, header, secret) }, nil
	}
}

func signForSvix(payload []byte) (func([]byte) error, error) {
	v, err := svix.NewWebhookRaw([]byte(secret))
	header := standardHeader(payload, "svix-")
	return func(payload []byte) error { return v.Verify(payload, header) }, err
}

func signForStandardWebhooks(payload []byte) (func([]byte) error, error) {
	v, err := standardwebhooks.NewWebhookRaw([]byte(secret))
	header := standardHeader(payload, "webhook-")
	return func(payload []byte) error { return v.Verify(payload, header) }, err
}

// standardHeader signs as https://www.standardwebhooks.com has it.
func standardHeader(payload []byte, prefix string) http.Header {
	const id = "msg_123"
	now := strconv.FormatInt(time.Now().Unix(), 10)
	header := http.Header{}
	header.Set(prefix+"id", id)
	header.Set(prefix+"timestamp", now)
	header.Set(prefix+"signature", "v1,"+base64.StdEncoding.EncodeToString(macOf(secret, []byte(id+"."+now+"."), payload)))
	return header
}

func signForSlack(payload []byte) (func([]byte) error, error) {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	header := http.Header{}
	header.Set("X-Slack-Request-Timestamp", now)
	header.Set("X-Slack-Signature", fmt.Sprintf("v0=%x", macOf(secret, []byte("v0:"+now+":"), payload)))
	return func(payload []byte) error {
		v, err := slack.NewSecretsVerifier(header, secret)
		if err != nil {
			return err
		}
		v.Write(payload)
		return v.Ensure()
	}, nil
}

func signForGitHub(payload []byte) (func([]byte) error, error) {
	signature, key := fmt.Sprintf("sha256=%x", macOf(secret, payload)), []byte(secret)
	return func(payload []byte) error { return github.ValidateSignature(signature, payload, key) }, nil
}

var errOther = errors.New("it is another one")

// signForHMAC is the least that a verifier of HMACs has to do: one, with a state that
// is used again, and nothing parsed.
func signForHMAC(payload []byte) (func([]byte) error, error) {
	want, mac, sum := macOf(secret, payload), hmac.New(sha256.New, []byte(secret)), []byte(nil)
	return func(payload []byte) error {
		mac.Reset()
		mac.Write(payload)
		if sum = mac.Sum(sum[:0]); !hmac.Equal(sum, want) {
			return errOther
		}
		return nil
	}, nil
}

func signForSHA256(payload []byte) (func([]byte) error, error) {
	want := sha256.Sum256(payload)
	return func(payload []byte) error {
		if sha256.Sum256(payload) != want {
			return errOther
		}
		return nil
	}, nil
}

var verifierSizes = []int{96, 256, 1 << 10, 8 << 10, 64 << 10}

func measureVerifiers(p pace, verifiers []verifier, size int) (results, error) {
	say("verifiers, %s", sizeOf(size))
	payload := payloadOf(size)
	var contenders []contender
	for _, v := range verifiers {
		verify, err := v.prove(payload)
		if err != nil {
			return nil, err
		}
		contenders = append(contenders, contender{v.name, func() error { return verify(payload) }})
	}
	return measureAll(p, contenders)
}

// longHeaderFigures are what a header Stripe-Signature of one megabyte costs.
type longHeaderFigures struct {
	Times     string // the time of stripe-go as a multiple of this library's
	Megabytes uint64 // that stripe-go allocates
}

// longHeader has as many signatures as fit into what net/http lets pass.
var longHeader = strings.Repeat("v1=0,", 1<<20/5)

func measureLongHeader(p pace) (f longHeaderFigures, err error) {
	say("a header of 1 MB")
	v, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{secret}})
	if err != nil {
		return f, err
	}
	refused := func(err error) error {
		if err == nil {
			return errors.New("accepts a megabyte that is no signature")
		}
		return nil
	}
	contenders := []contender{
		{oursName, func() error { _, err := v.VerifyPayload(nil, longHeader); return refused(err) }},
		{"stripe-go", func() error { return refused(webhook.ValidatePayload(nil, longHeader, secret)) }},
	}
	p.rounds = min(p.rounds, 15)
	times, err := timesOf(p, contenders)
	if err != nil {
		return f, err
	}
	_, bytes, err := allocationsOf(contenders[1])
	f.Times, f.Megabytes = roundly(times[1].relativeTo(times[0])), bytes>>20
	return f, err
}
