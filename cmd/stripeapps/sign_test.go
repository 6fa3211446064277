package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const usageOfSign = " (see stripeapps sign -h)\n"

func TestSign(t *testing.T) {
	twoSecrets := write(t, "secrets.txt", "# new, then old\n"+testSecret+"\n\n"+otherSecret+"\r\n")
	webhookSecret := write(t, "webhook.txt", "whsec_abc\n")
	noSecrets := write(t, "none.txt", "# later\n\n")
	bodyFile := write(t, "body.json", body)
	testCommands(t, []string{secretEnv}, map[string]commandTest{
		"sign prints a curl command whose quotes a shell takes apart again": {
			args: []string{
				"sign", "-payload", `{"name":"it's"}`, "-time", "1700000000", "-user", "usr_1", "-account",
				"acct_1",
			},
			out: "curl -isS 'http://127.0.0.1:4241/api/echo' \\\n  -H 'Origin: null' \\\n  -H 'Content-Type: application/json' \\\n" +
				"  -H 'Stripe-Signature: t=1700000000,v1=%s' \\\n" +
				"  --data-binary '{\"name\":\"it'\\''s\",\"user_id\":\"usr_1\",\"account_id\":\"acct_1\"}'\n",
		},
		"sign prints the header alone": {
			args: []string{
				"sign", "-payload", `{"amount":1250}`, "-time", "1700000000", "-user", "usr_1", "-account",
				"acct_1", "-as", "header",
			},
			out: "t=1700000000,v1=%s\n",
		},
		"sign has a v1 for each secret": {
			args: words("sign -as header -time 2023-11-14T22:13:20Z -secret-file " + twoSecrets),
			env:  []string{noSecretEnv},
			out:  "t=1700000000,v1=%s,v1=%s\n",
		},
		"sign reads the payload from standard input": {
			args: words("sign -payload - -as http -time 1700000000 -user usr_1 -account acct_1 -url " +
				"https://api.example.com/api/refunds"),
			stdin: ` { "amount": 1250 } `,
			out:   strings.Replace(signedBody, bodyHeader, "t=1700000000,v1=%s", 1),
		},
		"sign reads the payload from a file": {
			args: words("sign -payload-file " + bodyFile + " -as header -time 1700000000"),
			out:  "t=1700000000,v1=%s\n",
		},
		"sign without a payload sends the ids in headers": {
			args: words("sign -as http -time 1700000000"),
			out: "GET /api/whoami HTTP/1.1\r\nHost: 127.0.0.1:4241\r\nOrigin: null\r\nStripe-Signature: t=1700000000,v1=%s\r\n" +
				"Stripe-User-Id: usr_test\r\nStripe-Account-Id: acct_test\r\n\r\n",
		},
		"sign sends the ids in the query": {
			args: words("sign -ids-in query -time 1700000000 -url http://h/p?x=[1]"),
			out: "curl -isS -g 'http://h/p?x=[1]&user_id=usr_test&account_id=acct_test' \\\n" +
				"  -H 'Origin: null' \\\n  -H 'Stripe-Signature: t=1700000000,v1=%s'\n",
		},
		"sign sends the ids as the body": {
			args: words("sign -ids-in body -method PUT -time 1700000000"),
			out: "curl -isS -X 'PUT' 'http://127.0.0.1:4241/api/echo' \\\n" +
				"  -H 'Origin: null' \\\n  -H 'Content-Type: application/json' \\\n  -H 'Stripe-Signature: t=1700000000,v1=%s' \\\n" +
				"  --data-binary '{\"user_id\":\"usr_test\",\"account_id\":\"acct_test\"}'\n",
		},
		"sign prints JSON": {
			args: []string{"sign", "-json", "-payload", `{"a":"<&>"}`, "-time", "1700000000"},
			out: `{"method":"POST","url":"http://127.0.0.1:4241/api/echo",` +
				`"headers":{"Content-Type":"application/json","Origin":"null","Stripe-Signature":"t=1700000000,v1=%s"},` +
				`"body":"{\"a\":\"<&>\",\"user_id\":\"usr_test\",\"account_id\":\"acct_test\"}",` +
				`"stripe_signature":"t=1700000000,v1=%s","signed_at":"2023-11-14T22:13:20Z"}` + "\n",
		},
		"sign says that a backend refuses what it has signed": {
			args: []string{"sign", "-payload", `{"state":"x"}`, "-as", "header", "-time", "1700000000"},
			out:  "t=1700000000,v1=%s\n",
			err: "stripeapps: note: a backend refuses this, as it does if Stripe signs it: the signature has " +
				"the form of an install link's (state is the only other member) and is not accepted for an " +
				"API request: sign at least one other member (install_signature)\n",
		},
		"sign needs a secret": {
			args: words("sign"), env: []string{noSecretEnv}, code: 2,
			err: "stripeapps: there is no secret: set $STRIPE_APP_SECRET to the app's signing secret " +
				"(absec_…), or give -secret-file\n",
		},
		"sign refuses a padded secret, and does not show it": {
			args: words("sign"), env: []string{"STRIPE_APP_SECRET=absec_a, absec_b"}, code: 2,
			err: "stripeapps: secret 2 of $STRIPE_APP_SECRET has white space or a line break around it: remove it\n",
		},
		"sign refuses a secret that is there twice": {
			args: words("sign"), env: []string{"STRIPE_APP_SECRET=absec_a,absec_b,absec_a"}, code: 2,
			err: "stripeapps: secret 3 of $STRIPE_APP_SECRET equals secret 1 of $STRIPE_APP_SECRET: give each " +
				"secret once\n",
		},
		"sign names each secret that is wrong": {
			args: words("sign -payload -"), env: []string{"STRIPE_APP_SECRET=absec_a,,absec_"}, code: 2,
			err: "stripeapps: secret 2 of $STRIPE_APP_SECRET is blank: use the app's signing secret " +
				"(absec_…), shown on the app's page in the Stripe Dashboard; secret 3 of $STRIPE_APP_SECRET " +
				"has nothing after absec_: *",
		},
		"sign refuses more secrets than are tried": {
			args: words("sign"), code: 2,
			env: []string{"STRIPE_APP_SECRET=absec_1,absec_2,absec_3,absec_4,absec_5,absec_6,absec_7,absec_8,absec_9," +
				"absec_10,absec_11,absec_12,absec_13,absec_14,absec_15,absec_16,absec_17"},
			err: "stripeapps: Secrets has 17 entries, more than 16: *",
		},
		"sign refuses a webhook's secret": {
			args: words("sign -secret-file " + webhookSecret), code: 2, env: []string{},
			err: "stripeapps: line 1 of " + webhookSecret +
				" looks like a webhook endpoint's signing secret (whsec_…): use the app's signing secret " +
				"(absec_…), shown on the app's page in the Stripe Dashboard\n",
		},
		"sign does not print a payload that holds the secret": {
			args: words("sign -payload -"), code: 2,
			stdin: `{"a":"` + testSecret + `"}`,
			err:   "stripeapps: the request holds the secret itself: take it out of the payload and the URL\n",
		},
		"sign does not print such a payload as JSON": {
			args: words("sign -json -as header -payload -"), code: 2,
			stdin: `{"a":"\u0061bsec_test"}`,
			err:   "stripeapps: the request holds the secret itself: take it out of the payload and the URL\n",
		},
		"sign refuses a payload that is no object": {
			args: words("sign -payload [1]"), code: 2,
			err: "stripeapps: the payload is not a JSON object: give one like {\"amount\":1250}" + usageOfSign,
		},
		"sign refuses an id that is none": {
			args: words("sign -user usr-1"), code: 2,
			err: "stripeapps: invalid value \"usr-1\" for flag -user: an id is 1 to 255 letters, digits and " +
				"underscores, like usr_123 and acct_123" + usageOfSign,
		},
		"sign refuses a time that is none": {
			args: words("sign -time yesterday"), code: 2,
			err: "stripeapps: invalid value \"yesterday\" for flag -time: give RFC 3339, like " +
				"2026-01-02T15:04:05Z, or Unix seconds" + usageOfSign,
		},
		"sign refuses another format": {
			args: words("sign -as xml"), code: 2,
			err: "stripeapps: invalid value \"xml\" for flag -as: give one of curl, header, http, url" + usageOfSign,
		},
		"sign shows no secret as a format": {
			args: words("sign -as hunter2hunter2"), env: []string{"STRIPE_APP_SECRET=hunter2hunter2"}, code: 2,
			err: "stripeapps: " + secretRefusal + "\n",
		},
		"sign refuses another place": {
			args: words("sign -ids-in cookie"), code: 2,
			err: "stripeapps: invalid value \"cookie\" for flag -ids-in: give one of body, headers, query" +
				usageOfSign,
		},
		"sign refuses a payload that is not sent": {
			args: words("sign -payload {} -ids-in headers"), code: 2,
			err: "stripeapps: with -ids-in headers only the ids are signed: leave the payload out, or the ids " +
				"in the body" + usageOfSign,
		},
		"sign refuses two payloads": {
			args: words("sign -payload {} -payload-file " + bodyFile), code: 2,
			err: "stripeapps: -payload and -payload-file are both given: give one of them" + usageOfSign,
		},
		"sign refuses a URL without a host": {
			args: words("sign -url /api"), code: 2,
			err: "stripeapps: -url is not an absolute http or https URL without a password, like " +
				"http://127.0.0.1:4241/api/echo" + usageOfSign,
		},
		"sign refuses a method with a space": {
			args: []string{"sign", "-method", "GET /"}, code: 2,
			err: "stripeapps: invalid value \"GET /\" for flag -method: this is not the name of a method, like " +
				"POST" + usageOfSign,
		},
		"sign refuses what is left over": {
			args: words("sign payload.json"), code: 2,
			err: "stripeapps: \"payload.json\" is neither a flag nor the value of one" + usageOfSign,
		},
		"a secret-file without secrets says so": {
			args: words("sign -secret-file " + noSecrets), code: 2, env: []string{},
			err: "stripeapps: " + noSecrets +
				" has no secret: write the app's signing secret (absec_…) on a line of its own\n",
		},
		"sign refuses a GET with a body": {
			args: words("sign -method GET -payload {}"), code: 2,
			err: "stripeapps: a browser sends no body with -method GET: leave the payload out, for ids in the " +
				"headers, or take another method" + usageOfSign,
		},
		"sign refuses a HEAD with a body": {
			args: words("sign -method head -ids-in body"), code: 2,
			err: "stripeapps: a browser sends no body with -method head: *",
		},
		"sign refuses a URL with a line break": {
			args: []string{"sign", "-url", "http://h/a\nb"}, code: 2,
			err: "stripeapps: -url is not *",
		},
	})
}

// A shell must hand curl the very bytes that were signed.
func TestShellTakesTheCurlCommandApart(t *testing.T) {
	payload := "{\n\"text\":\"it's '' $HOME `id` \\\\ \\\" \u2028 !x %s\"}"
	signed := execute(t, "", []string{secretEnv},
		"sign", "-payload", payload, "-url", "http://h/a'b?c=$(id)", "-method", "A'$B")
	require.Equal(t, 0, signed.code, signed.err)
	shell := exec.Command("sh", "-c", "curl() { for argument; do printf '%s\\n' \"$argument\"; done; }\n"+signed.out)
	out, err := shell.Output()
	require.NoError(t, err)
	lines := strings.Split(string(out), "\n")
	assert.Equal(t, []string{"-isS", "-X", "A'$B", "http://h/a'b?c=$(id)"}, lines[:4])
	members := strings.ReplaceAll(strings.TrimSuffix(payload, "}"), "\n", "")
	assert.Equal(t, members+`,"user_id":"usr_test","account_id":"acct_test"}`, lines[11])
}
