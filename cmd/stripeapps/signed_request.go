package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
)

// signedRequest is a request to print.
type signedRequest struct {
	method    string
	url       *url.URL
	headers   [][2]string
	signature string
	body      []byte // nil: none
	at        time.Time
	source    stripeapps.Source
	kind      string // an event, an install, or ""
}

func (r *signedRequest) usualMethod() string {
	if r.body != nil {
		return http.MethodPost
	}
	return http.MethodGet
}

func (r *signedRequest) as(format string) string {
	switch format {
	case "header":
		return r.signature + "\n"
	case "http":
		return r.http()
	case "url":
		return r.url.String() + "\n"
	}
	return r.curl()
}

// curl returns a command for a POSIX shell.
func (r *signedRequest) curl() string {
	command := "curl -isS"
	if strings.ContainsAny(r.url.Path+r.url.RawQuery, "[]{}") {
		command += " -g" // or else curl takes them for a pattern
	}
	if r.method == http.MethodHead {
		command += " -I"
	} else if r.method != r.usualMethod() {
		command += " -X " + shellQuote(r.method)
	}
	lines := []string{command + " " + shellQuote(r.url.String())}
	for _, h := range r.headers {
		lines = append(lines, "-H "+shellQuote(h[0]+": "+h[1]))
	}
	if r.body != nil {
		lines = append(lines, "--data-binary "+shellQuote(string(r.body)))
	}
	return strings.Join(lines, " \\\n  ") + "\n"
}

// shellQuote quotes s for a POSIX shell, in which nothing but ' ends '…'.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// http returns the request as it goes over the wire. After the body there is
// nothing, since that would be a part of it.
func (r *signedRequest) http() string {
	lines := []string{r.method + " " + r.url.RequestURI() + " HTTP/1.1", "Host: " + r.url.Host}
	for _, h := range r.headers {
		lines = append(lines, h[0]+": "+h[1])
	}
	if r.body != nil {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(r.body)))
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + string(r.body)
}

// maxArgument is what Linux takes as one argument.
const maxArgument = 128 << 10

// notes says what the user may not expect of the request.
func (r *signedRequest) notes(format string, s secrets) (notes []string) {
	if err := r.verify(s); err != nil {
		notes = append(notes, "a backend refuses this, as it does if Stripe signs it: "+err.Error())
	}
	if format == "curl" && len(r.body) > maxArgument-1 {
		notes = append(notes, "the body is too long for a shell's command line: use -as http")
	}
	if format == "curl" && r.kind == kindInstall {
		notes = append(notes, "the command is without the cookie of the browser that has begun the install, and is refused so: "+
			"begin it with curl -c jar, and add -b jar to this")
	}
	return notes
}

// verify asks the library for its verdict, at the time of the signature.
func (r *signedRequest) verify(s secrets) error {
	m := message{header: http.Header{}, target: r.url.RequestURI(), body: r.body}
	for _, h := range r.headers {
		m.header.Add(h[0], h[1])
	}
	j := &judge{secrets: s, webhookSecrets: s, now: func() time.Time { return r.at }}
	if err := j.prepareFor(r.kind); err != nil {
		return err
	}
	var v verdict
	switch r.kind {
	case kindEvent:
		v = j.eventVerdict(&m)
	case kindInstall:
		m.install = r.url.String()
		v = j.installVerdict(&m)
	default:
		v = j.verdictAs(&m, r.source)
	}
	if !v.accepted() {
		return fmt.Errorf("%s (%s)", v.Detail, v.Code)
	}
	return nil
}

type signedJSON struct {
	Method          string            `json:"method"`
	URL             string            `json:"url"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body,omitempty"`
	StripeSignature string            `json:"stripe_signature"`
	SignedAt        string            `json:"signed_at"`
}

func (r *signedRequest) json() signedJSON {
	headers := map[string]string{}
	for _, h := range r.headers {
		headers[h[0]] = h[1]
	}
	return signedJSON{
		Method:          r.method,
		URL:             r.url.String(),
		Headers:         headers,
		Body:            string(r.body),
		StripeSignature: r.signature,
		SignedAt:        r.at.UTC().Format(time.RFC3339),
	}
}
