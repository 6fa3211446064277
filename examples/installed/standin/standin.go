// Package standin plays Stripe for this example, as far as an app can tell: the page on
// which a person installs it, the Dashboard with its extension, the API, and the events.
// It is not for production: whoever reaches it can sign.
//
// What an app does is in the folder above: nothing of this package belongs in one.
package standin

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/install/installtest"
	"github.com/seed-8a2ffb75/stripeapps/internal/dashboard"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// What Stripe and the app both know. All of it is made up, and new in each run where it
// is secret.
var (
	AppSecret     = "absec_" + rand.Text()
	WebhookSecret = "whsec_" + rand.Text()
	SecretKey     = "sk_test_" + rand.Text()
)

// Who uses the Dashboard.
const (
	UserID    = "usr_Ada"
	AccountID = "acct_Bakery"
)

// AppID is the app in the events.
const AppID = stripeappstest.DefaultAppID

// Stripe plays Stripe for one app, which is at a URL on this machine.
type Stripe struct {
	URL          string // of the page that leads through all this, without a slash at its end
	InstallLink  string
	OAuthLink    string
	DashboardURL string
	APIURL       string

	appURL string
	oauth  bool // how the app is installed
	server *httptest.Server
	signer dashboard.Stripe
	tokens *installtest.TokenEndpoint
	seen   tour
}

// Start listens at addr, a host and port of this machine. The caller should call Close
// when finished.
//
// oauth says that accounts install the app with OAuth, not with an install link.
//
// Browsers know it as localhost, and the app as 127.0.0.1: so they are two sites, like
// stripe.com and yours.
func Start(addr, appURL string, oauth bool) (*Stripe, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	at := listener.Addr().(*net.TCPAddr)
	if !at.IP.IsLoopback() {
		listener.Close()
		return nil, fmt.Errorf("%s can be reached by others, who could sign: listen on 127.0.0.1", addr)
	}
	s := &Stripe{
		URL:    fmt.Sprintf("http://localhost:%d", at.Port),
		APIURL: "http://" + at.String(),
		appURL: appURL,
		oauth:  oauth,
		tokens: installtest.NewTokenEndpoint(map[install.Mode]string{install.Test: SecretKey}),
		signer: dashboard.Stripe{Secrets: []string{AppSecret}, UserID: UserID, AccountID: AccountID, Now: time.Now},
	}
	s.InstallLink = s.URL + installPath
	s.OAuthLink = s.URL + oauthPath + "?client_id=ca_example"
	s.DashboardURL = s.URL + "/dashboard"
	handler, err := s.routes()
	if err != nil {
		listener.Close()
		return nil, err
	}
	s.server = &httptest.Server{Listener: listener, Config: &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
	}}
	s.server.Start()
	return s, nil
}

// Close stops it.
func (s *Stripe) Close() { s.server.Close() }

func (s *Stripe) routes() (http.Handler, error) {
	page, err := s.page("page.html", stripeapps.PagePolicy().With("frame-src", stripeapps.CSPSelf))
	if err != nil {
		return nil, err
	}
	// Browsers hold the redirect that the form leads to against form-action too.
	agree, err := s.page("install.html", stripeapps.ConsentPolicy().With("form-action", s.appURL))
	if err != nil {
		return nil, err
	}
	extension, err := s.page("extension.html", extensionPolicy(s.appURL))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", page)
	for _, path := range []string{installPath, oauthPath} {
		mux.Handle("GET "+path, s.onlyAllowed(agree))
		mux.Handle("POST "+path, s.onlyAllowed(http.HandlerFunc(s.decide)))
	}
	mux.HandleFunc("GET /dashboard", s.landed)
	mux.Handle("GET /extension", extension)
	mux.HandleFunc("POST /sign", s.sign)
	mux.HandleFunc("POST /answered", s.answered)
	mux.HandleFunc("POST /uninstall", s.uninstall)
	mux.HandleFunc("POST /deliver-again", s.deliverAgain)
	mux.HandleFunc("/v1/", s.api)
	mux.Handle("POST /v1/oauth/token", s.tokens)
	for path, file := range files() {
		mux.Handle("GET "+path, file)
	}
	return s.localOnly(new(http.CrossOriginProtection).Handler(mux)), nil
}

// localOnly keeps away other sites that have pointed their own name at this machine
// (DNS rebinding).
func (s *Stripe) localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		if "http://"+r.Host != s.URL && "http://"+r.Host != s.APIURL {
			http.Error(w, "open "+s.URL+"/ instead", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
