package explain_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/explain"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
	"github.com/seed-8a2ffb75/stripeapps/testdata/golden"
)

// FuzzExplain makes requests whose body has values that must not be told, and
// holds what is said against VerifyPayload and the form of an Explanation.
func FuzzExplain(f *testing.F) {
	const canary = "c4n4ry"
	for vector := range stripeappstest.GoldenVectors() {
		f.Add(vector.Payload, vector.Header, "usr_123", "acct_123", vector.Clock.Unix(), byte(0))
		f.Add(vector.Payload, ", ", "usr_123", "acct_123", testNow.Unix(), byte(1))
		f.Add(vector.Payload, "", "", "", testNow.Unix(), byte(2))
		f.Add(vector.Payload, "", "usr_123", "acct_123", testNow.Unix(), byte(3))
	}
	f.Add([]byte(`{"a":"`+canary+`","b":["`+canary+`"],"user_id":"`+canary+`","account_id":"`+canary+`"}`), "", canary, canary, testNow.Unix(), byte(1))
	f.Add([]byte("\uFEFF\"eyJh\" "), "x", "", "", testNow.Unix(), byte(4))
	f.Add([]byte(`{"a":1,"user_id":"usr_1","account_id":"acct_1"}`), "", "", "", testNow.Unix(), byte(5))
	for by := range byte(5) {
		f.Add([]byte(`{"a":"`+canary+`é\n","b":{"c":"12"},"user_id":"usr_1","account_id":"acct_1"}`), "", "", "", testNow.Unix(), 6+by)
	}

	f.Fuzz(func(t *testing.T, body []byte, header, user, account string, seconds int64, by byte) {
		// Right signatures, over the body or near to it, which the fuzzer does not
		// find by itself.
		at := time.Unix(seconds%(1<<40), 0)
		switch by {
		case 1:
			header = sign(body, testSecret, at) + header
		case 2:
			header = sign(bytes.TrimSpace(body), testSecret, at)
		case 3:
			if text, err := stripejs.Payload(body, user, account); err == nil {
				header = stripejs.Header(text, at, testSecret)
			}
		case 4:
			header = sign(body, "absec_other", at)
		case 5:
			header = url.QueryEscape(sign(body, testSecret, at))
		case 6:
			header, body = sign(body, testSecret, at), gzipped(string(body))
		case 7:
			header, body = sign(body, testSecret, at), []byte(url.Values{"payload": {string(body)}}.Encode())
		case 8:
			header, body = sign(body, testSecret, at), inUTF16(string(body), binary.BigEndian)
		case 9:
			header, body = sign(body, testSecret, at), event(eventV2, string(body), true)
		case 10:
			header, body = sign(body, testSecret, at), bytes.ReplaceAll(body, []byte(`\n`), []byte(`\r\n`))
		}
		r := explain.Received{
			Header: header, Body: body, UserID: user, AccountID: account, Now: testNow,
			Secrets:      unlabeled(testSecret),
			OtherSecrets: []stripeapps.LabeledSecret{{Label: "other", Secret: "absec_other"}, {Label: "hooks", Secret: "whsec_other"}},
		}
		explanations := explain.Explain(r)
		if len(explanations) == 0 {
			t.Fatal("nothing is said")
		}
		right := false
		v := newVerifier(t, stripeapps.VerifierConfig{})
		if _, err := v.VerifyPayload(body, header); err == nil && len(body) > 0 {
			request := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
			request.Header["Stripe-Signature"] = []string{header}
			_, err := v.Verify(request)
			right = err == nil
		} else if len(body) == 0 {
			request := httptest.NewRequest(http.MethodGet, "/", nil)
			request.Header = http.Header{"Stripe-Signature": {header}, "Stripe-User-Id": {user}, "Stripe-Account-Id": {account}}
			_, err := newVerifier(t, stripeapps.VerifierConfig{Source: stripeapps.IDsInHeaders}).Verify(request)
			right = err == nil
		}
		if said := len(explanations) == 1 && explanations[0].Cause == explain.NothingWrong; said != right {
			t.Fatalf("accepted: %v, but: %v", right, explanations)
		}
		named := false // by a member's name, which may be told
		if members, err := stripejs.Members(body); err == nil {
			for _, m := range members {
				named = named || strings.Contains(m.Name, canary)
			}
		} else {
			named = true
		}
		macs := hexMACs.FindAllString(header, -1)
		for _, x := range explanations {
			assertOneSentence(t, x.Text)
			for _, secret := range append(macs, testSecret, "absec_other", "whsec_other") {
				if strings.Contains(x.Text, secret) {
					t.Fatal("a secret or a MAC is told")
				}
			}
			if !named && strings.Contains(x.Text, canary) {
				t.Fatalf("a value is told: %s", x.Text)
			}
		}
	})
}

// FuzzExplainEndpoint holds what is said of events and installs against the form of an
// Explanation, and of events against an events.Endpoint.
func FuzzExplainEndpoint(f *testing.F) {
	endpoint, err := events.NewEndpoint(events.Config{
		Secrets: []string{endpointSecret}, Accept: events.LiveAndTest, Now: fixedNow,
		Other: func(context.Context, events.Event) error { return nil },
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, vector := range golden.Events() {
		f.Add([]byte(vector.Payload), vector.Header, "", byte(0))
		f.Add([]byte(vector.Payload), "", "", byte(1))
		f.Add([]byte(vector.Payload), "", "", byte(2))
	}
	for _, vector := range golden.InstallVectors().Vectors {
		f.Add([]byte(nil), "", "/?"+vector.Query, byte(0))
	}
	f.Fuzz(func(t *testing.T, body []byte, header, address string, by byte) {
		switch by {
		case 1:
			header = sign(body, endpointSecret, testNow)
		case 2:
			header = sign(body, testSecret, testNow)
		}
		explanations := explain.Explain(explain.Received{
			Header: header, Body: body, InstallURL: address, EndpointSecrets: unlabeled(endpointSecret), Secrets: nil, Now: testNow,
			OtherSecrets: unlabeled(testSecret),
		})
		if len(explanations) == 0 {
			t.Fatal("nothing is said")
		}
		_, err := endpoint.Verify(body, header)
		if said := explanations[0].Cause == explain.NothingWrong; address == "" && said != (err == nil) {
			t.Fatalf("the endpoint says %v, but: %v", err, explanations)
		}
		for _, x := range explanations {
			assertOneSentence(t, x.Text)
			for _, secret := range append(hexMACs.FindAllString(header+address, -1), testSecret, endpointSecret) {
				if strings.Contains(x.Text, secret) {
					t.Fatal("a secret or a MAC is told")
				}
			}
		}
	})
}

var hexMACs = regexp.MustCompile(`[0-9a-f]{64}`)
