package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/seed-8a2ffb75/stripeapps/internal/csp"
	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

func loadBytes(name string, data []byte) (*Manifest, error) {
	return LoadFS(fstest.MapFS{name: {Data: data}}, name)
}

// checkPlace holds a place against the text of a file. Lines of YAML end in more
// ways than one.
func checkPlace(t *testing.T, data []byte, line, column int, what string) {
	t.Helper()
	text := string(data)
	if inText(text, line, column) || inText(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text), line, column) {
		return
	}
	t.Fatalf("%s is at %d:%d, outside of the file", what, line, column)
}

func inText(text string, line, column int) bool {
	lines := append(strings.Split(text, "\n"), "") // the library's end of a file can be below it
	return 1 <= line && line <= len(lines) && 1 <= column && column <= utf8.RuneCountInString(lines[line-1])+2
}

func checkError(t *testing.T, data []byte, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%T is no *Error: %v", err, err)
	}
	if len(e.Error()) > 1000 {
		t.Fatalf("the error has %d bytes: %.100q", len(e.Error()), e)
	}
	if strings.ContainsAny(e.Text, "\r\n\x00\x1b") {
		t.Fatalf("control characters in %q", e.Text)
	}
	checkPlace(t, data, e.Line, e.Column, e.Text)
}

// checkTree returns how many values there are.
func checkTree(t *testing.T, data []byte, n *node) int {
	t.Helper()
	checkPlace(t, data, n.line, n.column, n.kind.String())
	count := 1
	for _, item := range n.items {
		count += checkTree(t, data, item)
	}
	seen := map[string]bool{}
	for _, m := range n.members {
		if seen[m.name] {
			t.Fatalf("%q is there twice", m.name)
		}
		seen[m.name] = true
		checkPlace(t, data, m.line, m.column, m.name)
		count += checkTree(t, data, m.value)
	}
	return count
}

// ask asks a manifest all there is to ask: no answer panics.
func ask(m *Manifest) {
	for _, f := range m.Check() {
		_ = f.String()
	}
	_ = m.AllowsConnect("https://api.example.com/v1/refunds").String()
	_ = m.AllowsImage("http://localhost:8888/x").String()
	_ = m.AllowsRedirect("https://api.example.com/callback").String()
	_ = m.RoutesCovered("https://api.example.com/v1", "GET /refunds/{id}")
	for _, list := range [][]entry{m.connect, m.image, m.redirects} {
		for _, e := range list {
			_, _, _ = m.AllowsConnect(e.text), m.AllowsImage(e.text), m.AllowsRedirect(e.text)
		}
	}
}

// walk reads one value of JSON that is known to be valid, and reports whether a
// member is there twice, how deep it goes, and how many values there are.
func walk(tokens *json.Decoder, depth int) (twice bool, deepest, count int) {
	tokens.UseNumber() // 1e999 is valid
	token, err := tokens.Token()
	if err != nil {
		panic(err)
	}
	deepest, count = depth, 1
	into := func() {
		t, d, c := walk(tokens, depth+1)
		twice, deepest, count = twice || t, max(deepest, d), count+c
	}
	switch token {
	case json.Delim('['):
		for tokens.More() {
			into()
		}
		_, _ = tokens.Token()
	case json.Delim('{'):
		names := map[string]bool{}
		for tokens.More() {
			name, _ := tokens.Token()
			twice = twice || names[name.(string)]
			names[name.(string)] = true
			into()
		}
		_, _ = tokens.Token()
	}
	return twice, deepest, count
}

func seeds(f *testing.F, more ...string) {
	for _, seed := range append(more,
		``, `null`, `{}`, `[]`, `{"a": [1, 2.5e3, true, false, null, "é\u00e9😀", {}, []]}`, `{"a": 1, "a": 2}`, `{"a": 1, "\u0061": 2}`, "{\n\t\"a\": 1,\n}", `{"a": tr`, `{"a": "\ud800"}`, "\uFEFF{}", "{\"a\": \"\xff\"}",
		`{"extends": "stripe-app.json"}`, `1e999`, `{"a": -1e-999}`, `{"ui_extension": {"content_security_policy": {"connect-src": ["https://api.example.com/v1/", "https://*.example.com", "http://localhost:8888/v1", 1], "image-src": null, "purpose": ""}}}`,
		`{"ui_extension": {"content_security_policy": {"connect-src": ["https:///", "https://a:/b?c#d", "//a.b", "'self'", "*", "https://a.b/../c", "https://[::1]/a"], "image-src": ["https://a@b/c"]}}, "allowed_redirect_uris": ["", "https://", "http://a", "x://y/z"]}`,
		strings.Repeat("[", 200), strings.Repeat(`{"a":`, 101)+"1"+strings.Repeat("}", 101),
	) {
		f.Add([]byte(seed))
	}
}

// FuzzLoadJSON holds what is loaded against encoding/json: what it takes is taken,
// but for a member that is there twice and what is too deep or too much.
func FuzzLoadJSON(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := parseJSON("stripe-app.json", data)
		m, loadErr := loadBytes("stripe-app.json", data)
		valid := json.Valid(data) && utf8.Valid(data)
		if valid {
			twice, deepest, count := walk(json.NewDecoder(bytes.NewReader(data)), 0)
			valid = !twice && deepest <= maxDepth && count <= maxNodes
			if err == nil {
				if got := checkTree(t, data, root); got != count {
					t.Fatalf("%d values, want %d", got, count)
				}
			}
		}
		if valid != (err == nil) {
			t.Fatalf("valid is %v: %v", valid, err)
		}
		if err != nil {
			checkError(t, data, err)
			checkCut(t, data, err)
		}
		switch {
		case loadErr != nil:
			checkError(t, data, loadErr)
		case err != nil:
			t.Fatalf("loaded in spite of %v", err)
		default:
			ask(m)
		}
	})
}

// checkCut: what is cut off is so at its end, and nowhere else.
func checkCut(t *testing.T, data []byte, err error) {
	t.Helper()
	if !utf8.Valid(data) || bytes.HasPrefix(data, []byte("\uFEFF")) {
		return
	}
	cut := json.NewDecoder(bytes.NewReader(data)).Decode(new(json.RawMessage))
	if !errors.Is(cut, io.ErrUnexpectedEOF) && !errors.Is(cut, io.EOF) {
		return
	}
	e := err.(*Error)
	line, column := place(data, len(data))
	if e.Line != line || e.Column != column {
		t.Fatalf("cut off at %d:%d: %v", line, column, err)
	}
}

// FuzzLoadYAML: it never panics, and everything has a place in the file.
func FuzzLoadYAML(f *testing.F) {
	seeds(f, "a: &x [1, *y]\nb: *x\n", "a: &x [*x]\n", "<<: {a: b}\n", "? [a]\n: b\n", "a: |\n  b\n   c\n- d\n", "%YAML 1.1\n---\na: !!str 1\n...\n", "a: 1\n---\nb: 2\n", "é: \"\\x41\\u00e9\"\r\nb: 'c'\rd: e", "a: !<tag:x> {b: [c, d: e]}\n", "a:\n- b\n-\n  - c\n", "\"a\u2028b\": c", "extends: x\n",
		"ui_extension:\n  content_security_policy:\n    connect-src:\n      - https://api.example.com/v1/ # é\n    purpose: &p >-\n      a\n\n      b\nname: *p\n")
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := parseYAML("stripe-app.yaml", data)
		if err != nil {
			checkError(t, data, err)
		} else if count := checkTree(t, data, root); count > maxNodes {
			t.Fatalf("%d values", count)
		}
		m, loadErr := loadBytes("stripe-app.yaml", data)
		switch {
		case loadErr != nil:
			checkError(t, data, loadErr)
		case err != nil:
			t.Fatalf("loaded in spite of %v", err)
		default:
			ask(m)
		}
	})
}

// matchesCSP3 is the algorithm of CSP3 for sources https://host[:port][/path],
// step by step, with net/url in place of our reading of URLs. Where its text and
// Chromium differ, comparable leaves the pair out.
func matchesCSP3(source string, u *url.URL) bool {
	rest := strings.TrimPrefix(source, "https://")
	host, path := rest, ""
	if i := strings.Index(rest, "/"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	port := ""
	if i := strings.Index(host, ":"); i >= 0 {
		host, port = host[:i], host[i+1:]
	}
	return u.Scheme == "https" && // 6.7.2.9: scheme-part match, with A "https"
		hostPartMatches(strings.ToLower(host), strings.ToLower(u.Hostname())) &&
		portPartMatches(port, u.Port()) &&
		pathPartMatches(path, u.EscapedPath())
}

// 6.7.2.10: host-part match.
func hostPartMatches(a, b string) bool {
	switch {
	case a == "*":
		return true
	case strings.HasPrefix(a, "*."):
		return strings.HasSuffix(b, a[1:])
	}
	return a == b
}

// 6.7.2.11: port-part match.
func portPartMatches(a, b string) bool {
	if b == "" {
		b = "443"
	}
	switch a {
	case "*":
		return true
	case "":
		return b == "443"
	}
	return a == b
}

// 6.7.2.12: path-part match.
func pathPartMatches(pathA, pathB string) bool {
	if pathB == "" {
		pathB = "/"
	}
	if pathA == "" || pathA == "/" && pathB == "/" {
		return true
	}
	exact := pathA[len(pathA)-1] != '/'
	listA, listB := strings.Split(pathA, "/"), strings.Split(pathB, "/")
	if len(listA) > len(listB) || exact && len(listA) != len(listB) {
		return false
	}
	if !exact {
		listA = listA[:len(listA)-1] // the last one is empty
	}
	for i := range listA {
		a, errA := url.PathUnescape(listA[i])
		b, errB := url.PathUnescape(listB[i])
		if errA != nil || errB != nil || a != b {
			return false
		}
	}
	return true
}

// comparable reports whether matchesCSP3 is an oracle for the pair.
func comparable(source, text string) (*url.URL, bool) {
	rest, ok := strings.CutPrefix(source, "https://")
	if !ok || strings.ContainsAny(rest, "?#") || csp.Parse(source).Kind == csp.Invalid {
		return nil, false
	}
	if i := strings.Index(rest, ":"); i >= 0 { // a number is one way to write it only
		port, _, _ := strings.Cut(rest[i+1:], "/")
		if strings.HasPrefix(port, "0") {
			return nil, false
		}
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" || strings.HasPrefix(u.Port(), "0") || u.Host == ":" || strings.HasSuffix(u.Host, ":") {
		return nil, false
	}
	host := u.Hostname()
	if !fetch.IsHostPart(host) || strings.HasSuffix(host, ".") || strings.Contains(strings.ToLower(host), "xn--") {
		return nil, false // Punycode and addresses are matching.json's
	}
	if _, number := parseIPv4(strings.ToLower(host)); number {
		return nil, false
	}
	for _, s := range []string{source, text} {
		if i := strings.IndexFunc(s, func(c rune) bool { return c <= ' ' || c > '~' || c == '\\' }); i >= 0 {
			return nil, false
		}
		lower := strings.ToLower(s)
		if strings.Contains(lower, "%2f") { // Chromium decodes the path as a whole
			return nil, false
		}
		if decoded, err := url.PathUnescape(s); err != nil || !utf8.ValidString(decoded) {
			return nil, false
		}
	}
	for _, segment := range strings.Split(u.EscapedPath(), "/") { // net/url does not resolve them
		if segment, _ := url.PathUnescape(segment); segment == "." || segment == ".." {
			return nil, false
		}
	}
	if _, isPort := fetch.Port(u.Port()); u.Port() != "" && !isPort {
		return nil, false
	}
	return u, true
}

// FuzzMatch holds the matching against the text of CSP3. Chromium itself is asked
// in testdata/matching.json.
func FuzzMatch(f *testing.F) {
	for _, pair := range pairs(f) {
		f.Add(pair.Source, pair.URL)
	}
	for _, source := range []string{"https://a.example", "https://a.example/", "https://a.example/b", "https://a.example/b/", "https://*.example/b/", "https://a.example:8443/b", "https://a.example:*/b%20c/", "https://*/b/"} {
		for _, url := range []string{"https://a.example", "https://a.example/b", "https://a.example/b/", "https://a.example/b/c", "https://A.example:443/b", "https://a.example:8443/b", "https://example/b/c", "https://x.a.example/b/", "http://a.example/b", "wss://a.example/b", "https://a.example/b%20c/d", "https://a.example/B"} {
			f.Add(source, url)
		}
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		target, problem := parseTarget(text)
		got := problem == "" && csp.Parse(source).Matches(target.URL)
		u, ok := comparable(source, text)
		if !ok {
			return
		}
		if want := matchesCSP3(source, u); got != want {
			t.Fatalf("%q %q: %v, and CSP3 says %v (%+v, %s)", source, text, got, want, target, problem)
		}
	})
}

// FuzzEntry: what Check has no error for is what a browser reads, and allows its
// own URL.
func FuzzEntry(f *testing.F) {
	for _, pair := range pairs(f) {
		f.Add(pair.Source)
	}
	for _, source := range []string{"https://a.example/b", "https://*.a.example/b/", "http://localhost:3000/v1/", "https://a.example:*/b", "https://a.example/%2e%2e/b", "https://a.example/%2E", "https://a.example/b;c", "HTTPS://a.example/b", "https:/a.example/b", "ȺȺ:.ȺȺ", "https:ȺȺ.a", "https://a.example/é", "https://a.example/\x12", "https://a.example/%", `https://a.example/\b`} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		for _, directive := range []string{"connect-src", "image-src"} {
			e := entryOf(source)
			found := checkSource(e, directive)
			for _, finding := range found {
				if finding.Text == "" || finding.Fix == source && source != "" {
					t.Fatalf("%q: %+v", source, finding)
				}
			}
			if found.Err() != nil {
				continue
			}
			if e.source.Kind == csp.Invalid {
				t.Fatalf("%q is no source, and %v", source, found)
			}
			own := strings.Replace(strings.Replace(source, "://*", "://x", 1), ":*", "", 1)
			if _, is := parseIPv4(e.source.Host); is || strings.Contains(e.source.Host, "xn--") {
				continue // a URL's is normalized, or refused, and an entry's is not
			}
			if target, problem := parseTarget(own); problem != "" || !e.source.Matches(target.URL) {
				t.Fatalf("%q does not allow %q (%+v %s), and %v", source, own, target, problem, found)
			}
		}
	})
}
