package stripeappstest_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

var dashboardNow = time.Unix(1700000000, 0)

const dashboardScript = "console.log('</script>')"

// The backend under test, and a browser, are the test's own. Here, only the page is
// fetched.
func ExampleDashboard() {
	// As a bundler writes it: os.ReadFile("dist/extension.js").
	extension := `
		addEventListener('click', async () => {
			const {userContext} = await extensionContext
			const payload = {action: 'refund'}
			await fetch('http://127.0.0.1:4241/api/refund', {
				method: 'POST',
				headers: {'Content-Type': 'application/json', 'Stripe-Signature': await fetchStripeSignature(payload)},
				body: JSON.stringify({...payload, user_id: userContext.id, account_id: userContext.account.id}),
			})
		})`
	dashboard := stripeappstest.NewDashboard(stripeappstest.DashboardConfig{
		Script:  []byte(extension),
		Secrets: []string{"absec_test_secret"}, // the backend's
	})
	defer dashboard.Close()

	// A browser would be used instead: chromedp.Navigate(dashboard.URL), and then
	// a click in the iframe.
	response, err := http.Get(dashboard.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
	// Output: 200 OK
}

func startDashboard(t *testing.T, change func(*stripeappstest.DashboardConfig)) *stripeappstest.Dashboard {
	config := stripeappstest.DashboardConfig{Script: []byte(dashboardScript), Now: func() time.Time { return dashboardNow }}
	if change != nil {
		change(&config)
	}
	d := stripeappstest.NewDashboard(config)
	t.Cleanup(d.Close)
	return d
}

type dashboardAnswer struct {
	status int
	header http.Header
	body   string
}

// askDashboard sends a request as the Dashboard's own page would; headers and
// "Host" replace what that has, and "" takes it away.
func askDashboard(t *testing.T, method, url, body string, headers ...string) dashboardAnswer {
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	if method == http.MethodPost {
		r.Header.Set("Origin", "http://"+r.Host)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(headers); i += 2 {
		switch name, value := headers[i], headers[i+1]; {
		case name == "Host":
			r.Host = value
		case value == "":
			r.Header.Del(name)
		default:
			r.Header.Set(name, value)
		}
	}
	transport := &http.Transport{} // without the environment's proxy
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r) // without following redirects
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	response.Header.Del("Date")
	response.Header.Del("Content-Length")
	return dashboardAnswer{response.StatusCode, response.Header, string(content)}
}

func dashboardHeaders(namesAndValues ...string) http.Header {
	header := http.Header{}
	for i := 0; i < len(namesAndValues); i += 2 {
		header.Set(namesAndValues[i], namesAndValues[i+1])
	}
	return header
}

func assertDashboardProblem(t *testing.T, got dashboardAnswer, status int, code string) {
	assert.Equal(t, status, got.status, got.body)
	assert.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
	assert.Contains(t, got.body, `"code":"`+code+`"`)
	assert.Empty(t, got.header.Get("Access-Control-Allow-Origin"))
}

func TestDashboardSendsItsPageWithExactlyTheseHeaders(t *testing.T) {
	d := startDashboard(t, nil)
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+$`, d.URL)
	assert.Equal(t, d.URL+"/apps-oauth/com.example.app", d.RedirectURI)

	page := dashboardHeaders(
		"Cache-Control", "no-store",
		"Content-Security-Policy", "default-src 'none'; script-src "+d.URL+"/dashboard.js; connect-src "+d.URL+"/sign; frame-src "+d.URL+"/extension/; "+
			"img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"Content-Type", "text/html; charset=utf-8",
		"Cross-Origin-Opener-Policy", "same-origin",
		"Cross-Origin-Resource-Policy", "same-origin",
		"Referrer-Policy", "no-referrer",
		"X-Content-Type-Options", "nosniff",
	)
	own := func(contentType string) http.Header {
		return dashboardHeaders(
			"Cache-Control", "no-store",
			"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'",
			"Content-Type", contentType,
			"Cross-Origin-Resource-Policy", "same-origin",
			"Referrer-Policy", "no-referrer",
			"X-Content-Type-Options", "nosniff",
		)
	}
	frame := func(contentType string) http.Header {
		return dashboardHeaders(
			"Access-Control-Allow-Origin", "*",
			"Cache-Control", "no-store",
			"Content-Security-Policy", "sandbox allow-scripts; frame-ancestors 'self'",
			"Content-Type", contentType,
			"Cross-Origin-Resource-Policy", "cross-origin",
			"Referrer-Policy", "no-referrer",
			"X-Content-Type-Options", "nosniff",
		)
	}
	for url, want := range map[string]http.Header{
		d.URL + "/":                              page,
		d.RedirectURI + "?state=s&code=c":        page,
		d.URL + "/dashboard.js":                  own("text/javascript; charset=utf-8"),
		d.URL + "/extension/":                    frame("text/html; charset=utf-8"),
		d.URL + "/extension/script.js":           frame("text/javascript; charset=utf-8"),
		d.URL + "/stripeappstest.js":             frame("text/javascript; charset=utf-8"),
		d.URL + "/nothing":                       own("text/plain; charset=utf-8"),
		d.URL + "/apps-oauth/another":            own("text/plain; charset=utf-8"),
		d.URL + "/extension/script.js/something": frame("text/plain; charset=utf-8"),
	} {
		t.Run(strings.TrimPrefix(url, d.URL), func(t *testing.T) {
			assert.Equal(t, want, askDashboard(t, "GET", url, "").header)
		})
	}
	t.Run("a signature", func(t *testing.T) {
		assert.Equal(t, own("text/plain; charset=utf-8"), askDashboard(t, "POST", d.URL+"/sign", "{}").header)
	})
	t.Run("a refusal", func(t *testing.T) {
		assert.Equal(t, own("application/problem+json"), askDashboard(t, "POST", d.URL+"/sign", "{}", "Origin", "null").header)
	})
}

func TestDashboardShowsTheExtension(t *testing.T) {
	t.Run("a script is served as it was given, and not put into HTML", func(t *testing.T) {
		script := []byte(dashboardScript)
		d := startDashboard(t, func(c *stripeappstest.DashboardConfig) { c.Script = script })
		script[0] = 'X'
		assert.Equal(t, dashboardScript, askDashboard(t, "GET", d.URL+"/extension/script.js", "").body)
		assert.Contains(t, askDashboard(t, "GET", d.URL+"/extension/", "").body,
			"<script src=\"/stripeappstest.js\"></script>\n<script src=\"/extension/script.js\"></script>\n")
	})
	t.Run("a folder is served as it is, under the frame's path", func(t *testing.T) {
		d := startDashboard(t, func(c *stripeappstest.DashboardConfig) {
			c.Script = nil
			c.Extension = http.FileServerFS(fstest.MapFS{
				"index.html":    {Data: []byte("<!doctype html>my page")},
				"assets/app.js": {Data: []byte("my module")},
			})
		})
		assert.Equal(t, "<!doctype html>my page", askDashboard(t, "GET", d.URL+"/extension/", "").body)
		module := askDashboard(t, "GET", d.URL+"/extension/assets/app.js", "")
		assert.Equal(t, "my module", module.body)
		assert.Equal(t, "*", module.header.Get("Access-Control-Allow-Origin")) // else no module loads
		assert.Equal(t, http.StatusNotFound, askDashboard(t, "GET", d.URL+"/assets/app.js", "").status)
	})
	t.Run("the page knows who uses it, and no secret", func(t *testing.T) {
		d := startDashboard(t, func(c *stripeappstest.DashboardConfig) { c.UserID, c.AccountID, c.Mode = "usr_1", "acct_1", "live" })
		page := askDashboard(t, "GET", d.URL+"/", "").body
		assert.Contains(t, page, `<body data-user-id="usr_1" data-account-id="acct_1" data-mode="live">`)
		assert.NotContains(t, page, "absec_")
	})
	t.Run("without more it is in test mode, with the ids of this package", func(t *testing.T) {
		page := askDashboard(t, "GET", startDashboard(t, nil).URL+"/", "").body
		assert.Contains(t, page, `<body data-user-id="`+stripeappstest.DefaultUserID+`" data-account-id="`+stripeappstest.DefaultAccountID+`" data-mode="test">`)
	})
}

func TestDashboardSignsWhatStripeSigns(t *testing.T) {
	const ids = `"user_id":"usr_1","account_id":"acct_1"}`
	secrets := []string{"absec_one", "absec_two"}
	d := startDashboard(t, func(c *stripeappstest.DashboardConfig) {
		c.Secrets, c.UserID, c.AccountID = secrets, "usr_1", "acct_1"
	})
	for name, test := range map[string]struct{ payload, text string }{
		"no payload is the ids alone":              {`{}`, `{` + ids},
		"a payload is before the ids":              {`{"b":1,"a":[true,null,{}]}`, `{"b":1,"a":[true,null,{}],` + ids},
		"what HTML escapes is not escaped":         {`{"note":"<b>&</b>"}`, `{"note":"<b>&</b>",` + ids},
		"U+2028 and U+2029 are not escaped":        {"{\"note\":\"\u2028\u2029 é 😀\"}", "{\"note\":\"\u2028\u2029 é 😀\"," + ids},
		"and are the same if they were":            {`{"note":"\u2028\u2029 \u00e9 \ud83d\ude00"}`, "{\"note\":\"\u2028\u2029 é 😀\"," + ids},
		"a lone surrogate is escaped":              {`{"note":"\ud83d"}`, `{"note":"\ud83d",` + ids},
		"numbers are JavaScript's":                 {`{"n":[1.0,-0,1e21,0.0000001,12.50]}`, `{"n":[1,0,1e+21,1e-7,12.5],` + ids},
		"keys that are array indexes come first":   {`{"b":1,"10":2,"9":3}`, `{"9":3,"10":2,"b":1,` + ids},
		"an id of the payload's own keeps a place": {`{"user_id":"usr_evil","a":1}`, `{"user_id":"usr_1","a":1,"account_id":"acct_1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := askDashboard(t, "POST", d.URL+"/sign", test.payload)
			want := "t=1700000000"
			for _, secret := range secrets {
				want += ",v1=" + hex.EncodeToString(webhook.ComputeSignature(dashboardNow, []byte(test.text), secret))
			}
			assert.Equal(t, dashboardAnswer{http.StatusOK, got.header, want}, got)
		})
	}
	t.Run("with the defaults, byte for byte as openssl has it", func(t *testing.T) {
		got := askDashboard(t, "POST", startDashboard(t, nil).URL+"/sign", "{\"note\":\"<&>\u2028\"}")
		assert.Equal(t, "t=1700000000,v1=67af99781504ef06443485ac54b3b6c331c9d1aed120752d7d976c47791a3e54", got.body)
	})
	t.Run("at the time that it is then", func(t *testing.T) {
		now := make(chan time.Time, 2)
		now <- dashboardNow.Add(-10 * time.Minute)
		now <- dashboardNow.Add(10*time.Minute + 999*time.Millisecond)
		d := startDashboard(t, func(c *stripeappstest.DashboardConfig) { c.Now = func() time.Time { return <-now } })
		assert.Regexp(t, `^t=1699999400,v1=[0-9a-f]{64}$`, askDashboard(t, "POST", d.URL+"/sign", "{}").body)
		assert.Regexp(t, `^t=1700000600,v1=[0-9a-f]{64}$`, askDashboard(t, "POST", d.URL+"/sign", "{}").body)
	})
	t.Run("not with secrets that are changed later", func(t *testing.T) {
		secrets := []string{"absec_one"}
		d := startDashboard(t, func(c *stripeappstest.DashboardConfig) { c.Secrets = secrets })
		before := askDashboard(t, "POST", d.URL+"/sign", "{}").body
		secrets[0] = "absec_two"
		assert.Equal(t, before, askDashboard(t, "POST", d.URL+"/sign", "{}").body)
	})
}

func TestDashboardRefusesToSign(t *testing.T) {
	d := startDashboard(t, nil)
	for name, test := range map[string]struct {
		payload string
		headers []string
		status  int
		code    string
	}{
		"for the extension itself, whose origin is null": {`{}`, []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
		"for another site":                         {`{}`, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
		"for another port of this machine":         {`{}`, []string{"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", "same-site"}, 403, "cross_origin"},
		"for its own origin over https":            {`{}`, []string{"Origin", strings.Replace(d.URL, "http:", "https:", 1)}, 403, "cross_origin"},
		"without an origin":                        {`{}`, []string{"Origin", ""}, 403, "cross_origin"},
		"if the browser says that it is same-site": {`{}`, []string{"Sec-Fetch-Site", "same-site"}, 403, "cross_origin"},
		"if a person has made the request":         {`{}`, []string{"Sec-Fetch-Site", "none"}, 403, "cross_origin"},
		"under another name":                       {`{}`, []string{"Host", "evil.example", "Origin", "http://evil.example"}, 403, "not_local"},
		"under localhost":                          {`{}`, []string{"Host", strings.Replace(d.URL[len("http://"):], "127.0.0.1", "localhost", 1)}, 403, "not_local"},
		"an array":                                 {`[]`, nil, 400, "bad_payload"},
		"a string":                                 {`"x"`, nil, 400, "bad_payload"},
		"null":                                     {`null`, nil, 400, "bad_payload"},
		"nothing":                                  {``, nil, 400, "bad_payload"},
		"two objects":                              {`{}{}`, nil, 400, "bad_payload"},
		"no JSON":                                  {`{`, nil, 400, "bad_payload"},
		"bytes that are not UTF-8":                 {"{\"a\":\"\xff\"}", nil, 400, "bad_payload"},
		"what is nested too deep":                  {`{"a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`, nil, 400, "bad_payload"},
		"more than a backend reads":                {`{"a":"` + strings.Repeat("x", stripeapps.DefaultMaxBodyBytes) + `"}`, nil, 413, "payload_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			assertDashboardProblem(t, askDashboard(t, "POST", d.URL+"/sign", test.payload, test.headers...), test.status, test.code)
		})
	}
	t.Run("with another method, so that no preflight passes", func(t *testing.T) {
		for _, method := range []string{"GET", "OPTIONS", "PUT"} {
			got := askDashboard(t, method, d.URL+"/sign", "", "Origin", "null")
			assert.Equal(t, http.StatusMethodNotAllowed, got.status)
			assert.Empty(t, got.header.Get("Access-Control-Allow-Origin"))
		}
	})
	t.Run("and shows its page under no other name", func(t *testing.T) {
		assertDashboardProblem(t, askDashboard(t, "GET", d.URL+"/", "", "Host", "evil.example"), 403, "not_local")
		assertDashboardProblem(t, askDashboard(t, "GET", d.URL+"/extension/script.js", "", "Host", "evil.example"), 403, "not_local")
	})
	t.Run("what is as large as allowed is signed", func(t *testing.T) {
		payload := `{"a":"` + strings.Repeat("x", stripeapps.DefaultMaxBodyBytes-len(`{"a":""}`)) + `"}`
		assert.Equal(t, http.StatusOK, askDashboard(t, "POST", d.URL+"/sign", payload).status)
	})
}

func TestNewDashboardPanicsWithWhatIsWrong(t *testing.T) {
	script := []byte("x")
	for name, test := range map[string]struct {
		config stripeappstest.DashboardConfig
		want   string
	}{
		"no extension": {stripeappstest.DashboardConfig{},
			"stripeappstest: DashboardConfig needs either Script or Extension"},
		"two extensions": {stripeappstest.DashboardConfig{Script: script, Extension: http.NotFoundHandler()},
			"stripeappstest: DashboardConfig needs either Script or Extension"},
		"a mode that there is not": {stripeappstest.DashboardConfig{Script: script, Mode: "prod"},
			`stripeappstest: DashboardConfig.Mode must be "test" or "live"`},
		"ids that are none": {stripeappstest.DashboardConfig{Script: script, UserID: "usr 1", AccountID: `"`},
			"stripeappstest: DashboardConfig's UserID and AccountID must be 1 to 255 letters, digits and underscores"},
		"a secret of another kind, which is not shown": {stripeappstest.DashboardConfig{Script: script, Secrets: []string{"whsec_very_secret"}},
			"stripeapps: Secrets[0] looks like a webhook endpoint's signing secret (whsec_…): use the app's signing secret (absec_…), shown on the app's page in the Stripe Dashboard"},
		"everything": {stripeappstest.DashboardConfig{Secrets: []string{}, UserID: "-", Mode: "x"},
			"stripeappstest: DashboardConfig needs either Script or Extension\n" +
				"stripeapps: Secrets is empty: give the app's signing secret (absec_…), shown on the app's page in the Stripe Dashboard after its first upload\n" +
				"stripeappstest: DashboardConfig's UserID and AccountID must be 1 to 255 letters, digits and underscores\n" +
				`stripeappstest: DashboardConfig.Mode must be "test" or "live"`},
	} {
		t.Run(name, func(t *testing.T) {
			assert.PanicsWithError(t, test.want, func() { stripeappstest.NewDashboard(test.config) })
		})
	}
}

func TestDashboardCloses(t *testing.T) {
	d := startDashboard(t, nil)
	other := startDashboard(t, nil)
	addr := strings.TrimPrefix(d.URL, "http://")
	idle, err := net.Dial("tcp", addr) // as browsers open ahead of time
	require.NoError(t, err)
	defer idle.Close()

	d.Close()
	d.Close()
	_, err = net.Dial("tcp", addr)
	require.Error(t, err)
	_, err = idle.Read(make([]byte, 1))
	require.Error(t, err, "it is closed, or reset if it was not accepted yet")
	assert.Equal(t, http.StatusOK, askDashboard(t, "GET", other.URL+"/", "").status)
}
