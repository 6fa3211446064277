// Package fetch knows what the Fetch, URL and HTTP standards say of origins,
// hosts, ports, methods and the names of headers, as far as configurations are
// checked against it. It keeps nothing and does nothing when it is imported.
//
// The errors of its Check functions go on from the name of what was checked: "is
// "get": methods are case-sensitive; write "GET"". Those for a list begin with the
// name of the field that holds it: "Methods[0] is "get": …".
package fetch

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Origin is an http or https origin.
//
// https://html.spec.whatwg.org/#concept-origin-tuple
type Origin struct {
	Scheme string
	Host   string // an IPv6 address without its brackets
	Port   uint16
}

// ParseOrigin reads an origin that is written as browsers send it: "null" and "*"
// are not such. The error goes on from the name of what was read.
func ParseOrigin(s string) (Origin, error) {
	if strings.Contains(s, "*") {
		return Origin{}, fmt.Errorf("is %q: a wildcard is not supported within an origin; list each one", s)
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Opaque != "" {
		return Origin{}, fmt.Errorf("is %q: "+
			`an origin is a scheme (https, or http) and a host, like "https://app.example.com"`, s)
	}
	o, err := originOf(u)
	if err != nil {
		return Origin{}, fmt.Errorf("is %q: its %w", s, err)
	}
	if want := o.String(); s != want {
		return Origin{}, fmt.Errorf("is %q, which no browser sends: "+
			"an origin has no path, no slash at its end, no capitals and not its scheme's own port; write %q", s, want)
	}
	return o, nil
}

func originOf(u *url.URL) (Origin, error) {
	o := Origin{u.Scheme, strings.ToLower(u.Hostname()), DefaultPort(u.Scheme)}
	if err := CheckHost(o.Host); err != nil {
		return o, fmt.Errorf("host %w", err)
	}
	if text := u.Port(); text != "" {
		port, ok := Port(text)
		if !ok || text[0] == '0' {
			return o, errors.New("port is not from 1 to 65535")
		}
		o.Port = port
	}
	return o, nil
}

// String is what a browser sends for o.
//
// https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin
func (o Origin) String() string {
	s := o.Scheme + "://" + o.Host
	if strings.Contains(o.Host, ":") {
		s = o.Scheme + "://[" + o.Host + "]"
	}
	if o.Port != DefaultPort(o.Scheme) {
		s += ":" + strconv.Itoa(int(o.Port))
	}
	return s
}

// Trustworthy reports whether nobody in the network can act for o.
//
// https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy
func (o Origin) Trustworthy() bool { return o.Scheme == "https" || IsLoopback(o.Host) }
