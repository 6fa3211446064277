package main

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/explain"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

func TestExplain(t *testing.T) {
	otherOnly := write(t, "other.txt", otherSecret+"\n")
	others := write(t, "others.txt", "# of other apps\nthe other app="+testSecret+"\n")
	badOthers := write(t, "bad-others.txt", "\nabsec_nolabel\n")
	bodyFile := write(t, "body.json", body)
	pretty := write(t, "pretty.json", "{\n  \"amount\": 1250,\n  \"user_id\": \"usr_1\",\n  \"account_id\": \"acct_1\"\n}")
	var gzipped, deflated bytes.Buffer
	zip := gzip.NewWriter(&gzipped)
	flat, err := flate.NewWriter(&deflated, flate.BestSpeed)
	require.NoError(t, err)
	for _, w := range []io.WriteCloser{zip, flat} {
		io.WriteString(w, body)
		require.NoError(t, w.Close())
	}
	compressed := write(t, "body.gz", gzipped.String())
	testCommands(t, []string{secretEnv}, map[string]commandTest{
		"explain finds nothing wrong": {
			args: words("explain -now 1700000000"), code: 0,
			stdin: signedBody,
			out:   "nothing_wrong: *",
		},
		"explain finds nothing wrong with a header that was split into lines": {
			args:  words("explain -now 1700000000"),
			stdin: strings.Replace(signedBody, ",v1=", "\r\nStripe-Signature: v1=", 1),
			out:   "nothing_wrong: *",
		},
		"explain finds a pretty-printed body": {
			args: []string{"explain", "-now", "1700000000", "-header", bodyHeader, "-body-file", pretty}, code: 1,
			out: "pretty_printed: *",
		},
		"explain finds a compressed body": {
			args: []string{"explain", "-now", "1700000000", "-header", bodyHeader, "-body-file", compressed}, code: 1,
			out: "compressed: the body is compressed (gzip): put *",
		},
		"explain finds a compressed body by its Content-Encoding": {
			args: words("explain -now 1700000000"), code: 1,
			stdin: "POST / HTTP/1.1\r\nStripe-Signature: " + bodyHeader + "\r\nContent-Encoding: deflate\r\n\r\n" + deflated.String(),
			out:   "compressed: the body is compressed (deflate): put *",
		},
		"explain finds the secret of another app": {
			args: words("explain -now 1700000000 -secret-file " + otherOnly + " -other-secrets-file " + others),
			code: 1, env: []string{},
			stdin: signedBody,
			out:   "other_secret: *",
		},
		"explain finds nothing wrong with ids beside an unsigned body": {
			args: append(words("explain -now 1700000000 -user usr_1 -account acct_1 -body x -header"), idsHeader),
			out:  "nothing_wrong: *",
		},
		"explain finds swapped ids beside an unsigned body": {
			code: 1,
			args: append(words("explain -now 1700000000 -user acct_1 -account usr_1 -body {} -header"), idsHeader),
			out:  "ids_swapped: *",
		},
		"explain finds no reason": {
			code: 1,
			args: append(words("explain -now 1700000000 -user usr_2 -account acct_1 -body x -header"), idsHeader),
			out:  "unknown: *",
		},
		"explain prints JSON": {
			args: words("explain -json -now 1700000000"), code: 0,
			stdin: signedBody,
			out:   `{"cause":"nothing_wrong","text":"*`,
		},
		"explain names a padded secret by where it is": {
			args: words("explain -now 1700000000"), env: []string{"STRIPE_APP_SECRET= " + testSecret}, code: 1,
			stdin: signedBody,
			out:   "secret_padded: the secret labeled \"secret 1 of $STRIPE_APP_SECRET\" has white space*",
		},
		"explain refuses a line without a label": {
			args: words("explain -other-secrets-file " + badOthers), code: 2,
			err: "stripeapps: line 2 of " + badOthers + " is not label=secret: write one of these a line\n",
		},
		"explain needs a secret of some kind": {
			args: words("explain"), env: []string{noSecretEnv}, code: 2,
			err: "stripeapps: there is no secret: set $STRIPE_APP_SECRET to the app's signing secret " +
				"(absec_…), or give -secret-file\n",
		},
		"explain names a body that has no request": {
			args: words("explain " + bodyFile), code: 2,
			err: "stripeapps: " + bodyFile +
				": this is a body, without the request: give it with -body-file, and the signature with " +
				"-header\n",
		},
		"explain prints no escape of a header": {
			code: 1,
			args: []string{
				"explain", "-header", "t=\x1b[31m1,v1=\x1b[31m", "-body",
				"{\"\\u001b[31m\":1,\"user_id\":\"\\u001b[31m\",\"account_id\":\"\u009b31m\"}",
			},
			out: "*",
		},
		"explain prints no escape of ids": {
			args: []string{"explain", "-header", idsHeader, "-user", "\x1b[31m", "-account", "\u009b31m"}, code: 1,
			out: "*",
		},
	})
}

const judgedSecret = "absec_0123456789"

var judgedAt = time.Unix(1700000000, 0)

func newTestJudge() *judge {
	return &judge{
		secrets:   secrets{values: []string{judgedSecret}, places: []string{"$STRIPE_APP_SECRET"}},
		now:       func() time.Time { return judgedAt },
		tolerance: stripeapps.DefaultTolerance,
	}
}

func signedFor(t *testing.T, payload []byte, user string) string {
	text, err := stripejs.Payload(payload, user, "acct_1")
	require.NoError(t, err)
	return stripejs.Header(text, judgedAt, judgedSecret)
}

func TestIDsThatAreSentTwiceAreNotRight(t *testing.T) {
	m := &message{target: "/", header: http.Header{
		"Stripe-Signature": {signedFor(t, nil, "usr_1")}, "Stripe-User-Id": {"usr_1", "usr_1"}, "Stripe-Account-Id": {"acct_1"},
	}}
	found := newTestJudge().explain(m)
	require.NotEmpty(t, found)
	assert.Equal(t, explain.Cause("no_identity"), found[0].Cause)
}

func TestASecretInTheBodyIsNotShown(t *testing.T) {
	m := &message{target: "/", header: http.Header{"Stripe-Signature": {signedFor(t, []byte(`{"a":1}`), "usr_1")}},
		body: []byte(`{"a":1,"` + judgedSecret + `":2,"user_id":"usr_1","account_id":"acct_1"}`)}
	for _, f := range newTestJudge().explain(m) {
		assert.Equal(t, explain.Cause("unsigned_members"), f.Cause)
		assert.NotContains(t, f.Text, judgedSecret)
	}
}

func TestAMissingUserIsExplainedAsTheFlagSays(t *testing.T) {
	m := &message{target: "/", header: http.Header{
		"Stripe-Signature": {signedFor(t, nil, "")}, "Stripe-Account-Id": {"acct_1"},
	}}
	j := newTestJudge()
	assert.Equal(t, explain.Cause("no_user"), j.explain(m)[0].Cause)
	j.allowMissingUser = true
	assert.Equal(t, explain.NothingWrong, j.explain(m)[0].Cause)
}

func TestAMethodIsShownOnlyIfItIsOne(t *testing.T) {
	p := &proxy{judge: newTestJudge()}
	assert.Equal(t, "PATCH", p.shownMethod("PATCH"))
	for _, odd := range []string{judgedSecret, "whsec_abc", strings.Repeat("A", 33)} {
		assert.Equal(t, "(an odd method)", p.shownMethod(odd))
	}
}
