package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
	"github.com/seed-8a2ffb75/stripeapps/testdata/golden"
)

const testEvent = "{\n  \"id\": \"evt_1\",\n  \"object\": \"event\",\n  \"account\": \"acct_1\",\n  \"created\": 1699999990,\n" +
	"  \"data\": {\n    \"object\": {\n      \"id\": \"ca_1\"\n    }\n  },\n  \"livemode\": true,\n" +
	"  \"type\": \"account.application.deauthorized\"\n}"

// likeEvent is what an extension can have had signed.
const likeEvent = `{"id":"evt_1","object":"event","type":"x","created":1,"livemode":true,"data":{"object":{}},"user_id":"usr_1","account_id":"acct_1"}`

var testEventHeader = stripejs.Header([]byte(testEvent), judgedAt, testWebhookSecret)

// rawEvent is a saved request.
func rawEvent(header, body string) string {
	return "POST /stripe/events HTTP/1.1\r\nHost: h\r\nStripe-Signature: " + header + "\r\n\r\n" + body
}

func installTarget(state, secret string) string {
	m := &message{install: "/installed?user_id=usr_1&account_id=acct_1&state=" + state + "&install_signature="}
	header := stripejs.Header(installText(state, "usr_1", "acct_1"), judgedAt, secret)
	return m.install + strings.NewReplacer("=", "%3D", ",", "%2C").Replace(header)
}

func TestEventsAndInstallsAreVerifiedAndExplained(t *testing.T) {
	twoSecrets := write(t, "webhooks.txt", "# live, then stripe listen\nwhsec_live\n"+testWebhookSecret+"\n")
	compact := strings.NewReplacer("\n", "", " ", "").Replace(testEvent)
	const hint = "stripeapps explain, with the same input, says which mistake fits\n"
	accepted := "accepted: signed at 2023-11-14T22:13:20Z (0s ago), event account.application.deauthorized of acct_1 in live mode, evt_1"
	right := "https://app.example.com" + installTarget("x", testSecret)
	testCommands(t, []string{secretEnv, webhookEnv}, map[string]commandTest{
		"verify accepts an event": {
			args: words("verify -now 1700000000"), stdin: rawEvent(testEventHeader, testEvent), out: accepted + "\n",
		},
		"verify accepts an event without the app's secret": {
			args: words("verify -now 1700000000"), env: []string{webhookEnv}, stdin: rawEvent(testEventHeader, testEvent), out: accepted + "\n",
		},
		"verify says which of several secrets has signed an event": {
			args:  words("verify -now 1700000000 -webhook-secret-file " + twoSecrets),
			stdin: rawEvent(testEventHeader, testEvent), out: accepted + ", with line 3 of " + twoSecrets + "\n",
		},
		"verify prints an event as JSON": {
			args: words("verify -json -now 1700000000"), stdin: rawEvent(testEventHeader, testEvent),
			out: `{"kind":"event","accepted":true,"source":"body","account_id":"acct_1","event_type":"account.application.deauthorized",` +
				`"event_id":"evt_1","livemode":true,"signed_at":"2023-11-14T22:13:20Z"}` + "\n",
		},
		"verify refuses an event that was written anew": {
			args: words("verify -now 1700000000"), stdin: rawEvent(testEventHeader, compact), code: 1,
			out: "refused: no_match: no v1 signature matches the body: check that the secret is that of this webhook endpoint *",
		},
		"verify does not take the app's secret for an event": {
			args: words("verify -now 1700000000"), env: []string{secretEnv}, code: 2, stdin: rawEvent(testEventHeader, testEvent),
			err: "stripeapps: there is no webhook secret: set $STRIPE_WEBHOOK_SECRET *",
		},
		"verify does not take the endpoint's secret for a request": {
			args: words("verify -now 1700000000"), env: []string{webhookEnv}, code: 2, stdin: signedBody,
			err: "stripeapps: there is no secret: set $STRIPE_APP_SECRET *",
		},
		"verify refuses an app's secret as an endpoint's": {
			args: words("verify -now 1700000000"), env: []string{"STRIPE_WEBHOOK_SECRET=" + testSecret}, code: 2, stdin: rawEvent(testEventHeader, testEvent),
			err: "stripeapps: secret 1 of $STRIPE_WEBHOOK_SECRET looks like an app's signing secret (absec_…): *",
		},
		"verify does not mind the endpoint's secret for a request": {
			args: words("verify -now 1700000000"), env: []string{secretEnv, "STRIPE_WEBHOOK_SECRET=nonsense"}, stdin: signedBody,
			out: "accepted: signed for usr_1 of acct_1 *",
		},
		"verify takes a request that looks like an event for a request": {
			args:  words("verify -now 1700000000"),
			stdin: rawEvent(stripejs.Header([]byte(likeEvent), judgedAt, testSecret), likeEvent),
			out:   "accepted: signed for usr_1 of acct_1 *",
		},
		"verify takes a request whose signed ids come beside what looks like an event for a request": {
			args: append(words("verify -now 1700000000 -user usr_1 -account acct_1 -body"), `{"object":"event"}`, "-header", idsHeader),
			env:  []string{secretEnv},
			out:  "accepted: signed for usr_1 of acct_1 at 2023-11-14T22:13:20Z (0s ago), over the ids in the headers only: the body is not signed\n",
		},
		"explain does too": {
			args: append(words("explain -now 1700000000 -user usr_1 -account acct_1 -body"), `{"object":"event"}`, "-header", idsHeader),
			env:  []string{secretEnv}, out: "nothing_wrong: *",
		},
		"verify refuses what looks like an event that names an account as one": {
			args: words("verify -now 1700000000"), code: 1,
			stdin: rawEvent(testEventHeader, strings.Replace(testEvent, "{", `{"account_id":"acct_1",`, 1)),
			out:   "refused: no_match: no v1 signature matches the body: *",
		},
		"explain finds nothing wrong with an event": {
			args: words("explain -now 1700000000"), stdin: rawEvent(testEventHeader, testEvent), out: "nothing_wrong: *",
		},
		"explain finds an event that was written anew": {
			args: words("explain -now 1700000000"), stdin: rawEvent(testEventHeader, compact), code: 1, out: "reencoded: the event was parsed *",
		},
		"explain finds an event that the app's secret has signed": {
			args: words("explain -now 1700000000"), stdin: rawEvent(stripejs.Header([]byte(testEvent), judgedAt, testSecret), testEvent), code: 1,
			out: "event_secret: the event was signed with the secret labeled \"secret 1 of $STRIPE_APP_SECRET\", *",
		},
		"explain finds a request that an endpoint's secret has signed": {
			args: words("explain -now 1700000000"), stdin: rawEvent(stripejs.Header([]byte(body), judgedAt, testWebhookSecret), body), code: 1,
			out: "other_secret: the signature was made with the secret labeled \"secret 1 of $STRIPE_WEBHOOK_SECRET\", *",
		},
		"explain finds a request where only events are expected": {
			args: words("explain -now 1700000000"), env: []string{webhookEnv}, stdin: signedBody, code: 1,
			out: "request: what came is an extension's request and no event, *",
		},
		"explain says that there is no secret for an event": {
			args: words("explain -now 1700000000"), env: []string{secretEnv}, stdin: rawEvent(testEventHeader, testEvent), code: 1,
			out: "webhook: *",
			err: "stripeapps: note: this is an event, and there is no webhook secret: *",
		},

		"verify accepts an install": {
			args: words("verify -now 1700000000 -install " + right),
			out: "accepted: signed at 2023-11-14T22:13:20Z (0s ago), install by usr_1 of acct_1: whether the state is this browser's, " +
				"and unused, the backend has to tell\n",
		},
		"verify accepts an install that was saved": {
			args: words("verify -json -now 1700000000"), stdin: "GET " + installTarget("x", testSecret) + " HTTP/1.1\r\nHost: h\r\n\r\n",
			out: `{"kind":"install","accepted":true,"source":"query","user_id":"usr_1","account_id":"acct_1","signed_at":"2023-11-14T22:13:20Z"}` + "\n",
		},
		"verify refuses an install that an endpoint's secret has signed": {
			args: words("verify -now 1700000000 -install " + installTarget("x", testWebhookSecret)), code: 1,
			out: "refused: install_signature_refused: Stripe's confirmation of this install could not be verified: start again, and if that " +
				"does not help, tell whoever runs this site\n" + hint,
		},
		"verify refuses an install without a signature in the same words": {
			args: words("verify -install https://h/installed?state=x&user_id=usr_1&account_id=acct_1"), code: 1,
			out: "refused: install_signature_refused: Stripe's confirmation of this install could not be verified: *",
		},
		"verify refuses an install that was cancelled": {
			args: words("verify -now 1700000000 -install https://h/installed?error=access_denied"), code: 1,
			out: "refused: install_cancelled: the install was cancelled at Stripe: start again if that was not what you meant\n" + hint,
		},
		"verify says that nothing is signed in an install with OAuth": {
			args: words("verify -install https://h/connected?code=ac_1&state=x"), code: 1,
			out: "not verified: the redirect of an OAuth install, in which nothing is signed: *",
		},
		"verify refuses an install with OAuth that was begun at Stripe": {
			args: words("verify -install https://h/connected?code=ac_1"), code: 1,
			out: "refused: install_not_started: *",
		},
		"explain finds an install that was begun in the Marketplace": {
			args: words("explain -install https://h/installed"), code: 1,
			out: "install_not_started: there is neither a state nor an install_signature, *",
		},
		"explain finds an install whose state was changed": {
			args: words("explain -now 1700000000 -install " + installTarget("a%2Bb", testSecret)), code: 1, // and read as a+b
			out: "state_changed: *",
		},
		"explain finds an install that an endpoint's secret has signed": {
			args: words("explain -now 1700000000 -install " + installTarget("x", testWebhookSecret)), code: 1,
			out: "other_secret: the install was signed with the secret labeled \"secret 1 of $STRIPE_WEBHOOK_SECRET\", *",
		},
		"an install has no body": {
			args: words("verify -install https://h/ -body x"), code: 2,
			err: "stripeapps: -install and -body are both given: an install is in its address alone (see stripeapps verify -h)\n",
		},
		"an install is no file": {
			args: words("verify -install https://h/ r.http"), code: 2,
			err: "stripeapps: -install and a file are both given: give one of them (see stripeapps verify -h)\n",
		},
		"an install has an address": {
			args: []string{"explain", "-install", ""}, code: 2,
			err: "stripeapps: -install is not a URL, like https://app.example.com/installed?user_id=… (see stripeapps explain -h)\n",
		},
	})
}

// What an Endpoint or a Verifier accepts, verify accepts and explain finds nothing wrong with.
func TestTheSecretThatFitsDecidesWhatItIs(t *testing.T) {
	for _, ids := range []string{`"user_id":"usr_1"`, `"account_id":"acct_1"`, `"user_id":"usr_1","account_id":"acct_1"`} {
		// Without a version, user_id would be the account of an event of long ago.
		text := strings.TrimSuffix(testEvent, "\n}") + `,"api_version":"2026-10-28.endive",` + ids + "}"
		for secret, kind := range map[string]string{testWebhookSecret: kindEvent, testSecret: "request"} {
			raw := rawEvent(stripejs.Header([]byte(text), judgedAt, secret), text)
			isAccepted := kind == kindEvent || strings.Contains(ids, "user_id") && strings.Contains(ids, "account_id")
			for _, command := range []string{"verify", "explain"} {
				got := execute(t, raw, []string{secretEnv, webhookEnv}, command, "-now", "1700000000")
				assert.Equal(t, isAccepted, got.code == 0, "%s %s: %s", command, ids, got.out+got.err)
			}
		}
	}
}

// The verdict on an install is that of install.Link, but for what only that can tell.
func TestInstallsAreJudgedAsALinkDoes(t *testing.T) {
	installs := golden.InstallVectors()
	for _, vector := range installs.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			j := &judge{
				secrets: secrets{kind: appSecrets, values: vector.Secrets, places: vector.Secrets},
				now:     func() time.Time { return time.Unix(vector.Clock, 0) },
			}
			require.NoError(t, j.prepare())
			v := j.installVerdict(&message{install: installs.RedirectURI + "?" + vector.Query})
			switch vector.Expect {
			case "install_invalid_state", "install_expired", "install_other_browser", "install_used":
				return
			case "accepted":
				assert.True(t, v.accepted(), v.Code)
				assert.Equal(t, []string{vector.UserID, vector.AccountID}, []string{v.UserID, v.AccountID})
			default:
				assert.Equal(t, vector.Expect, v.Code)
			}
		})
	}
}

func TestEventsAreJudgedAsAnEndpointDoes(t *testing.T) {
	for _, vector := range golden.Events() {
		t.Run(vector.Name, func(t *testing.T) {
			j := &judge{
				webhookSecrets: secrets{kind: webhookSecrets, values: vector.Secrets, places: vector.Secrets},
				now:            func() time.Time { return time.Unix(vector.Clock, 0) },
			}
			require.NoError(t, j.prepareEndpoint())
			m := &message{header: http.Header{}, body: []byte(vector.Payload)}
			if vector.Header != "" {
				m.header.Set(signatureHeader, vector.Header)
			}
			v := j.eventVerdict(m)
			if vector.Expect == "accepted" {
				assert.True(t, v.accepted(), v.Code)
				assert.Equal(t, kindEvent, m.kind())
				assert.Equal(t, []any{vector.Event.ID, vector.Event.Type, vector.Event.Livemode}, []any{v.EventID, v.EventType, *v.Livemode})
				return
			}
			assert.Equal(t, vector.Expect, v.Code)
		})
	}
}

func TestServeReportsEventsAndInstalls(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if status, err := strconv.Atoi(r.Header.Get("Test-Status")); err == nil {
			w.WriteHeader(status)
		}
	}))
	defer backend.Close()
	webhookFile := write(t, "webhooks.txt", testWebhookSecret+"\n")
	stamp := judgedAt.Format(time.TimeOnly) + " "
	const (
		indent  = "         "
		perhaps = "if this path is where an install link leads back to:\n"
	)
	withWebhooks := []string{"-webhook-secret-file", webhookFile}
	eventHeader := http.Header{"Stripe-Signature": {testEventHeader}}
	status := func(header http.Header, code string) http.Header {
		header = header.Clone()
		header.Set("Test-Status", code)
		return header
	}
	compact := strings.NewReplacer("\n", "", " ", "").Replace(testEvent)
	fromStripe := http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Site": {"cross-site"}}
	for name, c := range map[string]struct {
		target, body string
		header       http.Header
		args         []string
		want         string
	}{
		"an event": {
			body: testEvent, header: eventHeader, args: withWebhooks,
			want: "POST /hook 200 accepted: event account.application.deauthorized of acct_1 in live mode, evt_1\n",
		},
		"an event, without a secret for it": {
			body: testEvent, header: eventHeader,
			want: "POST /hook 200 not verified: an event, and there is no webhook secret: set $STRIPE_WEBHOOK_SECRET to the webhook " +
				"endpoint's signing secret (whsec_…), or give -webhook-secret-file\n",
		},
		"an event that was written anew": {
			body: compact, header: eventHeader, args: withWebhooks,
			want: "POST /hook 200 refused event: no_match\n" + indent + "reencoded: the event was parsed *",
		},
		"an event that the app's secret has signed": {
			body: testEvent, header: http.Header{"Stripe-Signature": {stripejs.Header([]byte(testEvent), judgedAt, testSecret)}}, args: withWebhooks,
			want: "POST /hook 200 refused event: no_match\n" + indent + "event_secret: *",
		},
		"an event that is too old": {
			body: testEvent, header: http.Header{"Stripe-Signature": {stripejs.Header([]byte(testEvent), judgedAt.Add(-time.Hour), testWebhookSecret)}}, args: withWebhooks,
			want: "POST /hook 200 refused event: too_old\n" + indent + "too_old: the signature fits, but its time is 1h0m0s ago, *",
		},
		"an event that went to a route for extensions": {
			body: testEvent, header: status(eventHeader, "401"), args: withWebhooks,
			want: "POST /hook 401 verifies: event account.application.deauthorized of acct_1 in live mode, evt_1\n" + indent +
				"the signature fits, but the backend refused: see its response, and whether this path is that of its endpoint for " +
				"events, with this secret, and not of a route for extensions\n",
		},
		"a request that went to the endpoint for events": {
			body: body, header: http.Header{"Stripe-Signature": {bodyHeader}, "Test-Status": {"401"}}, args: withWebhooks,
			want: "POST /hook 401 verifies: usr_1 of acct_1, over the body\n" + indent +
				"the signature fits, but the backend refused: see its response, and where its route reads the ids, and whether it is " +
				"one for extensions, and not the endpoint for events\n",
		},
		"a request that an endpoint's secret has signed": {
			body: body, header: http.Header{"Stripe-Signature": {stripejs.Header([]byte(body), judgedAt, testWebhookSecret)}}, args: withWebhooks,
			want: "POST /hook 200 refused: no_match\n" + indent + "other_secret: *",
		},
		"an event as JSON": {
			body: testEvent, header: eventHeader, args: append([]string{"-json"}, withWebhooks...),
			want: `{"time":"2023-11-14T22:13:20Z","method":"POST","path":"/hook","status":200,"verdict":"accepted","kind":"event","accepted":true,*`,
		},

		"an install": {
			target: installTarget("x", testSecret),
			want: "GET /installed 200 accepted: install by usr_1 of acct_1: whether the state is this browser's, and unused, the " +
				"backend has to tell\n",
		},
		"an install that the backend refuses": {
			target: installTarget("x", testSecret), header: http.Header{"Test-Status": {"409"}},
			want: "GET /installed 409 verifies: install by usr_1 of acct_1: whether the state is this browser's, and unused, the backend " +
				"has to tell\n" + indent + "the signature fits, but the backend refused: see its response, and whether the state is too old, " +
				"used, or of another browser\n",
		},
		"an install that was cancelled": {
			target: "/installed?error=access_denied&error_description=x", header: http.Header{"Test-Status": {"400"}},
			want: "GET /installed 400 unsigned\n" + indent + perhaps + indent + "install_cancelled: the person has not agreed *",
		},
		"an error of somebody else's": {
			target: "/login/back?error=access_denied&state=x", header: fromStripe, want: "GET /login/back 200 unsigned\n",
		},
		"an install that has failed": {
			target: "/installed?error=server_error&state=x", header: status(fromStripe, "400"),
			want: "GET /installed 400 unsigned\n" + indent + perhaps + indent + "install_cancelled: the address says that the install has failed, *",
		},
		"an install whose signature was cut off": {
			target: "/installed?state=x&user_id=usr_1&account_id=acct_1", header: http.Header{"Test-Status": {"400"}},
			want: "GET /installed 400 unsigned\n" + indent + perhaps + indent + "install_not_signed: *",
		},
		"an install of which little has come": {
			target: "/installed?state=x&user_id=usr_1", header: status(fromStripe, "400"),
			want: "GET /installed 400 unsigned\n" + indent + perhaps + indent + "install_not_signed: *",
		},
		"a state and ids that are something else": {
			target: "/orders?state=open&user_id=7&account_id=8", want: "GET /orders 200 unsigned\n",
		},
		"a page that somebody has come to, and that refuses": {
			target: "/search?q=1", header: status(fromStripe, "400"), want: "GET /search 400 unsigned\n",
		},
		"an unsigned request where events and requests are verified": {
			body: "{}", header: http.Header{"Test-Status": {"401"}}, args: withWebhooks,
			want: "POST /hook 401 unsigned\n" + indent + "not_signed: there is no Stripe-Signature header: let the extension send the value " +
				"that fetchStripeSignature returns, or, if this is an event, let the one that Stripe sends arrive, and see that no proxy on " +
				"the way removes the header\n",
		},
		"an install with OAuth": {
			target: "/connected?code=ac_1&state=x", header: fromStripe,
			want: "GET /connected 200 unsigned: the redirect of an OAuth install, in which nothing is signed: whether its state is this " +
				"browser's, and unused, and its code good, the backend has to tell\n",
		},
		"an install with OAuth that the backend refuses": {
			target: "/connected?code=ac_1&state=x", header: status(fromStripe, "400"),
			want: "GET /connected 400 unsigned: the redirect of an OAuth install, in which nothing is signed: whether its state is this " +
				"browser's, and unused, and its code good, the backend has to tell\n" + indent + "the backend refused: see its response, " +
				"and whether the state is too old, used, or of another browser, and the code older than 5 minutes, used, or of another mode " +
				"than the key\n",
		},
		"an install with OAuth that was begun at Stripe": {
			target: "/connected?code=ac_1", header: status(fromStripe, "400"),
			want: "GET /connected 400 refused install: install_not_started\n" + indent + "install_not_started: the address brings a code and " +
				"no state, as where an OAuth install was begun at Stripe, *",
		},
		"a code of somebody else's": {
			target: "/login?code=4%2F0A&state=x", header: fromStripe, want: "GET /login 200 unsigned\n",
		},
		"an install that an endpoint's secret has signed": {
			target: installTarget("x", testWebhookSecret), args: withWebhooks,
			want: "GET /installed 200 refused install: install_signature_refused\n" + indent + "other_secret: *",
		},
		"an install that was begun in the Marketplace": {
			target: "/installed", header: status(fromStripe, "400"),
			want: "GET /installed 400 unsigned\n" + indent + perhaps + indent + "install_not_started: there is neither a state *",
		},
		"a page that somebody has come to": {
			target: "/", header: fromStripe, want: "GET / 200 unsigned\n",
		},
		"a post with the query of an install": {
			target: installTarget("x", testSecret), body: "x", want: "POST /installed 200 unsigned\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveInFrontOf(t, backend.URL, c.args...)
			method, target := http.MethodPost, "/hook"
			if c.target != "" {
				target = c.target
			}
			if c.body == "" {
				method = http.MethodGet
			}
			r, err := http.NewRequest(method, s.url+target, strings.NewReader(c.body))
			require.NoError(t, err)
			for name, values := range c.header {
				r.Header[name] = values
			}
			response, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			response.Body.Close()
			if !strings.HasPrefix(c.want, "{") {
				c.want = stamp + c.want
			}
			assertText(t, c.want, s.out.String())
			for _, secret := range []string{testSecret, testWebhookSecret, "install_signature=", "v1="} {
				assert.NotContains(t, s.out.String(), secret)
			}
			assert.Equal(t, 0, s.stop())
		})
	}
}

func TestServeWithSecretsOfOneKind(t *testing.T) {
	appFile, webhookFile := write(t, "app.txt", testSecret+"\n"), write(t, "webhooks.txt", testWebhookSecret+"\n")
	testCommands(t, []string{}, map[string]commandTest{
		"serve needs a secret of some kind": {
			args: words("serve -to http://127.0.0.1:1"), code: 2,
			err: "stripeapps: there is no secret: set $STRIPE_APP_SECRET to the app's signing secret (absec_…), or give -secret-file\n",
		},
		"serve refuses an app's secret as an endpoint's": {
			args: words("serve -to http://127.0.0.1:1 -webhook-secret-file " + appFile), code: 2,
			err: "stripeapps: line 1 of " + appFile + " looks like an app's signing secret (absec_…): use the webhook endpoint's *",
		},
		"serve refuses an endpoint's secret as an app's": {
			args: words("serve -to http://127.0.0.1:1 -secret-file " + webhookFile), code: 2,
			err: "stripeapps: line 1 of " + webhookFile + " looks like a webhook endpoint's signing secret (whsec_…): *",
		},
		"serve is content with an endpoint's secret": {
			args: words("serve -to http://127.0.0.1:1 -addr 192.0.2.1:1 -webhook-secret-file " + webhookFile), code: 3,
			err: "stripeapps: cannot listen: *",
		},
	})
}

func TestWithoutAnAppsSecretARequestIsNotVerified(t *testing.T) {
	j := &judge{webhookSecrets: secrets{kind: webhookSecrets, values: []string{testWebhookSecret}}, secrets: secrets{kind: appSecrets}, now: time.Now}
	require.NoError(t, j.prepareAll())
	for address, want := range map[string]string{"/?code=ac_1&state=x": "", "/?code=ac_1": "install_not_started", "/?error=access_denied": "install_cancelled"} {
		v := j.verdict(&message{install: address})
		assert.Equal(t, want, v.Code, "needs no secret")
		assert.NotContains(t, v.Detail, "secret")
	}
	signedWithCode := &message{install: installTarget("x", testSecret) + "&code=ac_1"}
	for _, m := range []*message{{target: "/", body: []byte(body)}, {install: "/installed"}, signedWithCode} {
		v := j.verdict(m)
		assert.Nil(t, v.Accepted)
		assert.Contains(t, v.Detail, "there is no secret: set $STRIPE_APP_SECRET")
	}
}

func TestAWebhooksSecretIsNotShown(t *testing.T) {
	p := &proxy{judge: &judge{webhookSecrets: secrets{kind: webhookSecrets, values: []string{"hunter2hunter2"}}}}
	assert.Equal(t, "(an odd method)", p.shownMethod("hunter2hunter2"))
}

func TestAnEventDoesNotNameAUserOfAnAccount(t *testing.T) {
	for body, want := range map[string]bool{
		testEvent:                    true,
		`{"object":"event"}`:         true, // and no good one
		`{"object":"v2.core.event"}`: true,
		likeEvent:                    false,
		`{"object":"event","user_id":"usr_1","account_id":"acct_1"}`: false,
		`{"object":"event","account_id":"acct_1"}`:                   true,
		`{"object":"charge"}`:                                        false,
		`"event"`:                                                    false,
		``:                                                           false,
	} {
		assert.Equal(t, want, isEvent([]byte(body)), body)
	}
}
