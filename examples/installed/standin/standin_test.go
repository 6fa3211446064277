package standin

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const app = "http://127.0.0.1:9" // nobody is there

func start(t *testing.T, oauth bool) *Stripe {
	s, err := Start("127.0.0.1:0", app, oauth)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// ask returns the response without following it, and its body.
func ask(t *testing.T, method, to string, header map[string]string, body string) (*http.Response, string) {
	r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(body))
	require.NoError(t, err)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	if host := header["Host"]; host != "" {
		r.Host = host
	}
	response, err := client.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(text)
}

func TestTheAPIAnswersForAnAccountThatHasTheApp(t *testing.T) {
	for name, test := range map[string]struct {
		oauth, withdrawn          bool
		path, key, account, token string
		status                    int
	}{
		"the app's key, and the account": {path: "balance", key: SecretKey, account: AccountID, status: 200},
		"no account":                     {path: "balance", key: SecretKey, status: 403},
		"another account":                {path: "balance", key: SecretKey, account: "acct_Other", status: 403},
		"no key":                         {path: "balance", account: AccountID, status: 401},
		"another key":                    {path: "balance", key: "sk_test_other", account: AccountID, status: 401},
		"an account that has uninstalled the app": {path: "balance", key: SecretKey, account: AccountID, withdrawn: true, status: 403},
		"another path":                          {path: "customers", key: SecretKey, account: AccountID, status: 404},
		"the app's key, where there are tokens": {oauth: true, path: "balance", key: SecretKey, account: AccountID, status: 401},
		"a token that Stripe did not give":      {oauth: true, path: "balance", key: "rk_test_other", status: 401},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, test.oauth)
			s.seen.change(func(v *view) { v.Granted = true })
			if test.withdrawn {
				s.Withdraw()
			}
			header := map[string]string{}
			if test.key != "" {
				header["Authorization"] = "Bearer " + test.key
			}
			if test.account != "" {
				header["Stripe-Account"] = test.account
			}
			response, text := ask(t, http.MethodGet, s.APIURL+"/v1/"+test.path, header, "")
			assert.Equal(t, test.status, response.StatusCode, text)
		})
	}
}

func TestOnlyItsOwnPagesReachIt(t *testing.T) {
	s := start(t, false)
	for _, path := range []string{"/sign", "/answered", "/uninstall", "/deliver-again", installPath + "?redirect_uri=" + url.QueryEscape(app+"/installed")} {
		for _, header := range []map[string]string{
			{"Origin": "https://other.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "other.example"},
		} {
			response, _ := ask(t, http.MethodPost, s.URL+path, header, "{}")
			assert.Equal(t, http.StatusForbidden, response.StatusCode, "%s %v", path, header)
		}
	}
	response, _ := ask(t, http.MethodGet, s.URL+"/", map[string]string{"Host": "other.example"}, "")
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
}

func TestItLeadsToTheAppAlone(t *testing.T) {
	s := start(t, false)
	for _, path := range []string{installPath, oauthPath} {
		for _, to := range []string{"", app, app + "/installed/", "https://other.example/installed"} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				response, _ := ask(t, method, s.URL+path+"?redirect_uri="+url.QueryEscape(to), nil, "")
				assert.Equal(t, http.StatusBadRequest, response.StatusCode, "%s %s %s", method, path, to)
			}
		}
	}
}

func TestThePoliciesOfItsPages(t *testing.T) {
	s := start(t, false)
	install := installPath + "?redirect_uri=" + url.QueryEscape(app+"/installed")
	for path, want := range map[string]string{
		"/": "default-src 'none'; script-src 'nonce-N' 'strict-dynamic'; style-src 'nonce-N'; img-src 'self' data:; font-src 'self'; " +
			"connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; frame-src 'self'",
		install: "default-src 'none'; style-src 'nonce-N'; img-src 'self' data:; base-uri 'none'; " +
			"form-action 'self' https://dashboard.stripe.com " + app + "; frame-ancestors 'none'",
		"/extension": "default-src 'none'; script-src 'nonce-N'; style-src 'nonce-N'; img-src data:; connect-src " + app + "; " +
			"base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts",
	} {
		response, text := ask(t, http.MethodGet, s.URL+path, nil, "")
		require.Equal(t, http.StatusOK, response.StatusCode, path)
		policy := response.Header.Get("Content-Security-Policy")
		nonce := regexp.MustCompile(`'nonce-([^']+)'`).FindStringSubmatch(policy)
		require.Len(t, nonce, 2, policy)
		assert.Equal(t, want, strings.ReplaceAll(policy, nonce[1], "N"))
		assert.Contains(t, text, `nonce="`+nonce[1]+`"`)
		assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
		assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
	}
}

func TestWhichChecksARequestHasPassed(t *testing.T) {
	for want, r := range map[string]*request{
		"- - -":                 nil,
		"passed passed passed":  {Status: 200},
		"passed passed refused": {Status: 403, Code: "not_installed"},
		"passed refused -":      {Status: 403, Code: "requirement_not_met"},
		"refused - -":           {Status: 401, Code: "too_old"},
	} {
		var got []string
		for number := range 3 {
			state := r.Check(number + 1)
			if state == "" {
				state = "-"
			}
			got = append(got, state)
		}
		assert.Equal(t, want, strings.Join(got, " "))
	}
}
