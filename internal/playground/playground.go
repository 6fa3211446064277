// Package playground is what examples/quickstart has beyond a backend: its flags,
// its greeting and its selfcheck, and a page to try it in a browser, which plays
// the Dashboard and Stripe. No backend needs any of it.
package playground

import (
	"bytes"
	"embed"
	"html/template"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/dashboard"
)

// Around returns backend with the playground around it: a page at / that plays
// the Dashboard, and an endpoint that signs with secret, as Stripe does. Whoever
// reaches that endpoint can sign. So it is backend alone that is returned, unless
// addr, where it will be served, is one that only this machine can reach.
func Around(backend http.Handler, addr net.Addr, secret string) (http.Handler, error) {
	if !isLoopback(addr) {
		return backend, nil
	}
	return newPlayground(backend, secret, time.Now)
}

func newPlayground(backend http.Handler, secret string, now func() time.Time) (http.Handler, error) {
	wire := new(recorder)
	own, err := newRoutes(wire, signer{secret, now})
	if err != nil {
		return nil, err
	}
	own, recorded := localOnly(own), wire.record(backend)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/" || strings.HasPrefix(path, "/playground/"):
			own.ServeHTTP(w, r)
		case strings.HasPrefix(path, "/api/"):
			recorded.ServeHTTP(w, r)
		default:
			backend.ServeHTTP(w, r)
		}
	}), nil
}

var (
	//go:embed web/*.html
	templates embed.FS

	//go:embed web/page.css
	pageCSS []byte
	//go:embed web/page.js
	pageJS []byte
	//go:embed web/extension.css
	extensionCSS []byte
	//go:embed web/extension.js
	extensionJS []byte
)

const (
	typeHTML = "text/html; charset=utf-8"
	typeCSS  = "text/css; charset=utf-8"
	typeJS   = "text/javascript; charset=utf-8"
	typeJSON = "application/json"
)

func newRoutes(wire *recorder, sign signer) (http.Handler, error) {
	pages, err := template.ParseFS(templates, "web/*.html")
	if err != nil {
		return nil, err
	}
	page, err := newPage(pages.Lookup("page.html"), pagePolicy())
	if err != nil {
		return nil, err
	}
	extension, err := newPage(pages.Lookup("extension.html"), extensionPolicy())
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("GET /{$}", page)
	mux.Handle("GET /playground/web/page.css", file(typeCSS, pageCSS))
	mux.Handle("GET /playground/web/host.js", file(typeJS, dashboard.HostJS))
	mux.Handle("GET /playground/web/page.js", file(typeJS, pageJS))
	mux.Handle("GET /playground/extension", extension)
	mux.Handle("GET /playground/web/extension.css", file(typeCSS, extensionCSS))
	mux.Handle("GET /playground/web/frame.js", file(typeJS, dashboard.FrameJS))
	mux.Handle("GET /playground/web/extension.js", file(typeJS, extensionJS))
	mux.Handle("POST /playground/sign", sameOriginOnly(sign))
	mux.Handle("GET /playground/last", sameOriginOnly(http.HandlerFunc(wire.tellLast)))
	mux.HandleFunc("/", notFound)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path { // the mux would redirect it
			notFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}), nil
}

var errNotFound = stripeapps.NewError("not_found", http.StatusNotFound,
	"there is nothing here for this method and path: open / in a browser, or call POST /api/echo or GET /api/whoami")

func notFound(w http.ResponseWriter, r *http.Request) {
	stripeapps.WriteProblem(w, r, errNotFound)
}

// pagePolicy is for the page around the extension.
func pagePolicy() stripeapps.Policy {
	return append(stripeapps.PagePolicy(), directive("frame-src", stripeapps.CSPSelf))
}

// extensionPolicy is for the extension. 'self' is the origin of its URL, although
// its own origin is null, and remains so if it is opened outside its iframe.
func extensionPolicy() stripeapps.Policy {
	return stripeapps.Policy{
		directive("default-src", stripeapps.CSPNone),
		directive("script-src", stripeapps.CSPNonce),
		directive("style-src", stripeapps.CSPNonce),
		directive("connect-src", stripeapps.CSPSelf),
		directive("base-uri", stripeapps.CSPNone),
		directive("form-action", stripeapps.CSPNone),
		directive("frame-ancestors", stripeapps.CSPSelf),
		directive("sandbox", "allow-scripts"),
	}
}

func directive(name, source string) stripeapps.Directive {
	return stripeapps.Directive{Name: name, Sources: []string{source}}
}

func newPage(page *template.Template, policy stripeapps.Policy) (http.Handler, error) {
	protect, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: policy})
	if err != nil {
		return nil, err
	}
	return protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var document bytes.Buffer
		err := page.Execute(&document, map[string]any{
			"Nonce":     stripeapps.NonceFrom(r.Context()),
			"UserID":    sampleUserID,
			"AccountID": sampleAccountID,
			"Checks":    waitingChecks(),
		})
		if err != nil {
			stripeapps.WriteProblem(w, r, err)
			return
		}
		respond(w, typeHTML, document.Bytes())
	})), nil
}

func file(contentType string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { respond(w, contentType, content) }
}

func respond(w http.ResponseWriter, contentType string, content []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", "no-store") // a nonce is for one response
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	w.Write(content) // nothing can be done about a client that went away
}
