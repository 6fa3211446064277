package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseRaw(t *testing.T) {
	for name, c := range map[string]struct {
		raw, target, body string
		header            http.Header
		hidden            bool
		err               string
	}{
		"a request with CRLF": {
			raw: "POST /a?b HTTP/1.1\r\nHost: h\r\nx-y:  z \r\n\r\nbody\r\n", target: "/a?b",
			header: http.Header{"Host": {"h"}, "X-Y": {"z"}}, body: "body\r\n",
		},
		"a request with LF, after empty lines": {
			raw: "\n\nGET / HTTP/1.0\nA: 1\nA: 2\n\n", target: "/", header: http.Header{"A": {"1", "2"}},
		},
		"a request that ends with its headers": {
			raw: "GET / HTTP/1.1\nA: 1", target: "/", header: http.Header{"A": {"1"}},
		},
		"a body of the length that it says": {
			raw: "POST / HTTP/1.1\nContent-Length: 2\n\n{}\n", target: "/",
			header: http.Header{"Content-Length": {"2"}}, body: "{}",
		},
		"a body that was not saved": {
			raw: "POST / HTTP/1.1\nContent-Length: 2\n\n", target: "/",
			header: http.Header{"Content-Length": {"2"}}, hidden: true,
		},
		"a body in chunks": {
			raw: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", target: "/",
			header: http.Header{"Transfer-Encoding": {"chunked"}}, body: "{}",
		},
		"a body that looks like curl -v": {
			raw: "POST / HTTP/1.1\n\n> GET / HTTP/1.1\n", target: "/", header: http.Header{},
			body: "> GET / HTTP/1.1\n",
		},
		"curl -v with HTTP/2": {
			raw: "* Connected\n* [HTTP/2] [1] [:path: /a]\n> GET /a HTTP/2\n> Host: h\n" +
				"> stripe-signature: t=1\n>\n< HTTP/2 200\n<\nbody > x\n> not: this\n",
			target: "/a", header: http.Header{"Host": {"h"}, "Stripe-Signature": {"t=1"}},
		},
		"curl -v of a POST": {
			raw: "> POST /a HTTP/1.1\r\n> Content-Length: 5\r\n> \r\n", target: "/a",
			header: http.Header{"Content-Length": {"5"}}, hidden: true,
		},
		"curl -v of two requests": {
			raw: "> GET / HTTP/1.1\n>\n< HTTP/1.1 302 Found\n<\n> GET /b HTTP/1.1\n>\n",
			err: "line 5: a second request begins: keep the lines of one",
		},
		"nothing": {
			raw: " \n",
			err: "there is no request in it: give a saved HTTP request or the output of curl -v, or -header " +
				"and -body-file",
		},
		"a response": {
			raw: "HTTP/1.1 200 OK\n\n",
			err: "line 1: this is not a request line, like POST /api/refunds HTTP/1.1: save the request from there on",
		},
		"a header without a colon": {
			raw: "GET / HTTP/1.1\nHost h\n\n",
			err: "line 2: this is not a header, like Stripe-Signature: t=…: an empty line ends the headers",
		},
		"a header in two lines": {
			raw: "GET / HTTP/1.1\nA: b\n c\n\n",
			err: "line 3: a header goes on in a second line: write it on one",
		},
		"a body that is cut off": {
			raw: "POST / HTTP/1.1\nContent-Length: 5\n\n{}",
			err: "line 4: the body has 2 bytes of the 5 that Content-Length says: it was cut off or changed " +
				"when it was saved; give it with -body-file",
		},
		"a body with something behind it": {
			raw: "POST / HTTP/1.1\nContent-Length: 2\n\n{} and more",
			err: "line 4: the body has 11 bytes, more than the 2 that Content-Length says: it was changed when " +
				"it was saved, or something follows it; give it with -body-file",
		},
		"a length that is none": {
			raw: "POST / HTTP/1.1\nContent-Length: x\n\n",
			err: "Content-Length is not a number: save the request again",
		},
		"chunks that are none": {
			raw: "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n{}",
			err: "line 4: the body is not in chunks, or cut off, though Transfer-Encoding says so: give it " +
				"with -body-file",
		},
		"a long name of a header": {
			raw: "GET / HTTP/1.1\nAccess-Control-Request-Private-Network-Or-So: 1\n\n", target: "/",
			header: http.Header{"Access-Control-Request-Private-Network-Or-So": {"1"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := parseRaw([]byte(c.raw))
			if c.err != "" {
				assert.EqualError(t, err, c.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.target, m.target)
			assert.Equal(t, c.header, m.header)
			assert.Equal(t, c.body, string(m.body))
			assert.Equal(t, c.hidden, m.hidden)
		})
	}
}

func FuzzParseRaw(f *testing.F) {
	f.Add(signedBody)
	f.Add("> GET / HTTP/1.1\n> A: b\n>\n")
	f.Add("POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n2\n{}\n0\n\n")
	f.Fuzz(func(t *testing.T, raw string) {
		m, err := parseRaw([]byte(raw))
		if err == nil && !strings.Contains(raw, string(m.body)) && m.header.Get("Transfer-Encoding") == "" {
			t.Error("the body is not in the request")
		}
	})
}
