package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

// parseRaw reads a saved HTTP/1 request, or the output of curl -v. Its errors
// name the line, and show nothing of it.
func parseRaw(data []byte) (*message, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errors.New("there is no request in it: " +
			"give a saved HTTP request or the output of curl -v, or -header and -body-file")
	}
	if lines := strings.Split(string(data), "\n"); isCurl(lines) {
		return parseCurl(lines)
	}
	if text := bytes.TrimSpace(data); text[0] == '{' || text[0] == '[' {
		return nil, errors.New("this is a body, without the request: " +
			"give it with -body-file, and the signature with -header")
	}
	return parseHTTP(data)
}

// isCurl reports whether a request line stands behind "> ", and none in front.
func isCurl(lines []string) bool {
	for _, line := range lines {
		if isRequestLine(strings.TrimSuffix(line, "\r")) {
			return false
		}
		if sent, ok := cutSent(line); ok && isRequestLine(sent) {
			return true
		}
	}
	return false
}

// cutSent returns what follows "> ", with which curl -v marks what it sends.
func cutSent(line string) (string, bool) {
	line = strings.TrimRight(line, "\r")
	if line == ">" {
		return "", true
	}
	return strings.CutPrefix(line, "> ")
}

// parseCurl takes the lines that begin with "> " from what curl -v has printed.
func parseCurl(lines []string) (*message, error) {
	p := &headParser{}
	for i, line := range lines {
		sent, ok := cutSent(line)
		if !ok || p.message != nil && p.done && !isRequestLine(sent) {
			continue
		}
		if p.done {
			return nil, fmt.Errorf("line %d: a second request begins: keep the lines of one", i+1)
		}
		if err := p.line(i+1, sent); err != nil {
			return nil, err
		}
	}
	p.message.hidden = p.message.announcesBody()
	return p.message, nil
}

// parseHTTP reads a request as it goes over the wire, with LF or CRLF.
func parseHTTP(data []byte) (*message, error) {
	p := &headParser{}
	rest := data
	n := 0
	for !p.done && len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		n++
		text := strings.TrimSuffix(string(line), "\r")
		if p.message == nil && text == "" {
			continue // an empty line or two may stand in front (RFC 9112, section 2.2)
		}
		if err := p.line(n, text); err != nil {
			return nil, err
		}
	}
	if err := p.message.setBody(rest, n+1); err != nil {
		return nil, err
	}
	return p.message, nil
}

// headParser reads a request line, and header lines to the first empty one.
type headParser struct {
	message *message
	done    bool
}

// line reads line n.
func (p *headParser) line(n int, text string) error {
	if p.message == nil {
		target, ok := cutRequestLine(text)
		if !ok {
			return fmt.Errorf("line %d: this is not a request line, like POST /api/refunds HTTP/1.1: "+
				"save the request from there on", n)
		}
		p.message = &message{header: http.Header{}, target: target}
		return nil
	}
	if text == "" {
		p.done = true
		return nil
	}
	name, value, ok := strings.Cut(text, ":")
	switch {
	case text[0] == ' ' || text[0] == '\t':
		return fmt.Errorf("line %d: a header goes on in a second line: write it on one", n)
	case !ok || !fetch.IsToken(name):
		return fmt.Errorf("line %d: this is not a header, like Stripe-Signature: t=…: an empty line ends the headers", n)
	}
	p.message.header.Add(textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " \t"))
	return nil
}

// cutRequestLine takes the target out of a request line.
//
// https://www.rfc-editor.org/rfc/rfc9112#section-3
func cutRequestLine(line string) (target string, ok bool) {
	method, rest, _ := strings.Cut(line, " ")
	target, version, _ := strings.Cut(rest, " ")
	number, isHTTP := strings.CutPrefix(version, "HTTP/")
	ok = fetch.IsToken(method) && target != "" && !strings.ContainsAny(target, "\t\f\r\n") &&
		isHTTP && number != "" && strings.Trim(number, "0123456789.") == ""
	return target, ok
}

func isRequestLine(line string) bool {
	_, ok := cutRequestLine(line)
	return ok
}

func (m *message) announcesBody() bool {
	length := m.header.Get("Content-Length")
	return length != "" && length != "0" || m.header.Get("Transfer-Encoding") != ""
}

// setBody takes the body, which begins in line n, from what follows the headers.
func (m *message) setBody(rest []byte, n int) error {
	if strings.EqualFold(m.header.Get("Transfer-Encoding"), "chunked") {
		body, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(rest)))
		if err != nil {
			return fmt.Errorf("line %d: the body is not in chunks, or cut off, though Transfer-Encoding says so: "+
				"give it with -body-file", n)
		}
		m.body = body
		return nil
	}
	m.body = rest
	text := m.header.Get("Content-Length")
	if text == "" {
		return nil
	}
	length, err := strconv.Atoi(text)
	switch {
	case err != nil || length < 0:
		return errors.New("Content-Length is not a number: save the request again")
	case len(rest) == 0 && length > 0:
		m.hidden = true // -body-file can bring it
	case len(rest) < length:
		return fmt.Errorf("line %d: the body has %d bytes of the %d that Content-Length says: "+
			"it was cut off or changed when it was saved; give it with -body-file", n, len(rest), length)
	case len(bytes.TrimSpace(rest[length:])) > 0:
		return fmt.Errorf("line %d: the body has %d bytes, more than the %d that Content-Length says: "+
			"it was changed when it was saved, or something follows it; give it with -body-file", n, len(rest), length)
	default:
		m.body = rest[:length] // an editor adds a line break at the end
	}
	return nil
}
