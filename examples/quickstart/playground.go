package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
)

//go:embed web
var web embed.FS

var pages = template.Must(template.ParseFS(web, "web/*.html"))

// newPlayground returns handler with the playground around it: a page at / that
// plays the Dashboard, and a signing endpoint that plays Stripe. A backend has
// neither. serve adds it only where it listens on a loopback address, because
// whoever reaches the signing endpoint can sign.
func newPlayground(handler http.Handler, secret string, now func() time.Time) (http.Handler, error) {
	page, err := newPage("page.html", pagePolicy())
	if err != nil {
		return nil, err
	}
	extension, err := newPage("extension.html", extensionPolicy())
	if err != nil {
		return nil, err
	}
	wire := new(recorder)

	mux := http.NewServeMux()
	mux.Handle("GET /{$}", page)
	mux.Handle("GET /playground/extension", extension)
	mux.HandleFunc("GET /playground/web/{name}", serveAsset)
	mux.Handle("POST /playground/sign", sameOriginOnly(signer{secret, now}))
	mux.Handle("GET /playground/last", sameOriginOnly(http.HandlerFunc(wire.tellLast)))
	mux.HandleFunc("/", notFound)

	playground, recorded := localOnly(withoutRedirects(mux)), wire.record(handler)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/" || strings.HasPrefix(path, "/playground/"):
			playground.ServeHTTP(w, r)
		case strings.HasPrefix(path, "/api/"):
			recorded.ServeHTTP(w, r)
		default:
			handler.ServeHTTP(w, r)
		}
	}), nil
}

// hasPlayground reports whether only this machine can reach a listener.
func hasPlayground(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// pagePolicy is for the page around the extension.
func pagePolicy() stripeapps.Policy {
	return append(stripeapps.PagePolicy(),
		stripeapps.Directive{Name: "frame-src", Sources: []string{stripeapps.CSPSelf}})
}

// extensionPolicy is for the extension. 'self' is the origin of its URL, although
// its own origin is null, and remains so if it is opened outside its iframe.
func extensionPolicy() stripeapps.Policy {
	return stripeapps.Policy{
		{Name: "default-src", Sources: []string{stripeapps.CSPNone}},
		{Name: "script-src", Sources: []string{stripeapps.CSPNonce}},
		{Name: "style-src", Sources: []string{stripeapps.CSPNonce}},
		{Name: "connect-src", Sources: []string{stripeapps.CSPSelf}},
		{Name: "base-uri", Sources: []string{stripeapps.CSPNone}},
		{Name: "form-action", Sources: []string{stripeapps.CSPNone}},
		{Name: "frame-ancestors", Sources: []string{stripeapps.CSPSelf}},
		{Name: "sandbox", Sources: []string{"allow-scripts"}},
	}
}

func newPage(name string, policy stripeapps.Policy) (http.Handler, error) {
	protect, err := stripeapps.NewCSP(stripeapps.CSPConfig{Policy: policy})
	if err != nil {
		return nil, err
	}
	return protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var document bytes.Buffer
		err := pages.ExecuteTemplate(&document, name, map[string]any{
			"Nonce":     stripeapps.NonceFrom(r.Context()),
			"UserID":    sampleUserID,
			"AccountID": sampleAccountID,
			"Checks":    waitingChecks(),
		})
		if err != nil {
			stripeapps.WriteProblem(w, r, err)
			return
		}
		answer(w, "text/html; charset=utf-8", document.Bytes())
	})), nil
}

var assetTypes = map[string]string{
	"page.css":      "text/css; charset=utf-8",
	"extension.css": "text/css; charset=utf-8",
	"page.js":       "text/javascript; charset=utf-8",
	"extension.js":  "text/javascript; charset=utf-8",
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	contentType, ok := assetTypes[name]
	content, err := web.ReadFile("web/" + name)
	if !ok || err != nil {
		notFound(w, r)
		return
	}
	answer(w, contentType, content)
}

func answer(w http.ResponseWriter, contentType string, content []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", "no-store") // a nonce is for one response
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	w.Write(content) // nothing can be done about a client that went away
}

var (
	errNotLocal    = stripeapps.NewError("not_local", http.StatusForbidden, "the playground is only for this machine's own browser: open it at 127.0.0.1 or localhost, without a proxy or tunnel")
	errCrossOrigin = stripeapps.NewError("cross_origin", http.StatusForbidden, "only the playground's own page may call this: the extension has to ask that page")
)

// localOnly keeps away other sites that have pointed their own name at this
// machine (DNS rebinding), and what says that it comes through a proxy or tunnel.
// A proxy that rewrites Host and says nothing is not noticed.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocalHost(r.Host) || isForwarded(r.Header) {
			stripeapps.WriteProblem(w, r, errNotLocal)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isLocalHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() && ip.Zone() == "" || strings.EqualFold(host, "localhost")
}

func isForwarded(header http.Header) bool {
	for name := range header {
		if strings.HasPrefix(name, "X-Forwarded-") || slices.Contains(forwardingHeaders, name) {
			return true
		}
	}
	return false
}

var forwardingHeaders = []string{"Forwarded", "Via", "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip"}

// sameOriginOnly refuses browsers on any other page, and so the extension, whose
// origin is null. CrossOriginProtection lets every GET pass.
func sameOriginOnly(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site := r.Header.Get("Sec-Fetch-Site")
		if protection.Check(r) != nil || site != "" && site != "same-origin" && site != "none" {
			stripeapps.WriteProblem(w, r, errCrossOrigin)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// signer plays Stripe: it adds the two ids to a payload and signs it. The time
// cannot be chosen, and whoever signs is always the sample user.
type signer struct {
	secret string
	now    func() time.Time
}

const maxSignBytes = 4 << 10

// expiredAge is the age of a signature that is made too old.
const expiredAge = 2 * stripeapps.DefaultTolerance

var errBadSignRequest = stripeapps.NewError("bad_sign_request", http.StatusBadRequest, `this endpoint takes {"age":"new"} or {"age":"expired"}, with a "payload" of the strings "action" and "note" or without one`)

func (s signer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Age     string
		Payload json.RawMessage
	}
	err := decodeStrictly(http.MaxBytesReader(w, r.Body, maxSignBytes), &asked)
	signed, ok := textToSign(asked.Payload)
	at := s.now()
	switch asked.Age {
	case "new":
	case "expired":
		at = at.Add(-expiredAge)
	default:
		ok = false
	}
	if err != nil || !ok {
		stripeapps.WriteProblem(w, r, errBadSignRequest)
		return
	}
	answerValue(w, r, map[string]string{"signature": sign(signed, s.secret, at), "signed": signed})
}

// textToSign returns payload with the two ids at its end, as Stripe signs it. It
// keeps the payload's own text, since the extension sends that.
func textToSign(payload json.RawMessage) (string, bool) {
	if len(payload) == 0 {
		return sampleIDsPayload, true
	}
	var members struct{ Action, Note string } // and so no ids
	var compact bytes.Buffer
	if payload[0] != '{' || decodeStrictly(bytes.NewReader(payload), &members) != nil || json.Compact(&compact, payload) != nil {
		return "", false
	}
	own := strings.TrimSuffix(compact.String(), "}")
	if own != "{" {
		own += ","
	}
	return own + sampleIDs, true
}

// decodeStrictly reads one JSON document without unknown members.
func decodeStrictly(from io.Reader, into any) error {
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind the document")
	}
	return nil
}

func answerValue(w http.ResponseWriter, r *http.Request, value any) {
	document, err := json.Marshal(value)
	if err != nil {
		stripeapps.WriteProblem(w, r, err)
		return
	}
	answer(w, "application/json", document)
}

// checkResult is what one check of the chain said to a request.
type checkResult struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Why   string `json:"why"`
}

const (
	statePassed     = "passed"
	stateRefused    = "refused"
	stateNotUsed    = "not used"
	stateNotReached = "not reached"
	stateWaiting    = "waiting"
)

// chainChecks are the checks behind CORS in their order, each with its question,
// what it says to a request that passes, and the codes that it refuses with. All
// other codes are the handler's.
var chainChecks = []struct {
	name, asks, passed, notUsedByHeaders string
	codes                                []string
}{
	{
		name: "Header", asks: "is there one Stripe-Signature header of the form t=…,v1=…?",
		passed: "one Stripe-Signature header of the form t=…,v1=…",
		codes:  []string{"not_signed", "malformed_signature"},
	}, {
		name: "Time", asks: fmt.Sprintf("was it signed at most %v minutes ago?", stripeapps.DefaultTolerance.Minutes()),
		passed: fmt.Sprintf("signed at most %v minutes ago", stripeapps.DefaultTolerance.Minutes()),
		codes:  []string{"too_old", "too_new"},
	}, {
		name: "Body", asks: "can it be read to its end, and is it not too large?",
		passed: "read to its end, and not too large", notUsedByHeaders: "the two ids come in headers, once each",
		codes: []string{"body_too_large", "body_unreadable", "malformed_ids", "no_payload"},
	}, {
		name: "HMAC", asks: "was it made with the app’s secret, over exactly this text?",
		passed: "made with the app’s secret, over exactly this text",
		codes:  []string{"no_match", "only_ids_signed"},
	}, {
		name: "Identity", asks: "does the signed text end in user_id and account_id?",
		passed: "the signed text ends in user_id and account_id",
		codes:  []string{"no_identity", "install_signature"},
	}, {
		name: "Handler", asks: "runs only if nothing was refused",
		passed: "runs only after all of these, with the identity in its context",
	},
}

// checksOf derives from an answer which checks a request has passed. Without a
// request, none was reached.
func checksOf(e *exchange) (results []checkResult) {
	if e == nil {
		for _, check := range chainChecks {
			results = append(results, checkResult{check.name, stateNotReached, ""})
		}
		return results
	}
	code, detail := e.refusal()
	refusing := len(chainChecks) - 1
	for i, check := range chainChecks {
		if slices.Contains(check.codes, code) {
			refusing = i
		}
	}
	for i, check := range chainChecks {
		result := checkResult{check.name, statePassed, check.passed}
		switch {
		case code != "" && i == refusing:
			result.State, result.Why = stateRefused, detail
		case code != "" && i > refusing:
			result.State, result.Why = stateNotReached, ""
		case check.notUsedByHeaders != "" && e.Path == "/api/whoami":
			result.State, result.Why = stateNotUsed, check.notUsedByHeaders
		}
		results = append(results, result)
	}
	return results
}

// waitingChecks is what there is to say before any request.
func waitingChecks() []checkResult {
	results := []checkResult{{"CORS preflight", stateWaiting, "may this origin send this method and these headers?"}}
	for _, check := range chainChecks {
		results = append(results, checkResult{check.name, stateWaiting, check.asks})
	}
	return results
}

var (
	corsPassed  = checkResult{"CORS preflight", statePassed, "any origin may send this with these headers"}
	corsRefused = checkResult{"CORS preflight", stateRefused, "this method or one of these headers is not allowed by CORSConfig"}
)

// checkCORS tells of the preflight, which no request of the extension goes
// without. One that does not match is answered with 204 too, but no browser is to
// keep that answer.
func checkCORS(preflight *exchange, cached bool) checkResult {
	switch {
	case cached:
		return checkResult{"CORS preflight", statePassed, "cached by the browser: it has asked before, and need not ask again"}
	case preflight == nil:
		return checkResult{"CORS preflight", stateNotReached, ""}
	case preflight.Status != http.StatusNoContent:
		return checkResult{"CORS preflight", stateRefused, fmt.Sprintf("answered with %d", preflight.Status)}
	case preflight.Answer.get("Access-Control-Max-Age") == "":
		return corsRefused
	default:
		return corsPassed
	}
}
