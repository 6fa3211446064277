package install_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/replay"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
	"github.com/seed-8a2ffb75/stripeapps/testdata/golden"
)

const (
	linkURL     = "https://marketplace.stripe.com/apps/install/link/com.example.app"
	redirectURI = "https://app.example.com/installed"
)

var testNow = time.Unix(1700000000, 0)

func now() time.Time { return testNow }

func newVerifier(t testing.TB, now func() time.Time, secrets ...string) *stripeapps.Verifier {
	t.Helper()
	if secrets == nil {
		secrets = []string{stripeappstest.DefaultSecret}
	}
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: secrets, Now: now})
	require.NoError(t, err)
	return verifier
}

// newConfig is a configuration with nothing wrong in it.
func newConfig(t testing.TB) install.LinkConfig {
	key := make([]byte, 32)
	rand.Read(key)
	return install.LinkConfig{
		URL: linkURL, RedirectURI: redirectURI, StartPath: "/install",
		Verifier: newVerifier(t, now), StateKeys: [][]byte{key},
		Guard: replay.NewMemory(replay.MemoryConfig{Now: now}), Now: now,
	}
}

func newLink(t testing.TB, cfg install.LinkConfig) *install.Link {
	t.Helper()
	link, err := install.NewLink(cfg)
	require.NoError(t, err)
	return link
}

func send(handler http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func start(link *install.Link) *http.Response {
	return send(link.Start(), httptest.NewRequest("GET", "/install", nil)).Result()
}

// site is a Link's Callback, and what it has been told.
type site struct {
	http.Handler
	installed []install.Installed
}

func newSite(link *install.Link) *site {
	s := &site{}
	s.Handler = link.Callback(func(w http.ResponseWriter, r *http.Request, installed install.Installed) {
		s.installed = append(s.installed, installed)
		http.Redirect(w, r, "/welcome", http.StatusSeeOther)
	})
	return s
}

func TestStartLeadsToStripe(t *testing.T) {
	link := newLink(t, newConfig(t))
	w := send(link.Start(), httptest.NewRequest("GET", "/install", nil))
	assert.Equal(t, http.StatusSeeOther, w.Code)
	assert.Empty(t, w.Body.String())
	location, err := url.Parse(w.Header().Get("Location"))
	require.NoError(t, err)
	query := location.Query()
	assert.Equal(t, []string{redirectURI}, query["redirect_uri"])
	assert.Regexp(t, `^[A-Za-z0-9_-]{98}$`, query.Get("state"))
	assert.Len(t, query, 2)
	location.RawQuery = ""
	assert.Equal(t, linkURL, location.String())
	assert.Len(t, w.Header()["Set-Cookie"], 1)
	for _, name := range []string{"Location", "Set-Cookie"} {
		delete(w.Header(), name)
	}
	assert.Equal(t, http.Header{"Cache-Control": {"no-store"}, "Referrer-Policy": {"no-referrer"}}, w.Header())
	for _, method := range []string{"POST", "HEAD"} {
		w := send(link.Start(), httptest.NewRequest(method, "/install", nil))
		assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
		assert.Equal(t, "GET", w.Header().Get("Allow"))
		assert.Empty(t, w.Header()["Set-Cookie"])
	}
}

// Where a Verifier has the secrets of two apps, a user of the other one can have this
// one's state signed by it.
func TestAnInstallIsSignedWithASecretOfThisApp(t *testing.T) {
	other := stripeappstest.DefaultSecret + "other"
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Now: now, LabeledSecrets: []stripeapps.LabeledSecret{
		{Label: "this", Secret: stripeappstest.DefaultSecret}, {Label: "other", Secret: other},
	}})
	require.NoError(t, err)
	for _, test := range []struct {
		name     string
		labels   []string
		secret   string
		accepted bool
	}{
		{"its own", []string{"this"}, stripeappstest.DefaultSecret, true},
		{"another app's", []string{"this"}, other, false},
		{"one of several", []string{"this", "other"}, other, true},
		{"its own, but no label is configured", nil, stripeappstest.DefaultSecret, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := newConfig(t)
			cfg.Verifier, cfg.SecretLabels = verifier, test.labels
			link := newLink(t, cfg)
			s := newSite(link)
			w := send(s, stripeappstest.NewInstallRedirect(start(link), stripeappstest.At(testNow), stripeappstest.WithSecret(test.secret)))
			assert.Equal(t, test.accepted, len(s.installed) == 1)
			assert.Equal(t, test.accepted, w.Code == http.StatusSeeOther)
		})
	}
	cfg := newConfig(t)
	cfg.SecretLabels = []string{"this"}
	link := newLink(t, cfg)
	s := newSite(link)
	send(s, stripeappstest.NewInstallRedirect(start(link), stripeappstest.At(testNow)))
	assert.Empty(t, s.installed, "a secret without a label")
}

func TestAnInstallComesBackOnce(t *testing.T) {
	link := newLink(t, newConfig(t))
	s, begun := newSite(link), start(link)
	comesBack := func() *http.Request {
		return stripeappstest.NewInstallRedirect(begun, stripeappstest.At(testNow), stripeappstest.WithUser("usr_1"), stripeappstest.WithAccount("acct_1"))
	}
	head := comesBack()
	head.Method = "HEAD"
	w := send(s, head)
	assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
	assert.Equal(t, "GET", w.Header().Get("Allow"))
	assert.Empty(t, w.Body.String())

	w = send(s, comesBack())
	assert.Equal(t, http.StatusSeeOther, w.Code)
	assert.Equal(t, []install.Installed{{
		UserID: "usr_1", AccountID: "acct_1", UnsignedLivemode: true,
		Signature: stripeapps.Signature{SignedAt: testNow.UTC(), ExpiresAt: testNow.Add(5 * time.Minute).UTC()},
	}}, s.installed)
	cookie := begun.Cookies()[0].Name
	assert.Equal(t, http.Header{
		"Cache-Control": {"no-store"}, "Referrer-Policy": {"no-referrer"},
		"Content-Type": {"text/html; charset=utf-8"}, "Location": {"/welcome"},
		"Set-Cookie": {cookie + "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
	}, w.Header())

	w = send(s, comesBack())
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Len(t, s.installed, 1)
}

func TestGoldenInstalls(t *testing.T) {
	installs := golden.InstallVectors()
	key, err := hex.DecodeString(installs.StateKey)
	require.NoError(t, err)
	accepted := 0
	for _, vector := range installs.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			cfg := newConfig(t)
			cfg.RedirectURI, cfg.StateKeys = installs.RedirectURI, [][]byte{key}
			cfg.Now = func() time.Time { return time.Unix(vector.Clock, 0) }
			cfg.Verifier, cfg.Guard = newVerifier(t, cfg.Now, vector.Secrets...), replay.NewMemory(replay.MemoryConfig{Now: cfg.Now})
			var got *stripeapps.Error
			cfg.ErrorHandler = func(_ http.ResponseWriter, _ *http.Request, err error) { require.ErrorAs(t, err, &got) }
			s := newSite(newLink(t, cfg))
			r := httptest.NewRequest("GET", "/installed", nil)
			r.URL.RawQuery = vector.Query
			if vector.Cookie != "" {
				r.Header.Set("Cookie", vector.Cookie)
			}
			w := send(s, r)
			if vector.Expect != "accepted" {
				require.NotNil(t, got)
				assert.Equal(t, vector.Expect, got.Code())
				assert.Empty(t, s.installed)
				assert.Empty(t, w.Header()["Set-Cookie"], "a refusal uses nothing up")
				return
			}
			accepted++
			require.Nil(t, got)
			require.Len(t, s.installed, 1)
			installed := s.installed[0]
			assert.Equal(t, []any{vector.UserID, vector.AccountID, vector.UnsignedLivemode},
				[]any{installed.UserID, installed.AccountID, installed.UnsignedLivemode})
		})
	}
	assert.GreaterOrEqual(t, accepted, 10)
	assert.GreaterOrEqual(t, len(installs.Vectors)-accepted, 40)
}

// The same signature in the place of an API request's: the state makes it an install's.
func TestAnInstallIsNoRequest(t *testing.T) {
	for _, vector := range golden.InstallVectors().Vectors {
		if vector.Expect != "accepted" {
			continue
		}
		query, err := url.ParseQuery(vector.Query)
		require.NoError(t, err)
		verifier := newVerifier(t, func() time.Time { return time.Unix(vector.Clock, 0) }, vector.Secrets...)
		payload := `{"state":"` + query.Get("state") + `","user_id":"` + vector.UserID + `","account_id":"` + vector.AccountID + `"}`
		r := httptest.NewRequest("POST", "/api/refunds", strings.NewReader(payload))
		r.Header.Set("Stripe-Signature", query.Get("install_signature"))
		_, err = verifier.Verify(r)
		assert.ErrorIs(t, err, stripeapps.ErrInstallSignature, vector.Name)
		_, err = verifier.VerifyStripeCall([]byte(payload), query.Get("install_signature"))
		assert.ErrorIs(t, err, stripeapps.ErrExtensionSignature, vector.Name)
	}
}

// What an extension has had signed without the state of a browser, in every form.
func TestARequestIsNoInstall(t *testing.T) {
	link := newLink(t, newConfig(t))
	for name, payload := range map[string]any{
		"the ids alone":         nil,
		"a state that is not":   map[string]string{"state": "xyz"},
		"an action":             map[string]string{"action": "refund"},
		"a state and an action": `{"state":"xyz","action":"refund"}`,
	} {
		s, begun := newSite(link), start(link)
		r := stripeappstest.NewInstallRedirect(begun)
		query := r.URL.Query()
		query.Set("install_signature", stripeappstest.Sign(payload, stripeappstest.At(testNow)))
		r.URL.RawQuery = query.Encode()
		w := send(s, r)
		assert.Contains(t, w.Body.String(), "install_signature_refused", name)
		assert.Empty(t, s.installed, name)
	}
}

func TestARefusalKeepsItsCause(t *testing.T) {
	for name, test := range map[string]struct {
		option        stripeappstest.Option
		refusal, want error
	}{
		"not signed":           {stripeappstest.Unsigned(), install.ErrSignature, stripeapps.ErrNotSigned},
		"another app's secret": {stripeappstest.WithOtherSecret(), install.ErrSignature, stripeapps.ErrNoMatch},
		"another account":      {stripeappstest.Tampered(), install.ErrSignature, stripeapps.ErrNoMatch},
		"too old":              {stripeappstest.Expired(), install.ErrSignature, stripeapps.ErrTooOld},
		"too new":              {stripeappstest.FromTheFuture(), install.ErrSignature, stripeapps.ErrTooNew},
		"no user":              {stripeappstest.WithUser(""), install.ErrMalformed, install.ErrMalformed},
	} {
		cfg := newConfig(t)
		var got error
		cfg.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) { got = err; w.WriteHeader(http.StatusTeapot) }
		link := newLink(t, cfg)
		s, begun := newSite(link), start(link)
		w := send(s, stripeappstest.NewInstallRedirect(begun, stripeappstest.At(testNow), test.option))
		assert.Equal(t, http.StatusTeapot, w.Code, name)
		assert.ErrorIs(t, got, test.refusal, name)
		assert.ErrorIs(t, got, test.want, name)
		assert.Empty(t, s.installed, name)

		send(s, stripeappstest.NewInstallRedirect(begun, stripeappstest.At(testNow)))
		assert.Len(t, s.installed, 1, "%s: the state is not used up", name)
	}
}

// failing is a Guard that cannot tell.
type failing struct{}

func (failing) Claim(context.Context, string, time.Time) (bool, error) {
	return false, errors.New("<script>not reachable</script>")
}

func TestAGuardThatFailsLetsNothingPass(t *testing.T) {
	cfg := newConfig(t)
	cfg.Guard = failing{}
	link := newLink(t, cfg)
	s := newSite(link)
	w := send(s, stripeappstest.NewInstallRedirect(start(link), stripeappstest.At(testNow)))
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Contains(t, w.Body.String(), "install_guard_unavailable")
	assert.NotContains(t, w.Body.String(), "reachable")
	assert.Empty(t, w.Header()["Set-Cookie"])
	assert.Empty(t, s.installed)
}

var pageHeader = http.Header{
	"Cache-Control": {"no-store"}, "Referrer-Policy": {"no-referrer"},
	"Content-Type": {"text/html; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"},
}

func TestThePageSaysWhatHasHappened(t *testing.T) {
	link := newLink(t, newConfig(t))
	for query, want := range map[string]string{
		"error=access_denied&error_description=%3Cscript%3Ealert(1)%3C/script%3E": "Install cancelled|The install was cancelled at Stripe: start again if that was not what you meant.|install_cancelled",
		"":                        "One more step|This install was begun at Stripe and not on this site: start again here to connect your account.|install_not_started",
		"install_signature=t%3D1": "One more step|The app was installed, but not from this site: start again here to connect your account.|install_not_started",
		"state=%3Cscript%3E":      "The app was not installed|The address of this page was not made by this site: start again here.|install_invalid_state",
	} {
		w := send(newSite(link), httptest.NewRequest("GET", "/installed?"+query, nil))
		assert.Equal(t, 400, w.Code)
		for _, text := range strings.Split(want, "|") {
			assert.Contains(t, w.Body.String(), ">"+text+"<")
		}
		assert.Contains(t, w.Body.String(), `<a href="/install">Start again</a>`)
		assert.NotContains(t, w.Body.String(), "script")
		header := pageHeader.Clone()
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+hashOfStyle(w.Body.String())+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		assert.Equal(t, header, w.Header())
	}
}

var style = regexp.MustCompile(`(?s)<style[^>]*>(.*)</style>`)

func hashOfStyle(page string) string {
	sum := sha256.Sum256([]byte(style.FindStringSubmatch(page)[1]))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func TestThePageLeadsNowhereWithoutAStartPath(t *testing.T) {
	cfg := newConfig(t)
	cfg.StartPath = ""
	assert.NotContains(t, send(newSite(newLink(t, cfg)), httptest.NewRequest("GET", "/installed", nil)).Body.String(), "href")
}

func TestThePageHasItsStyleBehindAPolicyOfYours(t *testing.T) {
	withCSP, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: stripeapps.PagePolicy(), NewNonce: func() string { return "0123456789012345678901" }})
	require.NoError(t, err)
	w := send(withCSP(newSite(newLink(t, newConfig(t)))), httptest.NewRequest("GET", "/installed", nil))
	assert.Contains(t, w.Body.String(), `<style nonce="0123456789012345678901">`)
	assert.Len(t, w.Header()["Content-Security-Policy"], 2)
}

func TestAnErrorHandlerThatWritesNothingGetsThePage(t *testing.T) {
	cfg := newConfig(t)
	logged := 0
	cfg.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { logged++ }
	w := send(newSite(newLink(t, cfg)), httptest.NewRequest("GET", "/installed", nil))
	assert.Equal(t, 400, w.Code)
	assert.Contains(t, w.Body.String(), "install_not_started")
	assert.Equal(t, 1, logged)
}

func TestEachProblemOfALinkIsNamed(t *testing.T) {
	_, err := install.NewLink(install.LinkConfig{StartPath: "install"})
	assert.EqualError(t, err, "stripeapps/install: URL is empty: copy it from the Dashboard, like https://marketplace.stripe.com/apps/install/link/…\n"+
		"stripeapps/install: RedirectURI is empty: it must be the full URL of Callback, like https://app.example.com/installed\n"+
		"stripeapps/install: StartPath is not the path of a page of this site, like \"/install\"\n"+
		"stripeapps/install: Verifier is nil: give one that has the app's secrets\n"+
		"stripeapps/install: StateKeys is empty: give a key of 32 random bytes\n"+
		"stripeapps/install: Guard is nil: give replay.NewMemory, or one that several processes share")
	cfg := newConfig(t)
	for _, labels := range [][]string{{}, {""}} {
		cfg.SecretLabels = labels
		_, err = install.NewLink(cfg)
		assert.ErrorContains(t, err, "SecretLabels")
	}
	cfg.SecretLabels = nil
	cfg.Verifier = new(stripeapps.Verifier)
	_, err = install.NewLink(cfg)
	assert.EqualError(t, err, "stripeapps/install: Verifier was not made by stripeapps.NewVerifier")
	assert.Panics(t, func() { newLink(t, newConfig(t)).Callback(nil) })
}

func TestURLs(t *testing.T) {
	const path = "/apps/install/link/com.example"
	for name, test := range map[string]struct {
		set  func(cfg *install.LinkConfig, text string)
		good []string
		bad  map[string]string
	}{
		"URL": {
			func(cfg *install.LinkConfig, text string) { cfg.URL = text },
			[]string{linkURL, "http://localhost:8080" + path, "https://127.0.0.1" + path, "http://[::1]:80" + path},
			map[string]string{
				linkURL + "?redirect_uri=x": "query",
				linkURL + "?":               "query",
				"https://marketplace.stripe.com/oauth/v2/authorize?client_id=ca_1": "is an OAuth install link: use NewOAuth",
				linkURL + "#":                                      "fragment",
				"http://marketplace.stripe.com" + path:             "https",
				"https://marketplace.stripe.com.evil.com" + path:   "stripe.com",
				"https://evilstripe.com" + path:                    "stripe.com",
				"https://user@marketplace.stripe.com" + path:       "user",
				"https://marketplace.stripe.com/apps/install/link": "path",
				"https://marketplace.stripe.com/apps/com.example":  "path",
				"https://marketplace.stripe.com:443x" + path:       "URL",
				"javascript:alert(1)":                              "URL",
				"HTTPS://marketplace.stripe.com" + path:            "written",
				linkURL + strings.Repeat("x", 2048):                "longer",
				linkURL + "\n":                                     "URL",
				"//marketplace.stripe.com" + path:                  "URL",
			},
		},
		"RedirectURI": {
			func(cfg *install.LinkConfig, text string) { cfg.RedirectURI = text },
			[]string{redirectURI, "http://localhost:8080/installed", "http://127.0.0.1/a/", "https://app.example.com:8443/x"},
			map[string]string{
				"https://app.example.com":            "path",
				"https://app.example.com/":           "path",
				"http://app.example.com/installed":   "https",
				"http://localhost.evil.com/x":        "https",
				"https:///installed":                 "host",
				redirectURI + "?a=1":                 "query",
				redirectURI + "#a":                   "fragment",
				"https://app.example.com\\installed": "",
				"https://münchen.example/installed":  "",
				"/installed":                         "URL",
			},
		},
		"StartPath": {
			func(cfg *install.LinkConfig, text string) { cfg.StartPath = text },
			[]string{"", "/", "/install", "/install?from=stripe"},
			map[string]string{"install": "", "//evil.com": "", "///evil.com": "", `/\evil.com`: "", "https://evil.com/": "", "javascript:alert(1)": "", "/a\nb": ""},
		},
	} {
		for _, good := range test.good {
			cfg := newConfig(t)
			test.set(&cfg, good)
			_, err := install.NewLink(cfg)
			assert.NoError(t, err, "%s %q", name, good)
		}
		for bad, why := range test.bad {
			cfg := newConfig(t)
			test.set(&cfg, bad)
			_, err := install.NewLink(cfg)
			if assert.Error(t, err, "%s %q", name, bad) {
				assert.Contains(t, err.Error(), "stripeapps/install: "+name+" ", bad)
				assert.Contains(t, err.Error(), why, bad)
			}
		}
	}
}

// FuzzCallback holds what is accepted against the query, taken apart by another
// parser: each parameter is there once, and is what Stripe has signed. A refusal shows
// nothing of the query.
func FuzzCallback(f *testing.F) {
	const marker = "zzmarkerzz"
	cfg := newConfig(f)
	cfg.Guard = forgetting{}
	link := newLink(f, cfg)
	begun := start(link)
	good := stripeappstest.NewInstallRedirect(begun, stripeappstest.At(testNow))
	want := good.URL.Query()
	for _, more := range []string{"", "&livemode=false", "&livemode=true", "&livemode=", "&error=access_denied", "&state=", "&st%61te=x", "&x=%", "&a;b", "&x=" + marker} {
		f.Add(good.URL.RawQuery, more)
	}
	f.Add("", "error=access_denied&error_description="+marker)
	f.Fuzz(func(t *testing.T, query, more string) {
		s := newSite(link)
		r := good.Clone(context.Background())
		r.URL.RawQuery = query + more
		w := send(s, r)
		if len(s.installed) == 0 {
			if strings.Contains(w.Body.String(), marker) || w.Code < 400 {
				t.Fatal("the response shows what is in the query")
			}
			return
		}
		values := map[string][]string{}
		for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
			name, value, _ := strings.Cut(pair, "=")
			values[unescape(name)] = append(values[unescape(name)], unescape(value))
		}
		for name := range want {
			if fmt.Sprint(values[name]) != fmt.Sprint(want[name]) && name != "install_signature" {
				t.Fatalf("%s is %q", name, values[name])
			}
		}
		if livemode := values["livemode"]; s.installed[0].UnsignedLivemode == (fmt.Sprint(livemode) == "[false]") {
			t.Fatalf("livemode is %q", livemode)
		}
	})
}

// forgetting is a Guard to which every claim is the first.
type forgetting struct{}

func (forgetting) Claim(context.Context, string, time.Time) (bool, error) { return true, nil }

var escape = regexp.MustCompile(`\+|%[0-9A-Fa-f]{2}`)

func unescape(text string) string {
	return escape.ReplaceAllStringFunc(text, func(escaped string) string {
		if escaped == "+" {
			return " "
		}
		b, _ := hex.DecodeString(escaped[1:])
		return string(b)
	})
}
