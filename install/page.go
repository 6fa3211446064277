package install

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"sync"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/response"
)

// refusals responds to people who are refused.
type refusals struct {
	startPath    string
	errorHandler func(w http.ResponseWriter, r *http.Request, err error) // nil: the page
}

func (p refusals) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if p.errorHandler == nil {
		p.writePage(w, r, err)
		return
	}
	next, writer := response.ForRefusal(w)
	p.errorHandler(next, r, err)
	if !writer.Begun() {
		p.writePage(next, r, err)
	}
}

// setPrivate keeps a response out of caches, and its address, which has a state and
// a signature in it, out of the Referer of what comes after.
func setPrivate(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
}

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
)

// page is made when it is first needed: it is for people who are refused.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Parse(pageHTML))
})

// pagePolicy allows the page its style sheet and nothing else: no script, no form, no
// frame around it.
var pagePolicy = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return stripeapps.Policy{
		{Name: "default-src", Sources: []string{stripeapps.CSPNone}},
		{Name: "style-src", Sources: []string{"'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"}},
		{Name: "base-uri", Sources: []string{stripeapps.CSPNone}},
		{Name: "form-action", Sources: []string{stripeapps.CSPNone}},
		{Name: "frame-ancestors", Sources: []string{stripeapps.CSPNone}},
	}.String()
})

// writePage responds with the page. Nothing on it is of the request. Behind a NewCSP,
// whose policy counts as well, its style sheet has the nonce of that.
func (p refusals) writePage(w http.ResponseWriter, r *http.Request, err error) {
	refusal := errInternal
	if e := (*stripeapps.Error)(nil); errors.As(err, &e) && e != nil && e.Status() != 0 {
		refusal = e
	}
	setPrivate(w)
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Add("Content-Security-Policy", pagePolicy())
	w.WriteHeader(refusal.Status())
	if r.Method == http.MethodHead {
		return
	}
	page().Execute(w, struct { // nothing can be done about a client that went away
		Title, Text, Code, StartPath, Nonce string
		Style                               template.CSS
	}{
		title(refusal), sentence(refusal.Detail()), refusal.Code(), p.startPath, stripeapps.NonceFrom(r.Context()),
		template.CSS(pageCSS),
	})
}

func title(refusal *stripeapps.Error) string {
	switch refusal.Code() {
	case ErrCancelled.Code():
		return "Install cancelled"
	case ErrNotStarted.Code():
		return "One more step"
	case ErrExpired.Code():
		return "That took too long"
	case ErrUsed.Code(), ErrOtherBrowser.Code():
		return "This page cannot be used again"
	}
	if refusal.Status() >= http.StatusInternalServerError {
		return "Something went wrong here"
	}
	return "The app was not installed"
}

// sentence makes a sentence of a detail.
func sentence(detail string) string {
	return strings.ToUpper(detail[:1]) + detail[1:] + "."
}
