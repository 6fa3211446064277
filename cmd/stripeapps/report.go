package main

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// report is what is said about a request.
type report struct {
	Time   string `json:"time"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Status int    `json:"status"` // the backend's, or 0 if it did not respond
	// accepted, verifies (but the backend refused), refused, not_verified (without a
	// secret for it), preflight, unsigned or too_large.
	Verdict string `json:"verdict"`
	verdict
	Note         string        `json:"note,omitempty"`
	Explanations []findingJSON `json:"explanations,omitempty"`
	problem      problem       // the backend's
	printed      bool
	navigation   bool   // of a browser: no extension's request, and no event
	install      string // the address, if an install can have led here
}

type reportKey struct{}

// look makes the report of a request, as far as it goes without the response. Only
// the body of a signed request is read before it is handed on.
func (p *proxy) look(r *http.Request) *report {
	rep := &report{Method: p.shownMethod(r.Method), Path: p.shownPath(r)}
	switch {
	case r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "":
		rep.Verdict = "preflight"
	case r.Header[signatureHeader] == nil && r.Method == http.MethodGet && isInstallAlone(r.RequestURI):
		p.judgeWhole(rep, &message{header: r.Header, install: r.RequestURI})
	case r.Header[signatureHeader] == nil:
		rep.Verdict = "unsigned"
		rep.navigation = r.Header.Get("Sec-Fetch-Mode") == "navigate"
		led := rep.navigation && r.Header.Get("Sec-Fetch-Site") == "cross-site"
		if r.Method == http.MethodGet && (isInstall(r.RequestURI) || led && canBeInstall(r.RequestURI)) {
			rep.install = r.RequestURI
		}
	default:
		m := &message{header: r.Header, target: r.RequestURI}
		tooLarge := false
		if m.body, tooLarge = peek(r); tooLarge {
			p.judgeWithoutBody(rep, m)
		} else {
			p.judgeWhole(rep, m)
		}
	}
	return rep
}

func (p *proxy) judgeWhole(rep *report, m *message) {
	rep.verdict = p.judge.verdict(m)
	switch {
	case rep.accepted():
		rep.Verdict = "accepted"
		return
	case rep.isOAuth:
		rep.Verdict = "unsigned"
		return
	case rep.Accepted == nil:
		rep.Verdict = "not_verified"
		return
	}
	rep.Verdict = "refused"
	rep.Explanations = p.judge.explain(m)
}

// judgeWithoutBody is for a body that is too large: ids beside it can be signed all
// the same.
func (p *proxy) judgeWithoutBody(rep *report, m *message) {
	if source, sent := m.idSource(); sent && p.judge.verifiers != nil {
		if v := p.judge.verdictAs(m, source); v.accepted() {
			v.unsignedBody = true
			rep.Verdict, rep.verdict = "accepted", v
			return
		}
	}
	rep.Verdict = "too_large"
	rep.Detail = "the body is larger than 1 MiB and was not looked at"
}

// shownMethod is a method, which a client can make up as well as a path.
func (p *proxy) shownMethod(method string) string {
	if len(method) > 32 || p.holdsSecret(method) {
		return "(an odd method)"
	}
	return method
}

// maxShownPath keeps a line a line.
const maxShownPath = 512

// shownPath is the path, escaped so that a terminal does not act on it.
func (p *proxy) shownPath(r *http.Request) string {
	path := r.URL.EscapedPath()
	if p.holdsSecret(path) || p.judge.holdsSecret(r.URL.Path) {
		return "(a path with a secret in it)"
	}
	if len(path) > maxShownPath {
		return path[:maxShownPath] + "…"
	}
	return path
}

// print prints a report once: a response can go wrong after its head.
func (p *proxy) print(rep *report, status int) {
	if rep.printed {
		return
	}
	rep.printed = true
	now := p.judge.now()
	rep.Status, rep.Time = status, now.UTC().Format(time.RFC3339)
	p.compare(rep)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.json {
		p.app.printJSON(rep)
		return
	}
	p.app.println(rep.line(p.paint, now))
	if rep.Note != "" {
		p.app.println("         " + rep.Note)
	}
	for _, e := range rep.Explanations {
		p.app.println("         " + explanationLine(p.paint, e))
	}
}

// compare sets the verdict beside the backend's response.
func (p *proxy) compare(rep *report) {
	bad := rep.Status == http.StatusBadRequest || rep.Status == http.StatusUnauthorized
	switch {
	case rep.install != "" && rep.Status == http.StatusBadRequest && rep.problem.canBeOfInstall():
		rep.Note = "if this path is where an install link leads back to:"
		rep.Explanations = p.judge.explain(&message{install: rep.install})
	case rep.isOAuth && rep.Status >= http.StatusBadRequest:
		rep.Note = "the backend refused: see its response, and whether the state is too old, used, or of another browser, and the code " +
			"older than 5 minutes, used, or of another mode than the key"
	case rep.Verdict == "unsigned" && bad && !rep.navigation:
		rep.Explanations = p.explainUnsigned(rep)
	case rep.Verdict == "accepted" && (bad || rep.Status == http.StatusForbidden || rep.Kind == kindInstall && rep.Status == http.StatusConflict):
		rep.Verdict = "verifies"
		rep.Note = "the signature fits, but " + p.whyRefused(rep)
	case rep.Verdict == "not_verified":
		rep.Note = rep.wrongRoute()
	}
}

// explainUnsigned says what lacks a signature: a request, or an event, or one of the two
// where the backend does not say which it expects.
func (p *proxy) explainUnsigned(rep *report) []findingJSON {
	m := &message{header: http.Header{}}
	found := p.judge.explain(m)
	switch {
	case rep.Method != http.MethodPost || p.judge.endpoint == nil || p.judge.verifiers == nil:
	case rep.problem.ofEndpoint():
		ofEvents := *p.judge
		ofEvents.secrets = secrets{kind: appSecrets}
		found = ofEvents.explain(m)
	case rep.problem.Code == "":
		found[0].Text = "there is no Stripe-Signature header: let the extension send the value that fetchStripeSignature returns, or, " +
			"if this is an event, let the one that Stripe sends arrive, and see that no proxy on the way removes the header"
	}
	return found
}

// whyRefused says why a backend refuses what verifies: what it says itself, or else where
// to look.
func (p *proxy) whyRefused(rep *report) string {
	switch wrong := rep.wrongRoute(); {
	case wrong != "":
		return wrong
	case rep.problem.Code == "":
		return "the backend refused: see its response, and " + p.whatToSee(rep.Kind)
	case rep.problem.ofChain():
		return "the backend refused with " + rep.problem.says() + ": see whether its secret is another one, and where its route reads the ids"
	}
	return "the backend refused with " + rep.problem.says()
}

// whatToSee is where to look if a backend refuses what verifies.
func (p *proxy) whatToSee(kind string) string {
	switch {
	case kind == kindEvent:
		return "whether this path is that of its endpoint for events, with this secret, and not of a route for extensions"
	case kind == kindInstall:
		return "whether the state is too old, used, or of another browser"
	case p.judge.endpoint != nil:
		return "where its route reads the ids, and whether it is one for extensions, and not the endpoint for events"
	}
	return "where its route reads the ids"
}

// line is the report for people.
func (rep *report) line(paint paint, now time.Time) string {
	status := "no response"
	if rep.Status != 0 {
		status = strconv.Itoa(rep.Status)
	}
	said := paint(faint, rep.Verdict)
	switch rep.Verdict {
	case "unsigned":
		if rep.Detail != "" {
			said += ": " + rep.Detail
		}
	case "accepted":
		said = paint(green, rep.Verdict) + ": " + rep.says()
	case "verifies":
		said = paint(yellow, rep.Verdict) + ": " + rep.says()
	case "refused":
		said = paint(red, rep.Verdict) + ": " + rep.Code
		if rep.Kind != "" {
			said = paint(red, rep.Verdict) + " " + rep.Kind + ": " + rep.Code
		}
	case "not_verified":
		said = paint(yellow, "not verified") + ": " + rep.Detail
	case "too_large":
		said = paint(yellow, "not looked at") + ": " + rep.Detail
	}
	return strings.Join([]string{now.Format(time.TimeOnly), oneLine(rep.Method), oneLine(rep.Path), status, said}, " ")
}
