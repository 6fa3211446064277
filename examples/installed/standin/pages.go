package standin

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/dashboard"
)

//go:embed web
var web embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"short": short, "parts": parts}).ParseFS(web, "web/*.html"))

// page serves a page with the policy, whose nonce is on its style sheet and its scripts.
func (s *Stripe) page(name string, policy stripeapps.Policy) (http.Handler, error) {
	protect, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: policy})
	if err != nil {
		return nil, err
	}
	return protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var document bytes.Buffer
		err := pages.ExecuteTemplate(&document, name, struct {
			view
			Nonce, AppURL, UserID, AccountID string
			OAuth                            bool
			RedirectURI                      string
		}{s.seen.now(), stripeapps.NonceFrom(r.Context()), s.appURL, UserID, AccountID, s.oauth, s.redirectURI()})
		if err != nil {
			stripeapps.WriteProblem(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(document.Bytes()) // nothing can be done about a client that went away
	})), nil
}

// files are the pages' style sheets and scripts, by their paths.
func files() map[string]http.Handler {
	served := make(map[string]http.Handler)
	for name, content := range map[string][]byte{"host.js": dashboard.HostJS, "frame.js": dashboard.FrameJS} {
		served["/web/"+name] = file("text/javascript; charset=utf-8", content)
	}
	for name, contentType := range map[string]string{
		"page.js": "text/javascript; charset=utf-8", "extension.js": "text/javascript; charset=utf-8", "page.css": "text/css; charset=utf-8",
	} {
		content, err := web.ReadFile("web/" + name)
		if err != nil {
			panic(err) // it is part of the program
		}
		served["/web/"+name] = file(contentType, content)
	}
	return served
}

func file(contentType string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Write(content)
	}
}

// short leaves out the middle of what nobody reads. Of a signature, the time stays.
func short(text string) string {
	at, mac, signed := strings.Cut(text, ",v1=")
	if signed {
		return at + ",v1=" + short(mac)
	}
	if len(text) <= 28 {
		return text
	}
	return text[:16] + "…" + text[len(text)-6:]
}

// parts are where a line of JSON may end: JSON has few spaces.
func parts(text string) []string { return strings.Split(text, ",") }
