package main

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/examples/installed/standin"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// world is the backend and the stand-in for Stripe.
type world struct {
	t      *testing.T
	site   string // the backend's URL
	stripe *standin.Stripe
	log    *log
}

// log is what the backend has logged.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newWorld(t *testing.T, oauth bool) *world {
	return newWorldOf(t, oauth, func(*config) {})
}

func newWorldOf(t *testing.T, oauth bool, edit func(*config)) *world {
	server := httptest.NewUnstartedServer(nil)
	site := "http://" + server.Listener.Addr().String()
	stripe, err := standin.Start("127.0.0.1:0", site, oauth)
	require.NoError(t, err)
	t.Cleanup(stripe.Close)
	lines := new(log)
	c := configFor(stripe, site)
	edit(&c)
	backend, in, err := wire(c, oauth, slog.New(slog.NewTextHandler(lines, &slog.HandlerOptions{Level: slog.LevelDebug})))
	require.NoError(t, err)
	server.Config.Handler = backend
	server.Start()
	t.Cleanup(func() {
		server.Close()
		assert.NoError(t, in.close(t.Context()))
	})
	return &world{t, site, stripe, lines}
}

// inBothWays runs a test with an install link, and with OAuth.
func inBothWays(t *testing.T, test func(t *testing.T, w *world)) {
	for name, oauth := range map[string]bool{"with an install link": false, "with OAuth": true} {
		t.Run(name, func(t *testing.T) { test(t, newWorld(t, oauth)) })
	}
}

// browser keeps cookies as browsers do, also those that are Secure and from this machine.
type browser struct {
	w      *world
	client *http.Client
}

func (w *world) newBrowser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	return &browser{w, &http.Client{Jar: trusting{jar}}}
}

type trusting struct{ http.CookieJar }

func (j trusting) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.CookieJar.SetCookies(overTLS(u), cookies)
}
func (j trusting) Cookies(u *url.URL) []*http.Cookie { return j.CookieJar.Cookies(overTLS(u)) }

func overTLS(u *url.URL) *url.URL {
	secure := *u
	secure.Scheme = "https"
	return &secure
}

// page is what a browser shows.
type page struct {
	status int
	url    string
	text   string // without tags
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

func (b *browser) show(response *http.Response, err error) page {
	require.NoError(b.w.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(b.w.t, err)
	text := html.UnescapeString(tags.ReplaceAllString(string(body), ""))
	return page{response.StatusCode, response.Request.URL.String(), spaces.ReplaceAllString(text, " ")}
}

func (b *browser) open(url string) page { return b.show(b.client.Get(url)) }

// send sends a form of the page that is shown.
func (b *browser) send(to string, form url.Values) page { return b.show(b.client.PostForm(to, form)) }

// beginInstall opens the page of the site, and returns the one at Stripe.
func (b *browser) beginInstall() string {
	shown := b.open(b.w.site + "/install")
	require.Equal(b.w.t, http.StatusOK, shown.status)
	require.Contains(b.w.t, shown.text, "Install Example App?")
	return shown.url
}

func (b *browser) install() page { return b.send(b.beginInstall(), url.Values{"decision": {"agree"}}) }

// wayBack agrees, and returns where Stripe leads, without going there.
func (b *browser) wayBack() *url.URL {
	at := b.beginInstall()
	stay := *b.client
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := stay.PostForm(at, url.Values{"decision": {"agree"}})
	require.NoError(b.w.t, err)
	response.Body.Close()
	require.Equal(b.w.t, http.StatusSeeOther, response.StatusCode)
	back, err := response.Location()
	require.NoError(b.w.t, err)
	return back
}

// answer is what the extension, or Stripe, gets from the backend.
type answer struct {
	status int
	code   string
	text   string
}

func (w *world) do(r *http.Request) answer {
	r.RequestURI = ""
	response, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	var problem struct{ Code string }
	json.Unmarshal(body, &problem) // or there is none
	return answer{response.StatusCode, problem.Code, string(body)}
}

// ask asks for the balance, as the extension does.
func (w *world) ask(payload map[string]any, options ...stripeappstest.Option) answer {
	options = append([]stripeappstest.Option{
		stripeappstest.WithSecret(standin.AppSecret), stripeappstest.WithUser(standin.UserID), stripeappstest.WithAccount(standin.AccountID),
	}, options...)
	return w.do(stripeappstest.NewRequest(http.MethodPost, w.site+"/api/balance", payload, options...))
}

var inTest = map[string]any{"action": "balance", "livemode": false}

func (w *world) assertInstalled() {
	w.t.Helper()
	got := w.ask(inTest)
	assert.Equal(w.t, http.StatusOK, got.status, got.text)
	assert.Contains(w.t, got.text, `"amount": 128450`)
}

func (w *world) assertNotInstalled() {
	w.t.Helper()
	got := w.ask(inTest)
	assert.Equal(w.t, http.StatusForbidden, got.status, got.text)
	assert.Contains(w.t, []string{"not_installed", "install_again"}, got.code) // Tokens asks Stripe if the install is minutes old
}

// deliveries counts what the backend has logged of events.
func (w *world) deliveries(outcome string) int {
	return strings.Count(w.log.String(), "outcome="+outcome+" ")
}
