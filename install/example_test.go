package install_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/replay"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// newInstalls is what a backend's main would serve beside its API.
func newInstalls(secret string, stateKey []byte) (http.Handler, error) {
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{secret}})
	if err != nil {
		return nil, err
	}
	link, err := install.NewLink(install.LinkConfig{
		URL:         "https://marketplace.stripe.com/apps/install/link/com.example.app",
		RedirectURI: "https://app.example.com/installed",
		StartPath:   "/install",
		Verifier:    verifier,
		StateKeys:   [][]byte{stateKey},
		Guard:       replay.NewMemory(replay.MemoryConfig{}),
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /install", link.Start())
	mux.Handle("GET /installed", link.Callback(func(w http.ResponseWriter, r *http.Request, installed install.Installed) {
		fmt.Println(installed.UserID, "has installed the app on", installed.AccountID)
		http.Redirect(w, r, "/welcome", http.StatusSeeOther)
	}))
	return mux, nil
}

// An install from beginning to end, with a browser that comes back, and another one that
// has seen the address.
func ExampleLink() {
	key := sha256.Sum256([]byte("32 random bytes in its place, from where your secrets are"))
	site, err := newInstalls(stripeappstest.DefaultSecret, key[:])
	if err != nil {
		fmt.Println(err)
		return
	}
	browser := httptest.NewRecorder()
	site.ServeHTTP(browser, httptest.NewRequest("GET", "/install", nil))
	fmt.Println("to Stripe:", browser.Code)

	back := stripeappstest.NewInstallRedirect(browser.Result(), stripeappstest.WithAccount("acct_123"))
	other := httptest.NewRecorder()
	site.ServeHTTP(other, httptest.NewRequest("GET", back.URL.String(), nil))
	fmt.Println("another browser:", other.Code)

	browser = httptest.NewRecorder()
	site.ServeHTTP(browser, back)
	fmt.Println("the same browser:", browser.Code)
	// Output:
	// to Stripe: 303
	// another browser: 400
	// usr_test has installed the app on acct_123
	// the same browser: 303
}

// The page is sent after all, as the function writes nothing.
func ExampleLinkConfig_errorHandler() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	errorHandler := func(_ http.ResponseWriter, r *http.Request, err error) {
		if errors.Is(err, install.ErrCancelled) {
			return
		}
		var refusal *stripeapps.Error
		if errors.As(err, &refusal) {
			logger.InfoContext(r.Context(), "install refused", "code", refusal.Code())
		}
	}
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{stripeappstest.DefaultSecret}})
	if err != nil {
		fmt.Println(err)
		return
	}
	key := sha256.Sum256([]byte("32 random bytes in its place, from where your secrets are"))
	link, err := install.NewLink(install.LinkConfig{
		URL:          "https://marketplace.stripe.com/apps/install/link/com.example.app",
		RedirectURI:  "https://app.example.com/installed",
		Verifier:     verifier,
		StateKeys:    [][]byte{key[:]},
		Guard:        replay.NewMemory(replay.MemoryConfig{}),
		ErrorHandler: errorHandler,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	callback := link.Callback(func(http.ResponseWriter, *http.Request, install.Installed) {})
	w := httptest.NewRecorder()
	callback.ServeHTTP(w, httptest.NewRequest("GET", "/installed", nil)) // as from the Marketplace
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output:
	// level=INFO msg="install refused" code=install_not_started
	// 400 text/html; charset=utf-8
}
