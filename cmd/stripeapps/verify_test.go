package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVerify(t *testing.T) {
	otherOnly := write(t, "other.txt", otherSecret+"\n")
	bodyFile := write(t, "body.json", body)
	accepted := "accepted: signed for usr_1 of acct_1 at 2023-11-14T22:13:20Z (0s ago), over the body\n"
	hint := "stripeapps explain, with the same input, says which mistake fits\n"
	curlV := "*   Trying 127.0.0.1:80...\r\n> POST /api/refunds HTTP/1.1\r\n> Host: x\r\n" +
		"> Stripe-Signature: " + bodyHeader + "\r\n> Content-Length: 55\r\n> \r\n" +
		"} [55 bytes data]\n< HTTP/1.1 401 Unauthorized\r\n< \r\n{}"
	testCommands(t, []string{secretEnv}, map[string]commandTest{
		"verify accepts a saved request": {args: words("verify -now 1700000000"), stdin: signedBody, out: accepted},
		"verify accepts one with LF and a line break at its end": {
			args:  words("verify -now 1700000000"),
			stdin: strings.ReplaceAll(signedBody, "\r\n", "\n") + "\n",
			out:   accepted,
		},
		"verify accepts what flags give": {
			args: []string{"verify", "-now", "2023-11-14T22:13:20Z", "-header", bodyHeader, "-body", body},
			out:  accepted,
		},
		"verify accepts a header with its name": {
			args: []string{
				"verify", "-now", "1700000000", "-header", "stripe-signature: " + bodyHeader, "-body-file",
				bodyFile,
			},
			out: accepted,
		},
		"verify accepts the body on standard input": {
			args:  []string{"verify", "-now", "1700000000", "-header", bodyHeader, "-body-file", "-"},
			stdin: body,
			out:   accepted,
		},
		"verify accepts the output of curl -v with its body": {
			args:  words("verify -now 1700000000 -body-file " + bodyFile),
			stdin: curlV,
			out:   accepted,
		},
		"verify reads a file": {
			args: words("verify -now 1700000060 " + write(t, "r.http", signedBody)),
			out:  strings.Replace(accepted, "0s ago", "1m0s ago", 1),
		},
		"verify says which of several secrets fits": {
			args: words("verify -now 1700000000"), env: []string{"STRIPE_APP_SECRET=absec_next," + testSecret},
			stdin: signedBody,
			out:   strings.Replace(accepted, "over", "with secret 2 of $STRIPE_APP_SECRET over", 1),
		},
		"verify says which line fits, in JSON": {
			args:  words("--json verify -now 1700000000 -secret-file " + write(t, "s.txt", "absec_next\n"+testSecret+"\n")),
			stdin: signedBody,
			out: `{"accepted":true,"source":"body","user_id":"usr_1","account_id":"acct_1",` +
				`"signed_at":"2023-11-14T22:13:20Z","secret":"line 2 of *`,
		},
		"verify accepts a header that was split into lines": {
			args:  words("verify -now 1700000000"),
			stdin: strings.Replace(signedBody, ",v1=", "\r\nStripe-Signature: v1=", 1),
			out:   accepted,
		},
		"verify prints JSON": {
			args:  words("--json verify -now 1700000000"),
			stdin: signedBody,
			out: `{"accepted":true,"source":"body","user_id":"usr_1","account_id":"acct_1",` +
				`"signed_at":"2023-11-14T22:13:20Z"}` + "\n",
		},
		"verify says why not": {
			args: words("verify -now 1700000301"), code: 1,
			stdin: signedBody,
			out: "refused: too_old: the signature is older than the tolerance: call fetchStripeSignature for " +
				"each request, and check the server's clock\n" + hint,
		},
		"verify says why not as JSON": {
			args: words("verify -json -now 1699999699"), code: 1,
			stdin: signedBody,
			out: `{"accepted":false,"code":"too_new","detail":"the signature's time is in the future by more ` +
				`than the tolerance: check the server's clock"}` + "\n",
		},
		"verify takes a tolerance": {
			args:  words("verify -now 1700003600 -tolerance 1h"),
			stdin: signedBody,
			out:   strings.Replace(accepted, "0s ago", "1h0m0s ago", 1),
		},
		"verify wants the right secret": {
			args: words("verify -json -now 1700000000 -secret-file " + otherOnly), code: 1,
			stdin: signedBody,
			out: `{"accepted":false,"code":"no_match","detail":"no v1 signature matches the payload: send ` +
				`exactly the text that was signed, compact JSON with user_id and account_id last, and check ` +
				`that the secret is that of this app"}` + "\n",
		},
		"verify says that there is no header": {
			args: []string{"verify", "-header", "", "-body", body}, code: 1,
			out: "refused: not_signed: the request has no Stripe-Signature header: send the value that " +
				"fetchStripeSignature returns\n" + hint,
		},
		"verify misses the body of curl -v": {
			args: words("verify"), code: 2,
			stdin: curlV,
			err: "stripeapps: the request has a body, which is not in what was read (curl -v does not show " +
				"it): give it with -body-file\n",
		},
		"verify names the line that it cannot read": {
			args: words("verify"), code: 2,
			stdin: "POST / HTTP/1.1\nHost: x\nwhat is this\n\n",
			err: "stripeapps: standard input: line 3: this is not a header, like Stripe-Signature: t=…: an " +
				"empty line ends the headers\n",
		},
		"verify refuses nothing": {
			args: words("verify"), code: 2,
			err: "stripeapps: standard input: there is no request in it: give a saved HTTP request or the " +
				"output of curl -v, or -header and -body-file\n",
		},
		"verify refuses too much": {
			args: words("verify"), code: 2,
			stdin: strings.Repeat("x", maxInputBytes+1),
			err:   "stripeapps: standard input is larger than 2 MiB: reproduce it with a smaller request\n",
		},
		"verify refuses a file that is not there": {
			args: words("verify /nowhere/r.http"), code: 2,
			err: "stripeapps: open /nowhere/r.http: no such file or directory: give a file that exists and can " +
				"be read\n",
		},
		"verify refuses two inputs": {
			args: words("verify -header x r.http"), code: 2,
			err: "stripeapps: -header and a file are both given: give one of them (see stripeapps verify -h)\n",
		},
		"verify refuses a tolerance of nothing": {
			args: words("verify -tolerance 0s"), code: 2,
			err: "stripeapps: invalid value \"0s\" for flag -tolerance: give more than 0 and at most 24h, like " +
				"5m (see stripeapps verify -h)\n",
		},
		"verify says that the body has ids of its own": {
			args: append(words("verify -now 1700000000 -user usr_2 -body-file "+bodyFile+" -header"), bodyHeader),
			out:  accepted,
			err: "stripeapps: note: the body holds ids of its own: -user and -account are headers beside it, " +
				"and do not replace them\n",
		},
		"verify prints no escape of ids": {
			args: []string{"verify", "-header", idsHeader, "-user", "\x1b[31m", "-account", "\u009b31m"}, code: 1,
			out: "refused: *",
		},
	})
}

// What sign prints is what verify reads, in each of the three ways.
func TestVerifyAcceptsWhatSignPrints(t *testing.T) {
	for _, args := range [][]string{
		{"-payload", `{"text":"it's \u2028 é <&> \ud800","10":1e21,"2":-0}`},
		{"-ids-in", "body"}, {"-ids-in", "headers"}, {"-ids-in", "query"},
		{"-payload", `{"a":1}`, "-url", "http://h/p?q=1&user_id=usr_evil"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			signed := execute(t, "", []string{secretEnv}, append([]string{"sign", "-as", "http", "-time", "1700000000"}, args...)...)
			require.Equal(t, 0, signed.code, signed.err)
			verified := execute(t, signed.out, []string{secretEnv}, "verify", "-now", "1700000000")
			assert.Equal(t, 0, verified.code, verified.out+verified.err)
			explained := execute(t, signed.out, []string{secretEnv}, "explain", "-now", "1700000000")
			assert.Equal(t, 0, explained.code, explained.out+explained.err)
		})
	}
}
