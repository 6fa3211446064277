// Server is the backend of the browser tests, for what the quickstart has no
// routes for: handlers that are slow, panic or redirect, ways of mounting the
// chain that the documentation warns of, and pages with a policy.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/cspreport"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv("STRIPE_APP_SECRET"), os.Getenv("CERTIFICATE"), os.Getenv("KEY")); err != nil {
		log.Fatal(err)
	}
}

// run serves over http and https on two free ports, and prints where, until ctx
// is done.
func run(ctx context.Context, secret, certificate, key string) error {
	chain, err := stripeapps.New(stripeapps.Config{Secrets: []string{secret}})
	if err != nil {
		return err
	}
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: []string{secret}})
	if err != nil {
		return err
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}

	mux := http.NewServeMux()
	mountAPI(mux, chain, verifier, "https://"+secure.Addr().String())
	if err := mountPages(mux); err != nil {
		return err
	}
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
	}
	stopped := make(chan error, 2)
	go func() { stopped <- server.Serve(plain) }()
	go func() { stopped <- server.ServeTLS(secure, certificate, key) }()
	fmt.Printf("http://%s https://%s\n", plain.Addr(), secure.Addr())
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

// mountAPI mounts what the extension calls.
func mountAPI(mux *http.ServeMux, chain stripeapps.Middleware, verifier *stripeapps.Verifier, secureURL string) {
	seen := http.HandlerFunc(tellSeen)

	// As it should be: the chain is around a mux of its own.
	api := http.NewServeMux()
	api.HandleFunc("POST /api/seen", tellSeen)
	api.HandleFunc("POST /api/slow", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(time.Second):
			tellSeen(w, r)
		case <-r.Context().Done():
		}
	})
	api.HandleFunc("POST /api/panic", func(http.ResponseWriter, *http.Request) { panic("as the tests want it") })
	api.HandleFunc("/api/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/api/seen", http.StatusMovedPermanently)
	})
	mux.Handle("/api/", chain(api))

	// What the documentation warns of.
	mux.Handle("/folder/", chain(seen)) // the mux redirects /folder, and its preflight
	mux.Handle("/to-https/", http.RedirectHandler(secureURL+"/api/seen", http.StatusPermanentRedirect))
	mux.Handle("POST /only-post", chain(seen))
	mux.Handle("/no-cors", verifier.Handler(seen))
	mux.Handle("/cross-origin-protection", http.NewCrossOriginProtection().Handler(chain(seen)))
}

// tellSeen responds with what the handler has seen of the request.
func tellSeen(w http.ResponseWriter, r *http.Request) {
	id := stripeapps.MustIdentity(r.Context())
	writeJSON(w, map[string]string{
		"method":  r.Method,
		"path":    r.URL.Path,
		"origin":  r.Header.Get("Origin"),
		"site":    r.Header.Get("Sec-Fetch-Site"),
		"cookie":  r.Header.Get("Cookie"),
		"user_id": id.UserID,
	})
}

var pages = template.Must(template.New("").Parse(`
{{define "scripts"}}<!doctype html><title>scripts</title>
<p id="clicked" onclick="ran.push('attribute')">click</p>
<script nonce="{{.}}">window.ran = ['nonce']</script>
<script>window.ran.push('no nonce')</script>
<script nonce="{{.}}">
	const added = document.createElement('script')
	added.src = '/added.js'
	document.head.append(added)
</script>{{end}}

{{define "consent"}}<!doctype html><title>consent</title>
<style nonce="{{.}}">button { color: rgb(1, 2, 3) }</style>
<form method="post"><button>Allow</button></form>
<script>document.title = 'a script ran'</script>{{end}}
`))

// mountPages mounts what is opened in a tab, and the reports on it.
func mountPages(mux *http.ServeMux) error {
	var problems []error
	under := func(policy stripeapps.Policy, reportURL string, h http.HandlerFunc) http.Handler {
		csp, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: policy, ReportURL: reportURL})
		if err != nil {
			problems = append(problems, err)
			return nil
		}
		return csp(h)
	}
	page := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			if err := pages.ExecuteTemplate(w, name, stripeapps.NonceFrom(r.Context())); err != nil {
				log.Print(err)
			}
		}
	}
	consent := func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Redirect(w, r, "https://dashboard.stripe.com/apps-oauth/com.example.e2e?state=s&code=c", http.StatusSeeOther)
			return
		}
		page("consent")(w, r)
	}

	// As for browsers that do not know report-to.
	reportURI := stripeapps.Directive{Name: "report-uri", Sources: []string{"/reports"}}

	mux.Handle("GET /page", under(stripeapps.PagePolicy(), "/reports", page("scripts")))
	mux.Handle("GET /page-with-report-uri", under(append(stripeapps.PagePolicy(), reportURI), "", page("scripts")))
	mux.Handle("GET /api-policy", under(stripeapps.APIPolicy(), "", page("scripts")))
	mux.Handle("GET /no-policy", page("scripts"))
	mux.Handle("/consent", under(stripeapps.ConsentPolicy(), "", consent))
	mux.Handle("/consent-under-page-policy", under(stripeapps.PagePolicy(), "", consent))
	mux.HandleFunc("GET /added.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, "window.ran.push('added by one with a nonce')")
	})

	reports := reportList{list: []report{}}
	mux.Handle("POST /reports", cspreport.NewHandler(reports.add))
	mux.HandleFunc("GET /reports", reports.tell)
	return errors.Join(problems...)
}

// reportList keeps the reports of violations for the tests.
type reportList struct {
	mu   sync.Mutex
	list []report
}

type report struct {
	ContentType string           `json:"contentType"`
	Report      cspreport.Report `json:"report"`
}

func (l *reportList) add(r *http.Request, csp cspreport.Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, report{r.Header.Get("Content-Type"), csp})
}

func (l *reportList) tell(w http.ResponseWriter, _ *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	writeJSON(w, l.list)
}

func writeJSON(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(document); err != nil {
		log.Print(err)
	}
}
