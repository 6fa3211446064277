package explain

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Order tells UTF-16 by its byte order mark, or by the zeros in ASCII, and
// returns nil for anything else.
func utf16Order(text []byte) binary.ByteOrder {
	switch {
	case len(text) < 4:
		return nil
	case text[0] == 0xff && text[1] == 0xfe, text[0] != 0 && text[1] == 0 && text[2] != 0 && text[3] == 0:
		return binary.LittleEndian
	case text[0] == 0xfe && text[1] == 0xff, text[0] == 0 && text[1] != 0 && text[2] == 0 && text[3] != 0:
		return binary.BigEndian
	}
	return nil
}

func fromUTF16(text []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(text)/2)
	for i := range units {
		units[i] = order.Uint16(text[2*i:])
	}
	return bytes.TrimPrefix([]byte(string(utf16.Decode(units))), []byte("\uFEFF"))
}

// isUTF8 reports whether text is UTF-8, but for a last character that is cut.
func isUTF8(text []byte) bool {
	for cut := range min(utf8.UTFMax, len(text)) {
		if cut > 0 && text[len(text)-cut] < utf8.RuneSelf {
			return false
		}
		if utf8.Valid(text[:len(text)-cut]) {
			return true
		}
	}
	return false
}

// windows1252 are the characters of 0x80 to 0x9f, as browsers have them.
//
// https://encoding.spec.whatwg.org/#index-windows-1252
const windows1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"

// fromWindows1252 reads text in Windows-1252, or in ISO 8859-1, in which 0x80 to 0x9f
// are no characters to write.
func fromWindows1252(text []byte) []byte {
	high := []rune(windows1252)
	out := make([]byte, 0, len(text)+len(text)/8)
	for _, b := range text {
		if 0x80 <= b && b <= 0x9f {
			out = utf8.AppendRune(out, high[b-0x80])
		} else {
			out = utf8.AppendRune(out, rune(b))
		}
	}
	return out
}

// toWindows1252 returns the bytes that have been taken for the characters of text, or
// false if they are not of one byte each.
func toWindows1252(text []byte) ([]byte, bool) {
	out := make([]byte, 0, len(text))
	for rest := text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		switch i := strings.IndexRune(windows1252, r); {
		case r <= 0xff:
			out = append(out, byte(r))
		case i >= 0:
			out = append(out, byte(0x80+utf8.RuneCountInString(windows1252[:i])))
		default:
			return nil, false
		}
	}
	return out, true
}
