package explain

import (
	"bytes"
	"encoding/json"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// howWritten says in which ways a text differs from what JSON.stringify writes.
func howWritten(text, canonical []byte) (seen []Explanation) {
	var buffer bytes.Buffer
	json.Compact(&buffer, text) // which stripejs has read
	compact := buffer.Bytes()
	if len(compact) < len(text) {
		seen = append(seen, Explanation{causePrettyPrinted, "there is white space between the body's members, as after pretty-printing or Python's json.dumps" + asIs})
	}
	raw, html, nonASCII := withoutEscapes(compact)
	if html {
		seen = append(seen, Explanation{causeHTMLEscaped, `<, > or & is written as an escape like \u003c, as Go's json.Marshal does: the body was encoded again after it was signed` + asIs})
	}
	if nonASCII {
		seen = append(seen, Explanation{causeNonASCIIEscaped, `characters outside ASCII are written as escapes like \u00e9, as Python and PHP do, or \u2028, as Go does: the body was encoded again after it was signed` + asIs})
	}
	if !bytes.Equal(raw, canonical) {
		seen = append(seen, Explanation{causeReencoded, `numbers, escapes or members are written in another way than JavaScript's, like 1.0 for 1 or \/ for /: the body was encoded again after it was signed` + asIs})
	}
	return seen
}

// withoutEscapes writes the characters that JSON.stringify does not escape as
// they are: <, > and &, and those outside ASCII but for lone surrogates.
func withoutEscapes(text []byte) (raw []byte, html, nonASCII bool) {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			raw = append(raw, text[i])
			continue
		}
		if text[i+1] != 'u' {
			raw = append(raw, text[i], text[i+1])
			i++
			continue
		}
		r, length := signed.HexRune(text[i+2:i+6]), 6
		if utf16.IsSurrogate(r) && i+12 <= len(text) && text[i+6] == '\\' && text[i+7] == 'u' {
			if pair := utf16.DecodeRune(r, signed.HexRune(text[i+8:i+12])); pair != utf8.RuneError {
				r, length = pair, 12
			}
		}
		switch {
		case r == '<' || r == '>' || r == '&':
			html = true
			raw = append(raw, byte(r))
		case r >= utf8.RuneSelf && !utf16.IsSurrogate(r):
			nonASCII = true
			raw = utf8.AppendRune(raw, r)
		default:
			raw = append(raw, text[i:i+length]...)
		}
		i += length - 1
	}
	return raw, html, nonASCII
}
