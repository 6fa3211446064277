package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

func (a *app) serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "stand in front of a backend and print the verdict on each request",
		Description: "Let the extension call this address and not the backend's. Every request is handed on as it\n" +
			"came, also those that the backend should refuse; what is wrong with those is explained below their\n" +
			"line. The backend can be written in any language. A line is: time, method, path, the backend's status,\n" +
			"verdict. Ctrl-C stops.\n\n" +
			"Example: stripeapps serve -to http://127.0.0.1:8080\n\n" + exitCodesText,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "to", Usage: "the backend, a `URL` without a path, like http://127.0.0.1:8080", Required: true},
			&cli.StringFlag{Name: "addr", Value: "127.0.0.1:4240", Usage: "listen on this `ADDRESS`; port 0 chooses one"},
			&cli.BoolFlag{Name: "rewrite-host", Usage: "send the backend's own name as Host, and not the one that came"},
			timeFlag("now", "judge as if it were this `TIME`, RFC 3339 or Unix seconds (default: the clock)"),
			toleranceFlag(),
			&cli.BoolFlag{Name: "allow-missing-user", Usage: "accept what is signed without a user_id, as InsecureAllowMissingUser does"},
			otherSecretsFlag(),
			secretFileFlag(),
		},
		Action: a.serve,
	}
}

func (a *app) serve(ctx context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	p, err := a.newProxy(cmd)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", cmd.String("addr"))
	if err != nil {
		return failed("cannot listen: %v: give a free -addr, like 127.0.0.1:0", err)
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		fmt.Fprintln(a.err, "stripeapps: warning: others in the network can reach this address, and the backend through it")
	}
	fmt.Fprintf(a.err, "stripeapps: listening on http://%s, in front of %s; Ctrl-C stops\n", listener.Addr(), p.to)
	return p.run(ctx, stop, listener)
}

// proxy hands requests on and reports them.
type proxy struct {
	app         *app
	judge       *judge
	to          *url.URL
	rewriteHost bool
	json        bool
	paint       paint
	log         *log.Logger
	mu          sync.Mutex // of the app's out
}

func (a *app) newProxy(cmd *cli.Command) (*proxy, error) {
	j, err := a.newJudge(cmd)
	if err == nil {
		err = j.prepare()
	}
	if err != nil {
		return nil, err
	}
	if !cmd.IsSet("now") {
		j.now = time.Now
		if err := j.prepare(); err != nil { // the verifiers have a clock of their own
			return nil, err
		}
	}
	if j.others, err = a.readOtherSecrets(cmd.String("other-secrets-file")); err != nil {
		return nil, err
	}
	to, err := parseBackend(cmd)
	if err != nil {
		return nil, err
	}
	return &proxy{
		app: a, judge: j, to: to, rewriteHost: cmd.Bool("rewrite-host"), json: cmd.Bool("json"), paint: a.paint(cmd),
		log: log.New(a.err, "stripeapps: ", 0),
	}, nil
}

func parseBackend(cmd *cli.Command) (*url.URL, error) {
	u, err := url.Parse(cmd.String("to"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, misused(cmd, "-to is not an http or https URL without path, query and password, like http://127.0.0.1:8080")
	}
	if u.Host == cmd.String("addr") {
		return nil, misused(cmd, "-to and -addr are the same: let the backend listen elsewhere")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// graceful is how long requests that are under way may take after Ctrl-C. Event
// streams go on for ever.
const graceful = 2 * time.Second

// run serves until ctx is done.
func (p *proxy) run(ctx context.Context, stop func(), listener net.Listener) error {
	server := &http.Server{Handler: p.handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: p.log}
	result := make(chan error, 1)
	go func() { result <- server.Serve(listener) }()
	select {
	case err := <-result:
		return failed("cannot go on serving: %v", err)
	case <-ctx.Done():
	}
	stop() // a second Ctrl-C ends the program at once
	timeout, cancel := context.WithTimeout(context.Background(), graceful)
	defer cancel()
	if server.Shutdown(timeout) != nil {
		server.Close()
	}
	return nil
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
	// The path as it was written: net/url normalises some escapes.
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

// report is what is said about a request.
type report struct {
	Time    string `json:"time"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	Status  int    `json:"status"`  // the backend's, or 0 if it did not respond
	Verdict string `json:"verdict"` // accepted, verifies (but the backend refused), refused, preflight, unsigned or too_large
	verdict
	Note         string        `json:"note,omitempty"`
	Explanations []findingJSON `json:"explanations,omitempty"`
	printed      bool
}

type reportKey struct{}

// look makes the report of a request, as far as it goes without the response. Only
// the body of a signed request is read before it is handed on.
func (p *proxy) look(r *http.Request) *report {
	rep := &report{Method: p.shownMethod(r.Method), Path: p.shownPath(r)}
	signed := r.Header[signatureHeader] != nil
	switch {
	case r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "":
		rep.Verdict = "preflight"
		return rep
	case !signed:
		rep.Verdict = "unsigned"
		return rep
	}
	m := &message{header: r.Header, target: r.RequestURI}
	tooLarge := false
	m.body, tooLarge = peek(r)
	p.fill(rep, m, tooLarge)
	return rep
}

// maxShownPath keeps a line a line.
const maxShownPath = 512

// shownPath is the path, escaped so that a terminal does not act on it.
// shownMethod is a method, which a client can make up as well as a path.
func (p *proxy) shownMethod(method string) string {
	if len(method) > 32 || p.judge.secrets.in(method) || signed.HoldsSecret(method) {
		return "(an odd method)"
	}
	return method
}

func (p *proxy) shownPath(r *http.Request) string {
	path := r.URL.EscapedPath()
	if p.judge.secrets.in(path) || p.judge.secrets.in(r.URL.Path) || signed.HoldsSecret(path) {
		return "(a path with a secret in it)"
	}
	if len(path) > maxShownPath {
		return path[:maxShownPath] + "…"
	}
	return path
}

func (p *proxy) fill(rep *report, m *message, tooLarge bool) {
	if tooLarge {
		// Ids beside the body can be signed all the same.
		if source, sent := m.idSource(); sent {
			if v := p.judge.judgeAs(m, source); v.accepted() {
				v.unsignedBody = true
				rep.Verdict, rep.verdict = "accepted", v
				return
			}
		}
		rep.Verdict = "too_large"
		rep.Detail = "the body is larger than 1 MiB and was not looked at"
		return
	}
	rep.verdict = p.judge.judge(m)
	if rep.verdict.accepted() {
		rep.Verdict = "accepted"
		return
	}
	rep.Verdict = "refused"
	rep.Explanations = p.judge.explain(m)
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

// reportResponse prints the report as soon as the response's head is there, since
// its body can go on for ever.
func (p *proxy) reportResponse(response *http.Response) error {
	if rep, ok := response.Request.Context().Value(reportKey{}).(*report); ok {
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
	case rep.Verdict == "unsigned" && bad:
		rep.Explanations = p.judge.explain(&message{header: http.Header{}})
	case rep.Verdict == "accepted" && (bad || rep.Status == http.StatusForbidden):
		rep.Verdict = "verifies"
		rep.Note = "the signature fits, but the backend refused: see its response, and where its route reads the ids"
	}
}

// line is the report for people.
func (rep *report) line(paint paint, now time.Time) string {
	status := "no response"
	if rep.Status != 0 {
		status = strconv.Itoa(rep.Status)
	}
	verdict := paint(faint, rep.Verdict)
	switch rep.Verdict {
	case "accepted":
		verdict = paint(green, rep.Verdict) + ": " + rep.who() + ", " + rep.over()
	case "verifies":
		verdict = paint(yellow, rep.Verdict) + ": " + rep.who() + ", " + rep.over()
	case "refused":
		verdict = paint(red, rep.Verdict) + ": " + string(rep.Code)
	case "too_large":
		verdict = paint(yellow, "not looked at") + ": " + rep.Detail
	}
	return now.Format(time.TimeOnly) + " " + oneLine(rep.Method) + " " + oneLine(rep.Path) + " " + status + " " + verdict
}
