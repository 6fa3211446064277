package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// proxy hands requests on and reports them.
type proxy struct {
	judge       *judge
	to          *url.URL
	rewriteHost bool
	log         *log.Logger

	app   *app
	json  bool
	paint paint
	mu    sync.Mutex // of the app's out
}

func (p *proxy) handler() http.Handler {
	transport := &http.Transport{ // no Proxy: the backend is named
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		DisableCompression:    true, // or else it asks for gzip, and unpacks it
		ExpectContinueTimeout: time.Second,
		MaxIdleConnsPerHost:   32,
		IdleConnTimeout:       time.Minute,
	}
	reverse := &httputil.ReverseProxy{
		Rewrite:        p.rewrite,
		Transport:      transport,
		FlushInterval:  -1, // event streams
		ErrorLog:       p.log,
		ModifyResponse: p.reportResponse,
		ErrorHandler:   p.reportNoResponse,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reverse.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), reportKey{}, p.look(r))))
	})
}

// rewrite undoes what httputil.ReverseProxy does to a request beyond what a hop
// must.
func (p *proxy) rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme, r.Out.URL.Host = p.to.Scheme, p.to.Host
	r.Out.URL.RawQuery, r.Out.URL.ForceQuery = r.In.URL.RawQuery, r.In.URL.ForceQuery
	// The path as it was written: net/url normalizes some escapes.
	path, _, _ := strings.Cut(r.In.RequestURI, "?")
	if strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") {
		r.Out.URL.Opaque = path
	}
	if !p.rewriteHost {
		r.Out.Host = r.In.Host
	} else {
		r.Out.Host = p.to.Host
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values := r.In.Header[name]; values != nil {
			r.Out.Header[name] = values
		}
	}
}

// reportResponse prints the report as soon as the response's head is there, since
// its body can go on for ever, unless it is a problem document.
func (p *proxy) reportResponse(response *http.Response) error {
	if rep, ok := response.Request.Context().Value(reportKey{}).(*report); ok {
		rep.problem = p.readProblem(response)
		p.print(rep, response.StatusCode)
	}
	return nil
}

// reportNoResponse responds for the backend, readably for the extension.
func (p *proxy) reportNoResponse(w http.ResponseWriter, r *http.Request, err error) {
	if rep, ok := r.Context().Value(reportKey{}).(*report); ok {
		p.print(rep, 0)
	}
	if errors.Is(err, context.Canceled) {
		return // the client went away
	}
	p.log.Printf("the backend did not respond: is it listening on %s?", p.to.Host)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	http.Error(w, "stripeapps serve: the backend did not respond", http.StatusBadGateway)
}

// maxPeek is how much of a body is looked at.
const maxPeek = 1 << 20

// peek reads the body, and puts it back. What cannot be read is left to whoever
// reads on.
func peek(r *http.Request) (body []byte, tooLarge bool) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, false
	}
	if r.ContentLength > maxPeek {
		return nil, true
	}
	original := r.Body
	body, err := io.ReadAll(io.LimitReader(original, maxPeek+1))
	rest := io.Reader(original)
	if err != nil {
		rest = failingReader{err}
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), rest), original}
	return body, len(body) > maxPeek
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }
