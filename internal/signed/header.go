package signed

import (
	"crypto/sha256"
	"strings"
)

const (
	// MaxHeaderBytes bounds the header, before anything of it is parsed.
	MaxHeaderBytes = 4 << 10
	// MaxSignatures bounds its v1. Stripe makes one for each active secret, of
	// which there are two while one is being rolled.
	MaxSignatures = 16
)

// Header is a parsed Stripe-Signature header.
type Header struct {
	SignedAt int64 // Unix seconds

	timestamp string // the same as written, which is what was signed
	macs      [MaxSignatures][sha256.Size]byte
	count     int // of macs
}

// JoinLines makes one value of a header's field lines: they are one list, which
// a gateway may have split at its commas. The lines are bounded before they are
// joined.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-5.3
func JoinLines(lines []string) (header string, _ Fault) {
	switch len(lines) {
	case 0:
		return "", NotSigned
	case 1:
		return lines[0], OK
	}
	length := len(lines) - 1
	for _, line := range lines {
		length += len(line)
		if length > MaxHeaderBytes {
			return "", LongHeader
		}
	}
	return strings.Join(lines, ","), OK
}

// Parse reads "t=1700000000,v1=<64 hex digits>,…" in one pass. Only the
// canonical form is accepted, the one Stripe writes: exactly one t, in decimal
// digits without a leading zero; each v1 in 64 lower-case hex digits; no white
// space but around commas, where whoever joins field lines may put it. Keys other
// than those two are ignored, as Stripe may add schemes.
//
// https://docs.stripe.com/webhooks#verify-manually
func (h *Header) Parse(header string) Fault {
	if header == "" {
		return NotSigned
	}
	if len(header) > MaxHeaderBytes {
		return LongHeader
	}
	for rest, more := header, true; more; {
		equals := strings.IndexByte(rest, '=')
		if equals < 0 {
			return MalformedHeader
		}
		key, ok := rest[:equals], false
		rest = rest[equals+1:]
		switch key {
		case "t":
			if h.timestamp != "" {
				return RepeatedTime
			}
			h.SignedAt, h.timestamp, rest = CutTimestamp(rest)
			ok = h.timestamp != ""
		case "v1":
			if h.count == MaxSignatures {
				return ManySignatures
			}
			rest, ok = CutMAC(&h.macs[h.count], rest)
			h.count++
		default:
			end := strings.IndexAny(rest, ", \t")
			if end < 0 {
				end = len(rest)
			}
			ok = key != "" && !strings.ContainsAny(key, ", \t") && !strings.Contains(rest[:end], "=")
			rest = rest[end:]
		}
		// What follows a value is the end, or a comma and another pair, with
		// optional white space around it (RFC 9110, section 5.6.1).
		if more = rest != ""; more {
			rest, more = strings.CutPrefix(trimSpace(rest), ",")
			ok = ok && more
			rest = trimSpace(rest)
		}
		if !ok {
			return MalformedHeader
		}
	}
	if h.timestamp == "" {
		return MalformedHeader
	}
	if h.count == 0 {
		return NoV1
	}
	return OK
}

func trimSpace(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	return s
}

// maxTimestampDigits always fit into an int64.
const maxTimestampDigits = 18

// CutTimestamp reads canonical decimal digits from the start of s; text is
// empty if there are none.
func CutTimestamp(s string) (seconds int64, text, rest string) {
	n := 0
	for n < len(s) && n < maxTimestampDigits && '0' <= s[n] && s[n] <= '9' {
		seconds = seconds*10 + int64(s[n]-'0')
		n++
	}
	if n > 1 && s[0] == '0' {
		return 0, "", s
	}
	return seconds, s[:n], s[n:]
}

// CutMAC reads an HMAC-SHA256 in lower-case hex from the start of s.
func CutMAC(mac *[sha256.Size]byte, s string) (rest string, ok bool) {
	if len(s) < 2*len(mac) {
		return s, false
	}
	digits, rest := s[:2*len(mac)], s[2*len(mac):]
	var wrong byte
	for i := range mac {
		high, low := hexValue[digits[2*i]], hexValue[digits[2*i+1]]
		mac[i] = high<<4 | low
		wrong |= high | low
	}
	return rest, wrong <= 0xf
}

// hexValue holds what each lower-case hex digit means, and 0xff for every other
// byte.
var hexValue = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for value, digit := range []byte("0123456789abcdef") {
		table[digit] = byte(value)
	}
	return table
}()
