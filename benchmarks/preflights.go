package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	chicors "github.com/go-chi/cors"
	jubcors "github.com/jub0bs/cors"
	"github.com/rs/cors"

	"github.com/seed-8a2ffb75/stripeapps"
)

// corsPeer is one of those who respond to preflights.
type corsPeer struct {
	name string
	wrap func(http.Handler) http.Handler
}

var (
	corsMethods = []string{http.MethodPost}
	corsHeaders = []string{"Content-Type", "Stripe-Signature"}
)

var rsCORS = named("rs/cors", "github.com/rs/cors")

func corsPeers() ([]corsPeer, error) {
	protect, err := stripeapps.NewCORS(stripeapps.CORSConfig{Methods: corsMethods})
	if err != nil {
		return nil, err
	}
	jub, err := jubcors.NewMiddleware(jubcors.Config{Origins: []string{"*"}, Methods: corsMethods, RequestHeaders: corsHeaders, MaxAgeInSeconds: 7200})
	if err != nil {
		return nil, err
	}
	rs := cors.New(cors.Options{AllowedOrigins: []string{"*"}, AllowedMethods: corsMethods, AllowedHeaders: corsHeaders, MaxAge: 7200})
	chi := chicors.Handler(chicors.Options{AllowedOrigins: []string{"*"}, AllowedMethods: corsMethods, AllowedHeaders: corsHeaders, MaxAge: 7200})
	return []corsPeer{
		{oursName, protect},
		{rsCORS, rs.Handler},
		{named("go-chi/cors", "github.com/go-chi/cors"), chi},
		{named("jub0bs/cors", "github.com/jub0bs/cors"), jub.Wrap},
	}, nil
}

// newPreflight is what Chromium sends before an extension's request.
func newPreflight(headers string) *http.Request {
	r := httptest.NewRequest(http.MethodOptions, "/api/echo", nil)
	r.Header.Set("Origin", "null")
	r.Header.Set("Access-Control-Request-Method", http.MethodPost)
	r.Header.Set("Access-Control-Request-Headers", headers)
	return r
}

const extensionHeaders = "content-type,stripe-signature" // as browsers write them: in lower case, sorted

// prove returns a peer's handler, once a browser would have let pass what is allowed by
// it, and only that.
func (p corsPeer) prove() (http.Handler, error) {
	handler := p.wrap(http.NotFoundHandler())
	if !letsPass(handler, extensionHeaders) {
		return nil, fmt.Errorf("%s lets a good request not pass", p.name)
	}
	if letsPass(handler, "content-type,x-other") {
		return nil, fmt.Errorf("%s lets a header pass that is not allowed", p.name)
	}
	return handler, nil
}

// letsPass reports whether a browser sends a POST without credentials after the
// response to this preflight: https://fetch.spec.whatwg.org/#cors-preflight-fetch.
func letsPass(handler http.Handler, headers string) bool {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, newPreflight(headers))
	origin := w.Header().Get("Access-Control-Allow-Origin")
	if w.Code < 200 || w.Code > 299 || origin != "*" && origin != "null" {
		return false
	}
	allowed := map[string]bool{}
	for _, line := range w.Header()["Access-Control-Allow-Headers"] {
		for name := range strings.SplitSeq(line, ",") {
			allowed[strings.ToLower(strings.TrimSpace(name))] = true
		}
	}
	for name := range strings.SplitSeq(headers, ",") {
		if !allowed[name] && !allowed["*"] {
			return false
		}
	}
	return true // POST needs no Access-Control-Allow-Methods
}

func measurePreflights(p pace, peers []corsPeer) (results, error) {
	say("preflights")
	var contenders []contender
	for _, peer := range peers {
		handler, err := peer.prove()
		if err != nil {
			return nil, err
		}
		r, w := newPreflight(extensionHeaders), new(nullWriter)
		contenders = append(contenders, contender{peer.name, func() error {
			w.forget()
			handler.ServeHTTP(w, r)
			return nil
		}})
	}
	return measureAll(p, contenders)
}

// nullWriter is a ResponseWriter that keeps the status only.
type nullWriter struct {
	header http.Header
	status int
}

func (w *nullWriter) forget() {
	clear(w.header)
	w.status = 0
}

func (w *nullWriter) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

func (w *nullWriter) WriteHeader(status int) { w.status = status }

func (w *nullWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return len(p), nil
}
