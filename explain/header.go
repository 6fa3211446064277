package explain

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// readHeader parses the header, mended if it must be.
func (e *explainer) readHeader() bool {
	header := e.received.Header
	if e.header.Parse(header) == signed.OK {
		return true
	}
	if strings.TrimSpace(header) == "" {
		e.say(causeNotSigned, "there is no %s: %s, and see that no proxy on the way removes the header", e.kind.header, e.kind.send)
		return false
	}
	if len(header) > signed.MaxHeaderBytes {
		e.say(causeHeaderMalformed, "the %s has %d bytes, more than %d: %s, unchanged and once", e.kind.header, len(header), signed.MaxHeaderBytes, e.kind.send)
		return false
	}
	best := e.bestMended(header)
	if best == nil {
		e.say(causeHeaderMalformed, "the %s is not t=…,v1=… (%s): %s, unchanged and once", e.kind.header, describeHeader(header), e.kind.send)
		return false
	}
	e.header, e.usedKey = signed.Header{}, nil
	e.header.Parse(best.text)
	switch {
	case best.others:
		e.say(causeTwoSignatures, "the %s holds two different signatures (%s): %s", e.kind.header, best.how, e.kind.sendOne)
	case best.isHalf:
		e.say(causeHeaderChanged, "the %s holds the same signature twice (%s): set it once, instead of adding to it, in the client and in each proxy", e.kind.header, best.how)
	default:
		e.say(causeHeaderChanged, "the %s was changed on its way (%s): let the proxy or client hand it on as it is", e.kind.header, best.how)
	}
	return true
}

// bestMended returns the first mended header that can be read, and of several in
// one the one that fits.
func (e *explainer) bestMended(header string) (best *mendedHeader) {
	for _, mended := range mendHeader(header) {
		e.header = signed.Header{}
		if e.header.Parse(mended.text) != signed.OK {
			continue
		}
		if best == nil {
			best = &mended
		}
		if !mended.isHalf {
			break
		}
		if !e.headerOnly && e.fits(e.kind.asReceived(e)) {
			return &mended
		}
	}
	return best
}

type mendedHeader struct {
	text, how string
	isHalf    bool // of a header that is there twice
	others    bool // and the rest of it is another one
}

// headerChanges are what has been seen to happen to headers, the outermost first.
var headerChanges = []struct {
	how  string
	undo func(string) string
}{
	{"white space around it", strings.TrimSpace},
	{"the header's name is a part of its value", func(s string) string {
		if _, value, named := strings.Cut(s, ":"); named {
			return strings.TrimSpace(value)
		}
		return s
	}},
	{"quotes around it", func(s string) string { return strings.Trim(s, "\"'") }},
	{"percent-encoded", func(s string) string {
		if unescaped, err := url.PathUnescape(s); err == nil {
			return unescaped
		}
		return s
	}},
	{"semicolons for commas", func(s string) string { return strings.ReplaceAll(s, ";", ",") }},
	{"white space within it", func(s string) string { return strings.Join(strings.Fields(s), "") }},
	{"upper-case letters", strings.ToLower},
	{"commas around it", func(s string) string { return strings.Trim(s, ",") }},
}

// maxHalves bounds how many signatures of one header are tried.
const maxHalves = 4

// mendHeader undoes changes: each one alone, then one after the other.
func mendHeader(header string) []mendedHeader {
	var mended []mendedHeader
	for _, change := range headerChanges {
		if text := change.undo(header); text != header {
			mended = append(mended, mendedHeader{text: text, how: change.how})
		}
	}
	var changes []string
	text := header
	for _, change := range headerChanges {
		if undone := change.undo(text); undone != text {
			text = undone
			changes = append(changes, change.how)
			mended = append(mended, mendedHeader{text: text, how: strings.Join(changes, ", ")})
		}
	}
	// Headers that are there twice are joined by a comma, as RFC 9110 has it, which
	// leaves no other change to undo but the space after that comma.
	parts := strings.Split(text, ",t=")
	for i := range parts[1:] {
		parts[i+1] = "t=" + parts[i+1]
	}
	others := slices.ContainsFunc(parts, func(part string) bool { return part != parts[0] })
	for _, part := range parts[:min(len(parts), maxHalves)] {
		if len(parts) > 1 {
			mended = append(mended, mendedHeader{part, "sent twice, and joined", true, others})
		}
	}
	return mended
}

// describeHeader says what is the matter with a header that cannot be mended.
func describeHeader(header string) string {
	times, signatures, what := 0, 0, ""
	for part := range strings.SplitSeq(header, ",") {
		name, value, ok := strings.Cut(part, "=")
		switch {
		case !ok || name == "":
			what = cmp.Or(what, "a part of it is not name=value")
		case name == "t":
			times++
			if _, text, rest := signed.CutTimestamp(value); text == "" || rest != "" {
				what = cmp.Or(what, "its t is not a whole number of seconds")
			}
		case name == "v1":
			signatures++
			if len(value) != 2*sha256.Size {
				what = cmp.Or(what, fmt.Sprintf("a v1 has %d characters instead of %d, as if it were cut off", len(value), 2*sha256.Size))
			} else if _, ok := signed.CutMAC(new([sha256.Size]byte), value); !ok {
				what = cmp.Or(what, "a v1 is not in hex digits")
			}
		}
	}
	switch {
	case times == 0:
		return "it has no t"
	case signatures == 0:
		return "it has no v1"
	case times > 1:
		return "it has more than one t"
	case signatures > signed.MaxSignatures:
		return fmt.Sprintf("it has %d v1, more than %d", signatures, signed.MaxSignatures)
	}
	return cmp.Or(what, "a part of it has a space or a second = in it")
}
