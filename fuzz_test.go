package stripeapps_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/testdata/golden"
)

// canonicalPair is an oracle for the header's grammar, written another way than
// the parser.
var canonicalPair = regexp.MustCompile(`^(?:t=(?:0|[1-9][0-9]{0,17})|v1=[0-9a-f]{64}|([^=, \t]+)=[^=, \t]*)$`)

// joinedTight is a header without the optional white space around its commas,
// which stripe-go does not know.
func joinedTight(header string) string { return spacedComma.ReplaceAllString(header, ",") }

var spacedComma = regexp.MustCompile(`[ \t]*,[ \t]*`)

func isCanonical(header string) bool {
	if len(header) > 4096 {
		return false
	}
	times, signatures := 0, 0
	for _, pair := range strings.Split(joinedTight(header), ",") {
		match := canonicalPair.FindStringSubmatch(pair)
		if match == nil || match[1] == "t" || match[1] == "v1" {
			return false
		}
		switch {
		case strings.HasPrefix(pair, "t="):
			times++
		case strings.HasPrefix(pair, "v1="):
			signatures++
		}
	}
	return times == 1 && signatures <= 16
}

// FuzzVerifyPayload holds this package against stripe-go: what it accepts,
// stripe-go accepts with one of the secrets; and what stripe-go accepts, it
// refuses only for one of the reasons written down here.
func FuzzVerifyPayload(f *testing.F) {
	secrets := []string{testSecret, "absec_next"}
	v := newVerifier(f, stripeapps.VerifierConfig{Secrets: secrets})
	for _, vector := range golden.Vectors() {
		f.Add([]byte(vector.Payload), vector.Header, "", "", byte(2))
	}
	for _, timestamp := range []string{"1700000000", "1700000300", "1700000301", "1699999700", "1699999699", "+1700000000", "01700000000", "0", "-1", "999999999999999999", "9999999999999999999"} {
		f.Add([]byte(plain), "", timestamp, "", byte(0))
		f.Add([]byte(plain), "v0=1,", timestamp, ",x=y", byte(1))
		f.Add([]byte(plain), "t=1,", timestamp, ",v1=00,", byte(1))
	}

	f.Fuzz(func(t *testing.T, payload []byte, before, timestamp, after string, by byte) {
		header := before + after
		if int(by) < len(secrets) {
			// A right signature in whatever the fuzzer puts around it.
			seconds, _ := strconv.ParseInt(timestamp, 10, 64)
			mac := webhook.ComputeSignature(time.Unix(seconds, 0), payload, secrets[by])
			header = before + "t=" + timestamp + ",v1=" + hex.EncodeToString(mac) + after
		}

		signature, err := v.VerifyPayload(payload, header)
		peer := errors.New("no secret")
		for _, secret := range secrets {
			// stripe-go has no clock to set: its tolerance is without limit here,
			// and the time is checked below.
			if peer = webhook.ValidatePayloadWithTolerance(payload, joinedTight(header), secret, math.MaxInt64); peer == nil {
				break
			}
		}

		if err == nil {
			if peer != nil {
				t.Fatalf("accepted, but stripe-go says: %v", peer)
			}
			if age := testNow.Sub(signature.SignedAt).Abs(); age > stripeapps.DefaultTolerance {
				t.Fatalf("accepted at an age of %v", age)
			}
			if !isCanonical(header) {
				t.Fatal("accepted a header that is not canonical")
			}
			return
		}
		if peer == nil {
			switch {
			case errors.Is(err, stripeapps.ErrMalformedSignature) && !isCanonical(header): // or over a cap
			case errors.Is(err, stripeapps.ErrTooNew): // stripe-go accepts any future time
			case errors.Is(err, stripeapps.ErrTooOld): // the limitless tolerance above
			default:
				t.Fatalf("stripe-go accepts, but: %v", err)
			}
		}
		if isCanonical(header) && errors.Is(err, stripeapps.ErrMalformedSignature) {
			t.Fatalf("a canonical header: %v", err)
		}
	})
}

// FuzzPKCE holds what a provider reads and verifies against the grammar as a
// regular expression, and encoding/base64.
func FuzzPKCE(f *testing.F) {
	const asSent, ofVerifier, verifierItself = 0, 1, 2 // the challenge
	const s256 = "code_challenge_method=S256&code_challenge="
	for _, challenge := range []byte{asSent, ofVerifier, verifierItself} {
		for _, method := range []string{"S256", "plain", "s256", ""} {
			f.Add("code_challenge_method="+method+"&code_challenge="+testCodeChallenge, testCodeVerifier, challenge)
		}
		f.Add("code_challenge="+testCodeChallenge, testCodeVerifier, challenge)
		f.Add(s256+testCodeVerifier+"&code_challenge=", testCodeChallenge, challenge)
		f.Add(s256+"&code_challenge_method=", strings.Repeat("~", 128), challenge)
		f.Add(s256+testCodeChallenge[:42]+"N", strings.Repeat("~", 129), challenge)
		f.Add(s256+testCodeChallenge[:42]+"%0A", testCodeVerifier[:42]+"\n", challenge)
		f.Add(s256+testCodeChallenge+"%3D", testCodeVerifier[:42], challenge)
		f.Add(s256+testCodeChallenge+"A", testCodeVerifier, challenge)
		f.Add(s256+"."+testCodeChallenge[1:], testCodeVerifier, challenge)
		f.Add("code_challenge_method=plain&code_challenge=a", "a", challenge)
		f.Add("code_challenge_method=s256", testCodeVerifier, challenge)
		f.Add("code_verifier="+testCodeVerifier+"&code_verifier=", testCodeVerifier, challenge)
		f.Add("code_verifier="+testCodeVerifier, testCodeVerifier, challenge)
		f.Add("code_verifier="+testCodeVerifier+"%0A&code_verifier=", "", challenge)
	}

	f.Fuzz(func(t *testing.T, query, verifier string, challenge byte) {
		params, _ := url.ParseQuery(query) // what it could read, as (*http.Request).ParseForm
		sum := sha256.Sum256([]byte(verifier))
		switch challenge {
		case ofVerifier: // which the fuzzer does not find by itself
			params.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
		case verifierItself:
			params.Set("code_challenge", verifier)
		}

		// What is stored can have been changed, so it need not be what was read.
		sent := params.Get("code_challenge")
		hash, isHash := decodeS256(sent)
		matches := verifierGrammar.MatchString(verifier) && isHash && bytes.Equal(hash, sum[:])
		if err := stripeapps.VerifyCodeVerifier(verifier, sent); (err == nil) != matches {
			t.Fatalf("VerifyCodeVerifier of %q: %v", sent, err)
		}

		sentVerifier := params.Get("code_verifier")
		wellSent := len(params["code_verifier"]) == 1 && verifierGrammar.MatchString(sentVerifier)
		if read, err := stripeapps.ReadCodeVerifier(params); (err == nil) != wellSent || wellSent && read != sentVerifier || !wellSent && read != "" {
			t.Fatalf("ReadCodeVerifier: %q, %v", read, err)
		}

		once := len(params["code_challenge"]) == 1 && len(params["code_challenge_method"]) == 1
		acceptable := once && isHash && params.Get("code_challenge_method") == "S256"
		stored, err := stripeapps.ReadCodeChallenge(params)
		if (err == nil) != acceptable || acceptable && stored != sent || !acceptable && stored != "" {
			t.Fatalf("ReadCodeChallenge: %q, %v", stored, err)
		}
		if err == nil && stripeapps.VerifyCodeVerifier(stored, stored) == nil {
			t.Fatal("the challenge is accepted as its own verifier")
		}
	})
}
