package explain_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/explain"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
	"github.com/seed-8a2ffb75/stripeapps/testdata/golden"
)

const (
	endpointSecret = "whsec_test_secret"

	// snapshotEvent is written as Stripe writes it: the id and the object first, and the
	// other members by their names.
	snapshotEvent = `{
  "id": "evt_1",
  "object": "event",
  "account": "acct_123",
  "api_version": "2026-10-28.endive",
  "created": 1699999990,
  "data": {
    "object": {
      "id": "ca_1",
      "object": "application",
      "images": [],
      "name": "Ä <b> & 😀"
    }
  },
  "livemode": true,
  "type": "account.application.deauthorized"
}`
	thinEvent = `{"id":"evt_1","object":"v2.core.event","type":"v1.account.application.deauthorized","livemode":true,"created":"2023-11-14T22:13:10.246Z","context":"acct_123"}`
)

func receivedEvent(event string) explain.Received {
	return explain.Received{
		Header:          stripejs.Header([]byte(event), testNow, endpointSecret),
		Body:            []byte(event),
		Secrets:         unlabeled(testSecret),
		EndpointSecrets: unlabeled(endpointSecret),
		Now:             testNow,
	}
}

// parsedAnew is what a framework makes of a body.
func parsedAnew(text string) []byte {
	var parsed any
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		panic(err)
	}
	written, err := json.Marshal(parsed)
	if err != nil {
		panic(err)
	}
	return written
}

func compactly(text string) []byte {
	canonical, err := stripejs.Stringify([]byte(text))
	if err != nil {
		panic(err)
	}
	return canonical
}

func withIDs(object string) []byte {
	text, err := stripejs.Payload([]byte(object), "usr_123", "acct_123")
	if err != nil {
		panic(err)
	}
	return text
}

// explanationTest is what is received, but for what make changes, and the causes that
// are found, with a text that is in each, in their order.
type explanationTest struct {
	name   string
	make   func(*explain.Received)
	causes []explain.Cause
	texts  []string
}

func (test explanationTest) run(t *testing.T, r explain.Received) {
	t.Helper()
	test.make(&r)
	var causes []explain.Cause
	for i, x := range explain.Explain(r) {
		causes = append(causes, x.Cause)
		assertOneSentence(t, x.Text)
		for _, secret := range []string{endpointSecret, testSecret} {
			assert.NotContains(t, x.Text, secret)
		}
		if i < len(test.texts) {
			assert.Contains(t, x.Text, test.texts[i])
		}
	}
	assert.Equal(t, test.causes, causes)
	assert.LessOrEqual(t, len(test.texts), len(causes))
}

func TestExplainFindsWhatIsWrongWithAnEvent(t *testing.T) {
	type c = []explain.Cause
	const asSent = "verify the bytes of the event as Stripe sends them"
	body := func(body []byte) func(*explain.Received) {
		return func(r *explain.Received) { r.Body = body }
	}
	by := func(secret string) func(*explain.Received) {
		return func(r *explain.Received) { r.Header = stripejs.Header(r.Body, testNow, secret) }
	}
	signed := func(text string) func(*explain.Received) {
		return func(r *explain.Received) {
			r.Body, r.Header = []byte(text), stripejs.Header([]byte(text), testNow, endpointSecret)
		}
	}
	endpoints := func(secrets ...string) func(*explain.Received) {
		return func(r *explain.Received) { r.EndpointSecrets = unlabeled(secrets...) }
	}
	header := func(change func(string) string) func(*explain.Received) {
		return func(r *explain.Received) { r.Header = change(r.Header) }
	}
	at := func(d time.Duration) func(*explain.Received) {
		return func(r *explain.Received) { r.Now = testNow.Add(d) }
	}
	all := func(changes ...func(*explain.Received)) func(*explain.Received) {
		return func(r *explain.Received) {
			for _, change := range changes {
				change(r)
			}
		}
	}
	noAppSecrets := func(r *explain.Received) { r.Secrets = nil }
	for _, test := range []explanationTest{
		{"nothing", func(*explain.Received) {}, c{"nothing_wrong"}, []string{"an event that can be read in one way only"}},
		{"nothing, where only events are received", noAppSecrets, c{"nothing_wrong"}, nil},
		{"nothing, and a thin event", signed(thinEvent), c{"nothing_wrong"}, nil},
		{"nothing, and an event over 1 MiB", signed(strings.Replace(snapshotEvent, "ca_1", strings.Repeat("x", 1<<20), 1)), c{"nothing_wrong"}, nil},

		{"parsed, and written anew by JavaScript", body(compactly(snapshotEvent)), c{"reencoded"}, []string{"as by a framework's JSON parser: verify the bytes of the body as they come"}},
		{"parsed, and written anew from a Go map", body(parsedAnew(snapshotEvent)), c{"reencoded"}, nil},
		{"a thin event that was pretty-printed", all(signed(thinEvent), body(indent(thinEvent, "", "  "))), c{"reencoded"}, nil},
		{"indented by four spaces", body(indent(snapshotEvent, "", "    ")), c{"reencoded"}, nil},
		{"a line break behind it", body([]byte(snapshotEvent + "\n")), c{"trailing_space"}, []string{asSent}},
		{"a line break behind it, and written anew", body(append(parsedAnew(snapshotEvent), '\n')), c{"trailing_space", "reencoded"}, nil},
		{"a byte order mark", body([]byte("\uFEFF" + snapshotEvent)), c{"byte_order_mark"}, []string{asSent}},
		{"within a JSON string", body(func() []byte { b, _ := json.Marshal(snapshotEvent); return b }()), c{"encoded_twice"}, []string{asSent}},
		{"base64", body([]byte(base64.StdEncoding.EncodeToString([]byte(snapshotEvent)))), c{"base64"}, nil},
		{"a whole Lambda event", body(event(eventV2, snapshotEvent, true)), c{"lambda_event"}, []string{"turn the event into a request by an adapter"}},
		{"compressed", body(gzipped(snapshotEvent)), c{"compressed"}, nil},
		{"compressed in a way that cannot be undone", all(body([]byte("\xff\xfe\xfd")), noAppSecrets, func(r *explain.Received) { r.ContentEncoding = "br" }), c{"compressed"}, nil},
		{"cut short", all(body([]byte(snapshotEvent[:100])), noAppSecrets), c{"cut_short"}, []string{"after 100 bytes: see that no limit"}},
		{"no body", all(body(nil), noAppSecrets), c{"body_gone"}, []string{"put whatever else reads the body behind the endpoint"}},
		{"one byte changed", body([]byte(strings.Replace(snapshotEvent, "acct_123", "acct_124", 1))), c{"unknown"}, []string{"each has its own and stripe listen another"}},

		{"the app's secret", by(testSecret), c{"event_secret"}, []string{"signed with Secrets[0], which is no webhook endpoint's: Stripe signs no event with it"}},
		{"the app's secret, and written anew", all(by(testSecret), body(compactly(snapshotEvent))), c{"reencoded", "event_secret"}, nil},
		{"the app's secret in place of the endpoint's", all(by(testSecret), endpoints(testSecret), noAppSecrets), c{"secret_kind"}, []string{"EndpointSecrets[0] looks like an app's signing secret (absec_…): use the webhook endpoint's"}},
		{"an API key in place of the endpoint's secret", endpoints("sk_test_x"), c{"secret_kind"}, []string{"looks like a secret API key"}},
		{"a padded secret", endpoints(endpointSecret + "\n"), c{"secret_padded"}, []string{"EndpointSecrets[0] has white space"}},
		{"two secrets in one", endpoints("whsec_next," + endpointSecret), c{"secret_padded"}, []string{"give each secret an entry of its own"}},
		{"the secret of another endpoint, which is known", all(endpoints("whsec_live"), func(r *explain.Received) {
			r.OtherSecrets = []stripeapps.LabeledSecret{{Label: "stripe listen", Secret: endpointSecret}}
		}), c{"other_secret"}, []string{`signed with the secret labeled "stripe listen", which is not one of those in use here: each endpoint has its own`}},
		{"the secret of another endpoint, which is not", endpoints("whsec_live"), c{"unknown"}, []string{"check that the secret is that of the endpoint that has this URL"}},

		{"kept for an hour", at(time.Hour), c{"too_old"}, []string{"Stripe signs anew each time that it sends one, or, if the event was just sent, set this server's clock back by 1h0m0s"}},
		{"from the future", at(-time.Hour), c{"clock_behind"}, nil},
		{"written anew, and too old", all(body(compactly(snapshotEvent)), at(time.Hour)), c{"too_old", "reencoded"}, nil},
		{"no header", header(func(string) string { return "" }), c{"not_signed"}, []string{"let the value that Stripe sends with the event arrive, and see that no proxy"}},
		{"a header that was cut off", header(func(h string) string { return h[:len(h)-1] }), c{"header_malformed"}, []string{"that Stripe sends with the event arrive, unchanged and once"}},
		{"a header that was percent-encoded", header(func(h string) string { return strings.ReplaceAll(h, "=", "%3D") }), c{"header_changed"}, nil},
		{"a header twice", header(func(h string) string { return h + "," + h }), c{"header_changed"}, nil},
		{"two headers", header(func(h string) string { return h + ",t=1,v1=" + strings.Repeat("0", 64) }), c{"two_signatures"}, []string{"Stripe sent with this event arrive alone"}},

		{"an event without an id", signed(`{"object":"event","type":"x"}`), c{"malformed_event"}, []string{"the signature fits, but the signed body is not an event"}},
		{"an event with two accounts", signed(strings.Replace(snapshotEvent, "{", `{"account":"acct_evil",`, 1)), c{"malformed_event"}, nil},
		{"a list, where only events are received", all(signed("[]"), noAppSecrets), c{"malformed_event"}, nil},
		{"what is no event, where only events are received", all(body([]byte(`{"a":1}`)), noAppSecrets), c{"unknown"}, []string{"which is no event of Stripe's either: let Stripe alone call this route"}},

		{"an extension's request, where only events are received", func(r *explain.Received) {
			*r = received(plain)
			r.Secrets, r.EndpointSecrets = nil, unlabeled(endpointSecret)
		}, c{"request"}, []string{"an extension's request and no event, and there are only endpoints' secrets to verify it with: send it to a route behind the chain"}},
		{"ids in headers, where only events are received", func(r *explain.Received) {
			*r = received(onlyIDs)
			r.Body, r.UserID, r.AccountID, r.Secrets, r.EndpointSecrets = nil, "usr_123", "acct_123", nil, unlabeled(endpointSecret)
		}, c{"request"}, nil},
		{"an extension's request, where only events are received, with the app's secret among the others", func(r *explain.Received) {
			*r = received(plain)
			r.Secrets, r.EndpointSecrets, r.OtherSecrets = nil, unlabeled(endpointSecret), unlabeled(testSecret)
		}, c{"request"}, []string{"there are only endpoints' secrets to verify it with"}},
		{"an extension's request that has an endpoint's signature, where only events are received", all(signed(plain), noAppSecrets), c{"request"}, []string{"signed with a webhook endpoint's secret, with which Stripe signs none"}},
		{"an extension's request with an endpoint's signature", signed(plain), c{"other_secret"}, []string{"made with EndpointSecrets[0], which is a webhook endpoint's and signs no extension's requests"}},
		{"an extension's request beside endpoints", func(r *explain.Received) {
			*r = received(plain)
			r.EndpointSecrets = unlabeled(endpointSecret)
		}, c{"nothing_wrong"}, []string{"the payload names the user"}},
		{"an extension's request that looks like an event", func(r *explain.Received) {
			*r = received(`{"object":"event","user_id":"usr_123","account_id":"acct_123"}`)
			r.EndpointSecrets = unlabeled(endpointSecret)
		}, c{"nothing_wrong"}, []string{"the payload names the user"}},
		{"an extension's request whose payload is an event", all(body(withIDs(snapshotEvent)), by(testSecret)), c{"nothing_wrong"}, []string{"the payload names the user"}},
		{"an extension's request whose payload is an event, changed on its way", all(body(withIDs(snapshotEvent)), by(testSecret), body(append(withIDs(snapshotEvent), ' '))), c{"trailing_space"}, nil},
		{"an event that names a user", signed(string(withIDs(snapshotEvent))), c{"nothing_wrong"}, []string{"an event that can be read"}},
		{"an event that names a user, where only events are received", all(signed(string(withIDs(snapshotEvent))), noAppSecrets), c{"nothing_wrong"}, nil},
		{"an event where none are expected", endpoints(), c{"webhook"}, []string{"give webhooks a route of their own, outside this middleware, which package events serves"}},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, receivedEvent(snapshotEvent)) })
	}
}

// Whatever the body says, nothing is wrong exactly where an Endpoint or a Verifier accepts.
func TestNothingIsWrongWithWhatIsAccepted(t *testing.T) {
	verifier := newVerifier(t, stripeapps.VerifierConfig{})
	endpoint, err := events.NewEndpoint(events.Config{
		Secrets: []string{endpointSecret}, Accept: events.LiveAndTest, Now: fixedNow,
		Other: func(context.Context, events.Event) error { return nil },
	})
	require.NoError(t, err)
	accepted := 0
	for _, object := range []string{thinEvent, `{"id":"evt_1","object":"event"}`, `{"object":"event"}`, `{"amount":1250}`, `{}`} {
		for _, ids := range []string{"", `"user_id":"usr_1"`, `"account_id":"acct_1"`, `"user_id":"usr_1","account_id":"acct_1"`, `"account_id":"acct_1","user_id":"usr_1"`} {
			text := strings.ReplaceAll(strings.TrimSuffix(object, "}")+","+ids+"}", "{,", "{")
			text = strings.ReplaceAll(text, ",}", "}")
			for _, body := range []string{text, text + "\n"} {
				for _, secret := range []string{testSecret, endpointSecret, "absec_other", "whsec_other"} {
					header := sign(text, secret, testNow)
					_, asRequest := verifier.VerifyIdentity([]byte(body), header, time.Time{})
					_, asEvent := endpoint.Verify([]byte(body), header)
					for kinds, want := range map[string]bool{"both": asRequest == nil || asEvent == nil, "requests": asRequest == nil, "events": asEvent == nil} {
						r := explain.Received{Header: header, Body: []byte(body), Now: testNow}
						if kinds != "events" {
							r.Secrets = unlabeled(testSecret)
						}
						if kinds != "requests" {
							r.EndpointSecrets = unlabeled(endpointSecret)
						}
						found := explain.Explain(r)
						assert.Equal(t, want, found[0].Cause == explain.NothingWrong, "%s of %s by %s: %v", kinds, body, secret, found)
						if want {
							accepted++
						}
					}
				}
			}
		}
	}
	assert.NotZero(t, accepted)
}

func TestExplainAgreesWithTheGoldenEvents(t *testing.T) {
	known := map[string][]explain.Cause{
		"parsed, and written again":               {"reencoded"},
		"one second older than the tolerance":     {"too_old"},
		"a byte changed":                          {"unknown"},
		"account twice":                           {"malformed_event"},
		"no signature":                            {"not_signed"},
		"a header that was sent twice and joined": {"header_changed"},
	}
	for _, vector := range golden.Events() {
		t.Run(vector.Name, func(t *testing.T) {
			var causes []explain.Cause
			for _, x := range explain.Explain(explain.Received{Header: vector.Header, Body: []byte(vector.Payload), EndpointSecrets: unlabeled(vector.Secrets...), Now: time.Unix(vector.Clock, 0)}) {
				causes = append(causes, x.Cause)
				assertOneSentence(t, x.Text)
			}
			require.NotEmpty(t, causes)
			if vector.Expect == "accepted" {
				assert.Equal(t, []explain.Cause{"nothing_wrong"}, causes)
				return
			}
			assert.NotContains(t, causes, explain.NothingWrong)
			if want, ok := known[vector.Name]; ok {
				assert.Equal(t, want, causes)
				delete(known, vector.Name)
			}
		})
	}
	assert.Empty(t, known, "no vector has this name")
}
