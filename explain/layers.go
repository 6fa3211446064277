package explain

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
)

// layer is one of the things that come around a JSON text.
type layer struct {
	Explanation
	inner []byte
	isEnd bool // what is inside cannot be looked into
}

func one(inner []byte, cause Cause, text string) []layer {
	return []layer{{Explanation: Explanation{cause, text}, inner: inner}}
}

func end(cause Cause, text string) []layer {
	return []layer{{Explanation: Explanation{cause, text}, isEnd: true}}
}

// unwrap takes off what is outermost around a JSON text. If it can be read in
// several ways, there are several layers. There is none if nothing is around it.
// isBody says that the text is the body itself.
func (e *explainer) unwrap(text []byte, isBody bool) []layer {
	coding := ""
	if isBody {
		coding = e.received.ContentEncoding
	}
	if layers := decompress(text, coding); layers != nil {
		return layers
	}
	if order := utf16Order(text); order != nil {
		return one(fromUTF16(text, order), causeUTF16, "the body is in UTF-16, as some tools save and send text: send it in UTF-8")
	}
	for _, mark := range []string{"\uFEFF", "ï»¿"} { // the second is mojibake of the first
		if inner, ok := bytes.CutPrefix(text, []byte(mark)); ok {
			return one(inner, causeByteOrderMark, "a byte order mark stands in front of the body"+asIs)
		}
	}
	if bytes.HasPrefix(text, []byte("--")) { // which ends in a line break
		return unwrapMultipart(text)
	}
	if inner := bytes.TrimSpace(text); len(inner) < len(text) {
		return one(inner, causeTrailingSpace, "there is white space around the body, like a line break at its end"+asIs)
	}
	switch {
	case len(text) == 0:
		return nil
	case !isUTF8(text):
		return one(fromWindows1252(text), causeNotUTF8, "the body is in ISO 8859-1 or Windows-1252, and not in UTF-8: send, and verify, the bytes of JSON.stringify's text in UTF-8")
	case text[0] == '{':
		return unwrapFirst(text)
	case text[0] == '"':
		return unwrapString(text)
	case text[0] == '%':
		return unwrapPercent(text)
	}
	if layers := unwrapBase64(text); layers != nil {
		return layers
	}
	return unwrapForm(text)
}

// unwrapFirst leaves out what follows an object.
func unwrapFirst(text []byte) []layer {
	var first json.RawMessage
	if json.Valid(text) || json.NewDecoder(bytes.NewReader(text)).Decode(&first) != nil {
		return nil
	}
	return one(first, causeMoreThanOne, "something follows the JSON object in the body, like a second one or zero bytes"+asIs)
}

func unwrapString(text []byte) []layer {
	var inner string
	if json.Unmarshal(text, &inner) != nil || !strings.Contains(inner, "{") {
		return nil
	}
	return one([]byte(inner), causeEncodedTwice, "the body is JSON within a JSON string: call JSON.stringify once, and give its result to fetch as it is")
}

func unwrapBase64(text []byte) []layer {
	standard := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(string(text), "="))
	decoded, err := base64.RawStdEncoding.DecodeString(standard)
	if err != nil || !bytes.Contains(decoded, []byte("{")) && !isGzip(decoded) && !isZlib(decoded) {
		return nil
	}
	return one(decoded, causeBase64, "the body is in base64, as some gateways hand bodies on (isBase64Encoded): decode it before it is verified")
}
