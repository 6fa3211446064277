package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// binary is the built command.
var binary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "stripeapps")
	if err == nil {
		binary = filepath.Join(folder, "stripeapps")
		err = exec.Command("go", "build", "-o", binary, ".").Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot build the command:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

const (
	testSecret  = "absec_test"
	otherSecret = "absec_other"
	secretEnv   = "STRIPE_APP_SECRET=" + testSecret
	noSecretEnv = "STRIPE_APP_SECRET="
)

// result is what a run of the binary leaves.
type result struct {
	out, err string
	code     int
}

func execute(t *testing.T, stdin string, env []string, args ...string) result {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return result{out.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// write writes a file for a test, and returns its name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func words(s string) []string { return strings.Fields(s) }

const (
	body        = `{"amount":1250,"user_id":"usr_1","account_id":"acct_1"}`
	bodyHeader  = "t=1700000000,v1=a4870d4be9471d5afe72f75d5b786f4e2ceb6217bddd7dcd00af63108ad7e9b2"
	idsHeader   = "t=1700000000,v1=7b479d4aa847bb91774f4179ee79192a213714debfb3f462a5b7b38006ece07a"
	signedBody  = "POST /api/refunds HTTP/1.1\r\nHost: api.example.com\r\nContent-Type: application/json\r\nStripe-Signature: " + bodyHeader + "\r\nContent-Length: 55\r\n\r\n" + body
	usageOfSign = " (see stripeapps sign -h)\n"
)

// TestCommands runs the binary: arguments, standard input and environment on one
// side, both outputs and the exit code on the other.
func TestCommands(t *testing.T) {
	twoSecrets := write(t, "secrets.txt", "# new, then old\n"+testSecret+"\n\n"+otherSecret+"\r\n")
	otherOnly := write(t, "other.txt", otherSecret+"\n")
	webhookSecret := write(t, "webhook.txt", "whsec_abc\n")
	others := write(t, "others.txt", "# of other apps\nthe other app="+testSecret+"\n")
	badOthers := write(t, "bad-others.txt", "\nabsec_nolabel\n")
	noSecrets := write(t, "none.txt", "# later\n\n")
	bodyFile := write(t, "body.json", body)
	pretty := write(t, "pretty.json", "{\n  \"amount\": 1250,\n  \"user_id\": \"usr_1\",\n  \"account_id\": \"acct_1\"\n}")
	manifestFile := write(t, "stripe-app.json", `{"id":"com.example.app","version":"1.0.0","name":"A","icon":"./i.png","permissions":[],
"ui_extension":{"content_security_policy":{"connect-src":["https://api.example.com/v1/"],"image-src":["https://img.example.com/a.png"],"purpose":"to show refunds"}},
"allowed_redirect_uris":["https://example.com/installed"]}`)
	brokenManifest := write(t, "broken.json", "{\n  \"id\":,\n}")

	accepted := "accepted: signed for usr_1 of acct_1 at 2023-11-14T22:13:20Z (0s ago), over the body\n"
	hint := "stripeapps explain, with the same input, says which mistake fits\n"
	curlV := "*   Trying 127.0.0.1:80...\r\n> POST /api/refunds HTTP/1.1\r\n> Host: x\r\n> Stripe-Signature: " + bodyHeader + "\r\n> Content-Length: 55\r\n> \r\n} [55 bytes data]\n< HTTP/1.1 401 Unauthorized\r\n< \r\n{}"

	for name, c := range map[string]struct {
		args  []string
		stdin string
		env   []string
		out   string
		err   string
		code  int
	}{
		// sign
		"sign prints a curl command whose quotes a shell takes apart again": {
			args: []string{"sign", "-payload", `{"name":"it's"}`, "-time", "1700000000", "-user", "usr_1", "-account", "acct_1"}, env: []string{secretEnv},
			out: "curl -i 'http://127.0.0.1:4242/api/echo' \\\n  -H 'Content-Type: application/json' \\\n  -H 'Stripe-Signature: t=1700000000,v1=%s' \\\n  --data-binary '{\"name\":\"it'\\''s\",\"user_id\":\"usr_1\",\"account_id\":\"acct_1\"}'\n",
		},
		"sign prints the header alone":                        {args: []string{"sign", "-payload", `{"amount":1250}`, "-time", "1700000000", "-user", "usr_1", "-account", "acct_1", "-as", "header"}, env: []string{secretEnv}, out: "t=1700000000,v1=%s\n"},
		"sign has a v1 for each secret":                       {args: words("sign -as header -time 2023-11-14T22:13:20Z -secret-file " + twoSecrets), env: []string{noSecretEnv}, out: "t=1700000000,v1=%s,v1=%s\n"},
		"sign reads the payload from standard input":          {args: words("sign -payload - -as http -time 1700000000 -user usr_1 -account acct_1 -url https://api.example.com/api/refunds"), stdin: ` { "amount": 1250 } `, env: []string{secretEnv}, out: strings.Replace(signedBody, bodyHeader, "t=1700000000,v1=%s", 1)},
		"sign reads the payload from a file":                  {args: words("sign -payload-file " + bodyFile + " -as header -time 1700000000"), env: []string{secretEnv}, out: "t=1700000000,v1=%s\n"},
		"sign without a payload sends the ids in headers":     {args: words("sign -as http -time 1700000000"), env: []string{secretEnv}, out: "GET /api/whoami HTTP/1.1\r\nHost: 127.0.0.1:4242\r\nStripe-Signature: t=1700000000,v1=%s\r\nStripe-User-Id: usr_test\r\nStripe-Account-Id: acct_test\r\n\r\n"},
		"sign sends the ids in the query":                     {args: words("sign -ids-in query -time 1700000000 -url http://h/p?x=[1]"), env: []string{secretEnv}, out: "curl -i -g 'http://h/p?x=[1]&user_id=usr_test&account_id=acct_test' \\\n  -H 'Stripe-Signature: t=1700000000,v1=%s'\n"},
		"sign sends the ids as the body":                      {args: words("sign -ids-in body -method PUT -time 1700000000"), env: []string{secretEnv}, out: "curl -i -X 'PUT' 'http://127.0.0.1:4242/api/echo' \\\n  -H 'Content-Type: application/json' \\\n  -H 'Stripe-Signature: t=1700000000,v1=%s' \\\n  --data-binary '{\"user_id\":\"usr_test\",\"account_id\":\"acct_test\"}'\n"},
		"sign prints JSON":                                    {args: []string{"sign", "-json", "-payload", `{"a":"<&>"}`, "-time", "1700000000"}, env: []string{secretEnv}, out: `{"method":"POST","url":"http://127.0.0.1:4242/api/echo","headers":{"Content-Type":"application/json","Stripe-Signature":"t=1700000000,v1=%s"},"body":"{\"a\":\"<&>\",\"user_id\":\"usr_test\",\"account_id\":\"acct_test\"}","stripe_signature":"t=1700000000,v1=%s","signed_at":"2023-11-14T22:13:20Z"}` + "\n"},
		"sign says that a backend refuses what it has signed": {args: []string{"sign", "-payload", `{"state":"x"}`, "-as", "header", "-time", "1700000000"}, env: []string{secretEnv}, out: "t=1700000000,v1=%s\n", err: "stripeapps: note: a backend refuses this, as it does if Stripe signs it: the signature has the form of an install link's (state is the only other member) and is not accepted for an API request: sign at least one other member (install_signature)\n"},
		"sign needs a secret":                                 {args: words("sign"), env: []string{noSecretEnv}, err: "stripeapps: there is no secret: set $STRIPE_APP_SECRET to the app's signing secret (absec_…), or give -secret-file\n", code: 2},
		"sign refuses a padded secret, and does not show it":  {args: words("sign"), env: []string{"STRIPE_APP_SECRET=absec_a, absec_b"}, err: "stripeapps: secret 2 of $STRIPE_APP_SECRET has white space or a line break around it: remove it\n", code: 2},
		"sign refuses a secret that is there twice":           {args: words("sign"), env: []string{"STRIPE_APP_SECRET=absec_a,absec_b,absec_a"}, err: "stripeapps: secret 3 of $STRIPE_APP_SECRET equals secret 1 of $STRIPE_APP_SECRET: give each secret once\n", code: 2},
		"sign names each secret that is wrong":                {args: words("sign -payload -"), env: []string{"STRIPE_APP_SECRET=absec_a,,absec_"}, err: "stripeapps: secret 2 of $STRIPE_APP_SECRET is blank: use the app's signing secret (absec_…), shown on the app's page in the Stripe Dashboard; secret 3 of $STRIPE_APP_SECRET has nothing after absec_: *", code: 2},
		"sign refuses more secrets than are tried":            {args: words("sign"), env: []string{"STRIPE_APP_SECRET=absec_1,absec_2,absec_3,absec_4,absec_5,absec_6,absec_7,absec_8,absec_9,absec_10,absec_11,absec_12,absec_13,absec_14,absec_15,absec_16,absec_17"}, err: "stripeapps: Secrets has 17 entries, more than 16: *", code: 2},
		"sign refuses a webhook's secret":                     {args: words("sign -secret-file " + webhookSecret), err: "stripeapps: the secret in line 1 of " + webhookSecret + " looks like a webhook endpoint's signing secret (whsec_…): use the app's signing secret (absec_…), shown on the app's page in the Stripe Dashboard\n", code: 2},
		"sign does not print a payload that holds the secret": {args: words("sign -payload -"), stdin: `{"a":"` + testSecret + `"}`, env: []string{secretEnv}, err: "stripeapps: the request holds the secret itself: take it out of the payload and the URL\n", code: 2},
		"nor as JSON": {args: words("sign -json -as header -payload -"), stdin: `{"a":"\u0061bsec_test"}`, env: []string{secretEnv}, err: "stripeapps: the request holds the secret itself: take it out of the payload and the URL\n", code: 2},
		"sign refuses a payload that is no object":              {args: words("sign -payload [1]"), env: []string{secretEnv}, err: "stripeapps: the payload is not a JSON object: give one like {\"amount\":1250}" + usageOfSign, code: 2},
		"sign refuses an id that is none":                       {args: words("sign -user usr-1"), env: []string{secretEnv}, err: "stripeapps: invalid value \"usr-1\" for flag -user: an id is 1 to 255 letters, digits and underscores, like usr_123 and acct_123" + usageOfSign, code: 2},
		"sign refuses a time that is none":                      {args: words("sign -time yesterday"), env: []string{secretEnv}, err: "stripeapps: invalid value \"yesterday\" for flag -time: give RFC 3339, like 2026-01-02T15:04:05Z, or Unix seconds" + usageOfSign, code: 2},
		"sign refuses another format":                           {args: words("sign -as xml"), env: []string{secretEnv}, err: "stripeapps: invalid value \"xml\" for flag -as: give one of curl, header, http" + usageOfSign, code: 2},
		"sign shows no secret as a format":                      {args: words("sign -as hunter2hunter2"), env: []string{"STRIPE_APP_SECRET=hunter2hunter2"}, err: "stripeapps: " + secretRefusal + "\n", code: 2},
		"sign refuses another place":                            {args: words("sign -ids-in cookie"), env: []string{secretEnv}, err: "stripeapps: invalid value \"cookie\" for flag -ids-in: give one of body, headers, query" + usageOfSign, code: 2},
		"sign refuses a payload that is not sent":               {args: words("sign -payload {} -ids-in headers"), env: []string{secretEnv}, err: "stripeapps: with -ids-in headers only the ids are signed: leave the payload out, or the ids in the body" + usageOfSign, code: 2},
		"sign refuses two payloads":                             {args: words("sign -payload {} -payload-file " + bodyFile), env: []string{secretEnv}, err: "stripeapps: -payload and -payload-file are both given: give one of them" + usageOfSign, code: 2},
		"sign refuses a URL without a host":                     {args: words("sign -url /api"), env: []string{secretEnv}, err: "stripeapps: -url is not an absolute http or https URL without a password, like http://127.0.0.1:4242/api/echo" + usageOfSign, code: 2},
		"sign refuses a method with a space":                    {args: []string{"sign", "-method", "GET /"}, env: []string{secretEnv}, err: "stripeapps: invalid value \"GET /\" for flag -method: this is not the name of a method, like POST" + usageOfSign, code: 2},
		"sign refuses what is left over":                        {args: words("sign payload.json"), env: []string{secretEnv}, err: "stripeapps: \"payload.json\" is neither a flag nor the value of one" + usageOfSign, code: 2},
		"a secret on the command line is refused and not shown": {args: words("sign -secret absec_9"), err: "stripeapps: " + secretRefusal + "\n", code: 2},
		"so is the one that is configured":                      {args: words("verify -tolerance=hunter2hunter2"), env: []string{"STRIPE_APP_SECRET=x,hunter2hunter2"}, err: "stripeapps: " + secretRefusal + "\n", code: 2},
		"so is a webhook's":                                     {args: words("verify --secret=whsec_9"), err: "stripeapps: " + secretRefusal + "\n", code: 2},
		"so is an API key":                                      {args: words("verify -secret sk_abc"), err: "stripeapps: " + secretRefusal + "\n", code: 2},
		"so is an API key within a URL":                         {args: words("sign -url https://h/?k=rk_test_1"), err: "stripeapps: " + secretRefusal + "\n", code: 2},

		// verify
		"verify accepts a saved request":                         {args: words("verify -now 1700000000"), stdin: signedBody, env: []string{secretEnv}, out: accepted},
		"verify accepts one with LF and a line break at its end": {args: words("verify -now 1700000000"), stdin: strings.ReplaceAll(signedBody, "\r\n", "\n") + "\n", env: []string{secretEnv}, out: accepted},
		"verify accepts what flags give":                         {args: []string{"verify", "-now", "2023-11-14T22:13:20Z", "-header", bodyHeader, "-body", body}, env: []string{secretEnv}, out: accepted},
		"verify accepts a header with its name":                  {args: []string{"verify", "-now", "1700000000", "-header", "stripe-signature: " + bodyHeader, "-body-file", bodyFile}, env: []string{secretEnv}, out: accepted},
		"verify accepts the body on standard input":              {args: []string{"verify", "-now", "1700000000", "-header", bodyHeader, "-body-file", "-"}, stdin: body, env: []string{secretEnv}, out: accepted},
		"verify accepts the output of curl -v with its body":     {args: words("verify -now 1700000000 -body-file " + bodyFile), stdin: curlV, env: []string{secretEnv}, out: accepted},
		"verify reads a file":                                    {args: words("verify -now 1700000060 " + write(t, "r.http", signedBody)), env: []string{secretEnv}, out: strings.Replace(accepted, "0s ago", "1m0s ago", 1)},
		"verify prints JSON":                                     {args: words("--json verify -now 1700000000"), stdin: signedBody, env: []string{secretEnv}, out: `{"accepted":true,"source":"body","user_id":"usr_1","account_id":"acct_1","signed_at":"2023-11-14T22:13:20Z"}` + "\n"},
		"verify says why not":                                    {args: words("verify -now 1700000301"), stdin: signedBody, env: []string{secretEnv}, out: "refused: too_old: the signature is older than the tolerance: call fetchStripeSignature for each request, and check the server's clock\n" + hint, code: 1},
		"verify says why not as JSON":                            {args: words("verify -json -now 1699999699"), stdin: signedBody, env: []string{secretEnv}, out: `{"accepted":false,"code":"too_new","detail":"the signature's time is in the future by more than the tolerance: check the server's clock"}` + "\n", code: 1},
		"verify takes a tolerance":                               {args: words("verify -now 1700003600 -tolerance 1h"), stdin: signedBody, env: []string{secretEnv}, out: strings.Replace(accepted, "0s ago", "1h0m0s ago", 1)},
		"verify wants the right secret":                          {args: words("verify -json -now 1700000000 -secret-file " + otherOnly), stdin: signedBody, env: []string{secretEnv}, out: `{"accepted":false,"code":"no_match","detail":"no v1 signature matches the payload: send exactly the text that was signed, compact JSON with user_id and account_id last, and check that the secret is that of this app"}` + "\n", code: 1},
		"verify says that there is no header":                    {args: []string{"verify", "-header", "", "-body", body}, env: []string{secretEnv}, out: "refused: not_signed: the request has no Stripe-Signature header: send the value that fetchStripeSignature returns\n" + hint, code: 1},
		"verify misses the body of curl -v":                      {args: words("verify"), stdin: curlV, env: []string{secretEnv}, err: "stripeapps: the request has a body, which is not in what was read (curl -v does not show it): give it with -body-file\n", code: 2},
		"verify names the line that it cannot read":              {args: words("verify"), stdin: "POST / HTTP/1.1\nHost: x\nwhat is this\n\n", env: []string{secretEnv}, err: "stripeapps: standard input: line 3: this is not a header, like Stripe-Signature: t=…: an empty line ends the headers\n", code: 2},
		"verify refuses nothing":                                 {args: words("verify"), env: []string{secretEnv}, err: "stripeapps: standard input: there is no request in it: give a saved HTTP request or the output of curl -v, or -header and -body-file\n", code: 2},
		"verify refuses too much":                                {args: words("verify"), stdin: strings.Repeat("x", maxInputBytes+1), env: []string{secretEnv}, err: "stripeapps: standard input is larger than 2 MiB: reproduce it with a smaller request\n", code: 2},
		"verify refuses a file that is not there":                {args: words("verify /nowhere/r.http"), env: []string{secretEnv}, err: "stripeapps: open /nowhere/r.http: no such file or directory: give a file that exists and can be read\n", code: 2},
		"verify refuses two inputs":                              {args: words("verify -header x r.http"), env: []string{secretEnv}, err: "stripeapps: -header and a file are both given: give one of them (see stripeapps verify -h)\n", code: 2},
		"verify refuses a tolerance of nothing":                  {args: words("verify -tolerance 0s"), env: []string{secretEnv}, err: "stripeapps: invalid value \"0s\" for flag -tolerance: give more than 0 and at most 24h, like 5m (see stripeapps verify -h)\n", code: 2},

		// explain
		"explain finds nothing wrong":                                  {args: words("explain -now 1700000000"), stdin: signedBody, env: []string{secretEnv}, out: "nothing_wrong: *", code: 0},
		"explain finds a pretty-printed body":                          {args: []string{"explain", "-now", "1700000000", "-header", bodyHeader, "-body-file", pretty}, env: []string{secretEnv}, out: "pretty_printed: *", code: 1},
		"explain finds the secret of another app":                      {args: words("explain -now 1700000000 -secret-file " + otherOnly + " -other-secrets-file " + others), stdin: signedBody, out: "other_secret: *", code: 1},
		"explain finds nothing wrong with ids beside an unsigned body": {args: append(words("explain -now 1700000000 -user usr_1 -account acct_1 -body x -header"), idsHeader), env: []string{secretEnv}, out: "nothing_wrong: *"},
		"explain finds swapped ids beside an unsigned body":            {args: append(words("explain -now 1700000000 -user acct_1 -account usr_1 -body {} -header"), idsHeader), env: []string{secretEnv}, out: "ids_swapped: *", code: 1},
		"explain finds no reason":                                      {args: append(words("explain -now 1700000000 -user usr_2 -account acct_1 -body x -header"), idsHeader), env: []string{secretEnv}, out: "unknown: *", code: 1},
		"explain prints JSON":                                          {args: words("explain -json -now 1700000000"), stdin: signedBody, env: []string{secretEnv}, out: `{"cause":"nothing_wrong","text":"*`, code: 0},
		"explain names a padded secret by where it is":                 {args: words("explain -now 1700000000"), stdin: signedBody, env: []string{"STRIPE_APP_SECRET= " + testSecret}, out: "secret_padded: secret 1 of $STRIPE_APP_SECRET *", code: 1},
		"explain refuses a line without a label":                       {args: words("explain -other-secrets-file " + badOthers), env: []string{secretEnv}, err: "stripeapps: line 2 of " + badOthers + " is not label=secret: write one of these a line\n", code: 2},
		"explain needs a secret of some kind":                          {args: words("explain"), env: []string{noSecretEnv}, err: "stripeapps: there is no secret: set $STRIPE_APP_SECRET to the app's signing secret (absec_…), or give -secret-file\n", code: 2},

		// pkce
		"pkce prints a pair":                {args: words("pkce"), out: "code_verifier         *"},
		"pkce check finds that a pair fits": {args: words("pkce check -verifier dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk -challenge E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), out: "fits: the verifier is that of the challenge\n"},
		"pkce check finds that it does not": {args: words("pkce check -json -verifier sk_jftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk -challenge E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), out: `{"fits":false,"code":"invalid_grant","detail":"*`, code: 1},
		"pkce check needs both":             {args: words("pkce check -verifier x"), err: "stripeapps: -verifier and -challenge are both needed (see stripeapps pkce check -h)\n", code: 2},
		"pkce suggests its subcommand":      {args: words("pkce chek"), err: "stripeapps: there is no command \"chek\": did you mean \"check\"? (see stripeapps pkce -h)\n", code: 2},

		// manifest
		"manifest allows a URL":                    {args: words("manifest allows " + manifestFile + " https://api.example.com/v1/refunds"), out: "https://api.example.com/v1/refunds: allowed: *"},
		"manifest does not allow another":          {args: words("manifest allows -json " + manifestFile + " https://api.example.com/v1/refunds https://example.org/"), out: `{"url":"https://api.example.com/v1/refunds","allowed":true,"reason":"*`, code: 1},
		"manifest allows an image":                 {args: words("manifest allows -image " + manifestFile + " https://img.example.com/a.png"), out: "https://img.example.com/a.png: allowed: *"},
		"manifest allows a redirect":               {args: words("manifest allows -redirect " + manifestFile + " https://example.com/installed"), out: "https://example.com/installed: allowed: *"},
		"manifest check finds nothing":             {args: words("manifest check " + manifestFile), out: manifestFile + ": nothing found\n"},
		"manifest check prints JSON":               {args: words("manifest check -json " + manifestFile), out: `{"file":"` + manifestFile + `","ok":true,"findings":[]}` + "\n"},
		"manifest check finds what is not JSON":    {args: words("manifest check " + brokenManifest), out: brokenManifest + ":2:*", code: 1},
		"manifest check refuses what is not there": {args: words("manifest check /nowhere/stripe-app.json"), err: "stripeapps: /nowhere/stripe-app.json: cannot be read: *", code: 2},
		"manifest check needs a file":              {args: words("manifest check"), err: "stripeapps: which manifest? give its file, like stripe-app.json (see stripeapps manifest check -h)\n", code: 2},
		"manifest allows needs a URL":              {args: words("manifest allows x"), err: "stripeapps: which manifest, and which URL? give FILE URL… (see stripeapps manifest allows -h)\n", code: 2},
		"manifest allows is about one thing":       {args: words("manifest allows -image -redirect a b"), err: "stripeapps: -image and -redirect are both given: give one of them (see stripeapps manifest allows -h)\n", code: 2},

		// serve, before it serves
		"serve needs a backend":             {args: words("serve"), env: []string{secretEnv}, err: "stripeapps: Required flag \"to\" not set (see stripeapps serve -h)\n", code: 2},
		"serve refuses a URL with a path":   {args: words("serve -to http://h/api"), env: []string{secretEnv}, err: "stripeapps: -to is not an http or https URL without path, query and password, like http://127.0.0.1:8080 (see stripeapps serve -h)\n", code: 2},
		"serve refuses itself":              {args: words("serve -to http://127.0.0.1:4240"), env: []string{secretEnv}, err: "stripeapps: -to and -addr are the same: let the backend listen elsewhere (see stripeapps serve -h)\n", code: 2},
		"serve cannot listen just anywhere": {args: words("serve -to http://127.0.0.1:1 -addr 192.0.2.1:1"), env: []string{secretEnv}, err: "stripeapps: cannot listen: *", code: 3},

		// the root
		"a command is needed":                          {err: "stripeapps: which command? one of sign, verify, explain, serve, pkce, manifest, completion (see stripeapps -h)\n", code: 2},
		"an unknown command is corrected":              {args: words("verfy"), err: "stripeapps: there is no command \"verfy\": did you mean \"verify\"? (see stripeapps -h)\n", code: 2},
		"an unknown flag is refused":                   {args: words("sign -paylod x"), err: "stripeapps: flag provided but not defined: -paylod (see stripeapps sign -h)\n", code: 2},
		"a flag's value is needed":                     {args: words("sign -payload"), err: "stripeapps: flag needs an argument: -payload (see stripeapps sign -h)\n", code: 2},
		"a flag's value is needed, with two dashes":    {args: words("sign --url"), err: "stripeapps: flag needs an argument: --url (see stripeapps sign -h)\n", code: 2},
		"help is -h":                                   {args: words("help"), out: "NAME:\n   stripeapps - *"},
		"help after a flag is -h":                      {args: words("-json help"), out: "NAME:\n   stripeapps - *"},
		"help COMMAND is COMMAND -h":                   {args: words("help sign"), out: "NAME:\n   stripeapps sign - *"},
		"help COMMAND COMMAND is about the first":      {args: words("help manifest check"), out: "NAME:\n   stripeapps manifest - *"},
		"COMMAND help COMMAND too":                     {args: words("manifest help check"), out: "NAME:\n   stripeapps manifest check - *"},
		"COMMAND help too":                             {args: words("pkce help"), out: "NAME:\n   stripeapps pkce - *"},
		"completion help too":                          {args: words("completion help"), out: "NAME:\n   stripeapps completion - *"},
		"help of nothing is corrected":                 {args: words("help verfy"), err: "stripeapps: No help topic for 'verfy'. verify (see stripeapps -h)\n", code: 2},
		"help as a value is a value":                   {args: words("sign -payload help"), env: []string{secretEnv}, err: "stripeapps: the payload is not a JSON object: *", code: 2},
		"a file can be called help":                    {args: words("manifest check help"), err: "stripeapps: help: cannot be read: *", code: 2},
		"help can stand behind an argument":            {args: words("manifest check foo -h"), out: "NAME:\n   stripeapps manifest check - *"},
		"an unknown flag without a command is refused": {args: words("-v"), err: "stripeapps: flag provided but not defined: -v (see stripeapps -h)\n", code: 2},
		"an unknown flag with a value is refused":      {args: words("sign --frobnicate=x"), err: "stripeapps: flag provided but not defined: -frobnicate (see stripeapps sign -h)\n", code: 2},
		"the version is printed":                       {args: words("--version"), out: "stripeapps *"},
		"the version is printed as JSON":               {args: words("-version -json"), out: `{"version":"*`},
		"a duration is one":                            {args: words("verify -tolerance 5"), err: "stripeapps: invalid value \"5\" for flag -tolerance: time: missing unit in duration \"5\" (see stripeapps verify -h)\n", code: 2},
		"a switch has no value":                        {args: words("sign -json=maybe"), err: "stripeapps: invalid value \"maybe\" for flag -json: parse error (see stripeapps sign -h)\n", code: 2},
		"completion is for a shell that it knows":      {args: words("completion foo"), err: "stripeapps: there is no command \"foo\": did you mean \"fish\"? (see stripeapps completion -h)\n", code: 2},
		"an escape is not printed":                     {args: []string{"\x1b[31m"}, err: "stripeapps: there is no command \"\\x1b[31m\": *", code: 2},

		"a secret-file without secrets says so":        {args: words("sign -secret-file " + noSecrets), err: "stripeapps: " + noSecrets + " has no secret: write the app's signing secret (absec_…) on a line of its own\n", code: 2},
		"explain names a body that has no request":     {args: words("explain " + bodyFile), env: []string{secretEnv}, err: "stripeapps: " + bodyFile + ": this is a body, without the request: give it with -body-file, and the signature with -header\n", code: 2},
		"verify says that the body has ids of its own": {args: append(words("verify -now 1700000000 -user usr_2 -body-file "+bodyFile+" -header"), bodyHeader), env: []string{secretEnv}, out: accepted, err: "stripeapps: note: the body holds ids of its own: -user and -account are headers beside it, and do not replace them\n"},
		"sign refuses a GET with a body":               {args: words("sign -method GET -payload {}"), env: []string{secretEnv}, err: "stripeapps: a browser sends no body with -method GET: leave the payload out, for ids in the headers, or take another method" + usageOfSign, code: 2},
		"sign refuses a HEAD with a body":              {args: words("sign -method head -ids-in body"), env: []string{secretEnv}, err: "stripeapps: a browser sends no body with -method head: *", code: 2},
		"sign refuses a URL with a line break":         {args: []string{"sign", "-url", "http://h/a\nb"}, env: []string{secretEnv}, err: "stripeapps: -url is not *", code: 2},
		"manifest allows wants the manifest first":     {args: words("manifest allows https://h/ " + manifestFile), err: "stripeapps: the manifest comes first: manifest allows FILE URL… (see stripeapps manifest allows -h)\n", code: 2},
		"explain prints no escape of a header":         {args: []string{"explain", "-header", "t=\x1b[31m1,v1=\x1b[31m", "-body", "{\"\\u001b[31m\":1,\"user_id\":\"\\u001b[31m\",\"account_id\":\"\u009b31m\"}"}, env: []string{secretEnv}, out: "*", code: 1},
		"explain prints no escape of ids":              {args: []string{"explain", "-header", idsHeader, "-user", "\x1b[31m", "-account", "\u009b31m"}, env: []string{secretEnv}, out: "*", code: 1},
		"verify prints no escape of ids":               {args: []string{"verify", "-header", idsHeader, "-user", "\x1b[31m", "-account", "\u009b31m"}, env: []string{secretEnv}, out: "refused: *", code: 1},
		"completion is there":                          {args: words("completion bash"), out: "# This is a shell completion script*"},
		"completion completes commands":                {args: words("manifest --generate-shell-completion"), out: "check*"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := execute(t, c.stdin, c.env, c.args...)
			assert.Equal(t, c.code, got.code, got.err)
			assertText(t, c.out, withoutMACs(got.out, c.out))
			assertText(t, c.err, got.err)
			for _, secret := range []string{testSecret, otherSecret, "hunter2"} {
				assert.NotContains(t, got.out+got.err, secret)
			}
			assert.NotContains(t, got.out+got.err, "\x1b", "colours are for terminals")
			assert.NotContains(t, got.out+got.err, "\u009b")
			if got.err != "" {
				assert.Equal(t, 1, strings.Count(got.err, "\n"), "an error is one line")
			}
		})
	}
}

// assertText compares; a * at the end of want stands for anything.
func assertText(t *testing.T, want, got string) {
	t.Helper()
	if prefix, ok := strings.CutSuffix(want, "*"); ok {
		assert.Truef(t, strings.HasPrefix(got, prefix), "%q does not begin with %q", got, prefix)
		return
	}
	assert.Equal(t, want, got)
}

// withoutMACs puts %s in place of MACs, if want has it.
func withoutMACs(got, want string) string {
	if !strings.Contains(want, "%s") {
		return got
	}
	parts := strings.Split(got, "v1=")
	for i := range parts[1:] {
		parts[i+1] = "%s" + parts[i+1][min(64, len(parts[i+1])):]
	}
	return strings.Join(parts, "v1=")
}

func TestHelpOnEachLevelHasAnExampleAndTheExitCodes(t *testing.T) {
	for _, command := range []string{"", "sign", "verify", "explain", "serve", "pkce", "pkce check", "manifest", "manifest check", "manifest allows"} {
		t.Run("stripeapps "+command, func(t *testing.T) {
			got := execute(t, "", nil, append(words(command), "-h")...)
			assert.Equal(t, 0, got.code)
			assert.Contains(t, got.out, "Example: ")
			assert.Contains(t, got.out, "--help, -h")
			assert.Contains(t, got.out, exitCodesText)
			assert.Empty(t, got.err)
		})
	}
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

// A shell must hand curl the very bytes that were signed.
func TestShellTakesTheCurlCommandApart(t *testing.T) {
	payload := "{\n\"text\":\"it's '' $HOME `id` \\\\ \\\" \u2028 !x %s\"}"
	signed := execute(t, "", []string{secretEnv}, "sign", "-payload", payload, "-url", "http://h/a'b?c=$(id)", "-method", "A'$B")
	require.Equal(t, 0, signed.code, signed.err)
	shell := exec.Command("sh", "-c", "curl() { for argument; do printf '%s\\n' \"$argument\"; done; }\n"+signed.out)
	out, err := shell.Output()
	require.NoError(t, err)
	lines := strings.Split(string(out), "\n")
	assert.Equal(t, []string{"-i", "-X", "A'$B", "http://h/a'b?c=$(id)"}, lines[:4])
	assert.Equal(t, strings.ReplaceAll(strings.TrimSuffix(payload, "}"), "\n", "")+`,"user_id":"usr_test","account_id":"acct_test"}`, lines[9])
}

func TestColoursAreForTerminalsThatWantThem(t *testing.T) {
	for name, c := range map[string]struct {
		terminal bool
		env      map[string]string
		args     []string
		coloured bool
	}{
		"a terminal has colours":     {terminal: true, coloured: true},
		"a pipe has none":            {},
		"NO_COLOR turns them off":    {terminal: true, env: map[string]string{"NO_COLOR": "1"}},
		"an empty NO_COLOR does not": {terminal: true, env: map[string]string{"NO_COLOR": ""}, coloured: true},
		"a dumb terminal has none":   {terminal: true, env: map[string]string{"TERM": "dumb"}},
		"so does the flag":           {terminal: true, args: []string{"-no-color"}},
		"JSON has none":              {terminal: true, args: []string{"-json"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out, stderr bytes.Buffer
			a := &app{in: strings.NewReader(signedBody), out: &output{w: &out}, err: &stderr, terminal: c.terminal, env: func(name string) string {
				if name == secretVariable {
					return testSecret
				}
				return c.env[name]
			}}
			code := a.run(context.Background(), append([]string{"stripeapps", "verify", "-now", "1700000000"}, c.args...))
			assert.Equal(t, 0, code, stderr.String())
			assert.Equal(t, c.coloured, strings.Contains(out.String(), "\x1b[32maccepted\x1b[0m"), out.String())
		})
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestOutputThatCannotBeWrittenIsAFailure(t *testing.T) {
	var stderr bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &output{w: brokenWriter{}}, err: &stderr, env: func(string) string { return "" }}
	assert.Equal(t, exitFailed, a.run(context.Background(), []string{"stripeapps", "pkce"}))
	assert.Equal(t, "stripeapps: cannot write the output: io: read/write on closed pipe\n", stderr.String())
}
