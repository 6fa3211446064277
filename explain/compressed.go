package explain

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const beforeIt = ": put what undoes a Content-Encoding in front of this middleware, as the signature covers the text before that, or send the text as it is"

// decompress undoes gzip and deflate (which is zlib's format, or what is in it), by
// how they begin, or by the last of the request's content codings. What comes out
// is as bounded as what goes in.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1
func decompress(text []byte, codings string) []layer {
	coding := strings.ToLower(strings.TrimSpace(codings[strings.LastIndexByte(codings, ',')+1:]))
	switch {
	case isGzip(text):
		r, err := gzip.NewReader(bytes.NewReader(text))
		layers, _ := inflate(r, err, "gzip")
		return layers
	case bytes.HasPrefix(text, []byte("\x1f\uFFFD")):
		return end(causeCompressed, "the body is compressed (gzip), and was then read as text, which destroys it: handle it as bytes, and put what undoes a Content-Encoding in front of this middleware")
	case bytes.HasPrefix(text, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return end(causeCompressed, "the body is compressed (zstd)"+beforeIt)
	case isZlib(text):
		r, err := zlib.NewReader(bytes.NewReader(text))
		if layers, is := inflate(r, err, "deflate"); is || coding == "deflate" {
			return layers
		}
	case coding == "" || coding == "identity" || utf8.Valid(text): // it has been undone, or is within base64
	case coding == "deflate":
		layers, _ := inflate(flate.NewReader(bytes.NewReader(text)), nil, coding)
		return layers
	case coding == "br" || coding == "zstd" || coding == "gzip":
		return end(causeCompressed, "the body has the Content-Encoding "+coding+beforeIt)
	default:
		return end(causeCompressed, "the body has a Content-Encoding"+beforeIt)
	}
	return nil
}

func isGzip(text []byte) bool { return bytes.HasPrefix(text, []byte{0x1f, 0x8b}) }

// https://www.rfc-editor.org/rfc/rfc1950#section-2.2
func isZlib(text []byte) bool {
	return len(text) > 2 && text[0]&0xf == 8 && text[0]>>4 <= 7 && binary.BigEndian.Uint16(text)%31 == 0
}

// inflate reads what is compressed, as far as that goes, and reports whether there
// was anything in it.
func inflate(r io.Reader, err error, format string) (_ []layer, is bool) {
	var inner []byte
	if err == nil {
		inner, _ = io.ReadAll(io.LimitReader(r, maxExplainedBody+1))
	}
	switch {
	case len(inner) > maxExplainedBody:
		return end(causeCompressed, fmt.Sprintf("the body is compressed (%s), and larger than 1 MiB without that, so that it was not looked into: put what undoes a Content-Encoding in front of this middleware, with a limit of its own", format)), true
	case len(inner) == 0:
		return end(causeCompressed, fmt.Sprintf("the body is compressed (%s), and what is in it cannot be read: see that it is sent and handled as bytes, and put what undoes a Content-Encoding in front of this middleware", format)), false
	}
	return one(inner, causeCompressed, fmt.Sprintf("the body is compressed (%s)", format)+beforeIt), true
}
