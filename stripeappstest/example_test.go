package stripeappstest_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/replay"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// newBackend is what a backend's main would serve.
func newBackend(secrets []string, now func() time.Time) (http.Handler, error) {
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: secrets, Now: now})
	if err != nil {
		return nil, err
	}
	protect, err := stripeapps.New(stripeapps.Config{Verifier: verifier})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/refunds", func(w http.ResponseWriter, r *http.Request) {
		id := stripeapps.MustIdentity(r.Context())
		fmt.Fprintf(w, "a refund for %s\n", id.AccountID)
	})
	return protect(mux), nil
}

func ExampleNewRequest() {
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	backend, err := newBackend([]string{stripeappstest.DefaultSecret}, func() time.Time { return now })
	if err != nil {
		fmt.Println(err)
		return
	}
	payload := map[string]any{"amount": 1250}
	for _, option := range []stripeappstest.Option{
		stripeappstest.WithAccount("acct_123"),
		stripeappstest.Unsigned(),
		stripeappstest.Expired(),
	} {
		r := stripeappstest.NewRequest("POST", "/api/refunds", payload, stripeappstest.At(now), option)
		w := httptest.NewRecorder()
		backend.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 401
	// 401
}

func ExampleSign() {
	payload := `{"note": "caf\u00e9 & bar", "amount": 1250.0}`
	at := stripeappstest.At(time.Unix(1700000000, 0))
	fmt.Println(stripeappstest.Sign(payload, at))
	fmt.Printf("%s\n", stripeappstest.Body(payload, at))
	// Output:
	// t=1700000000,v1=2169d97fe82034a4e21fee68caad96d8073ff6598287b2db4676bbbfb2ba7313
	// {"note":"café & bar","amount":1250,"user_id":"usr_test","account_id":"acct_test"}
}

func ExampleNewInstallRedirect() {
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{stripeappstest.DefaultSecret}})
	if err != nil {
		fmt.Println(err)
		return
	}
	key := sha256.Sum256([]byte("a key for tests"))
	link, err := install.NewLink(install.LinkConfig{
		URL:         "https://marketplace.stripe.com/apps/install/link/com.example.app",
		RedirectURI: "https://app.example.com/installed",
		Verifier:    verifier,
		StateKeys:   [][]byte{key[:]},
		Guard:       replay.NewMemory(replay.MemoryConfig{}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	callback := link.Callback(func(w http.ResponseWriter, r *http.Request, installed install.Installed) {
		fmt.Println("installed on", installed.AccountID)
	})
	for _, option := range []stripeappstest.Option{
		stripeappstest.WithAccount("acct_123"),
		stripeappstest.Tampered(),
		stripeappstest.WithOtherSecret(),
	} {
		start := httptest.NewRecorder()
		link.Start().ServeHTTP(start, httptest.NewRequest("GET", "/install", nil))
		r := stripeappstest.NewInstallRedirect(start.Result(), option)
		w := httptest.NewRecorder()
		callback.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// installed on acct_123
	// 200
	// 400
	// 400
}

func ExampleGoldenVectors() {
	// The example's verifier looks at the signature only, not at who is calling.
	ofThePayload := []string{"no_identity", "install_signature"}
	wrong := 0
	for vector := range stripeappstest.GoldenVectors() {
		verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
			Secrets: vector.Secrets,
			Now:     func() time.Time { return vector.Clock },
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		// Put your own verifier here.
		_, err = verifier.VerifyPayload(vector.Payload, vector.Header)
		if vector.Accepted != (err == nil) && !slices.Contains(ofThePayload, vector.Code) {
			wrong++
		}
	}
	fmt.Println(wrong, "wrong responses")
	// Output: 0 wrong responses
}

func ExampleRun() {
	// In a test file of the backend:
	_ = func(t *testing.T) {
		backend, err := newBackend([]string{stripeappstest.DefaultSecret}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		stripeappstest.Run(t, backend, stripeappstest.RunConfig{
			Target:    "/api/refunds",
			Payload:   map[string]any{"amount": 1250},
			AroundMux: true, // newBackend puts the chain around the whole mux
		})
	}
}

// What ExampleRun shows is true.
func TestTheBackendOfTheExamples(t *testing.T) {
	backend, err := newBackend([]string{stripeappstest.DefaultSecret}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	stripeappstest.Run(t, backend, stripeappstest.RunConfig{Target: "/api/refunds", Payload: map[string]any{"amount": 1250}, AroundMux: true})
}
