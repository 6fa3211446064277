package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// brokenBy is one way to break the verification: a mistake that somebody could make,
// or has made elsewhere.
type brokenBy struct {
	title string
	edits []edit
}

// edit is a text that stands in a file once, and what is put in its place.
type edit struct{ file, old, new string }

const (
	headerFile = "internal/signed/header.go"
	idsFile    = "internal/signed/ids.go"
	keysFile   = "internal/signed/keys.go"
	objectFile = "internal/signed/object.go"
)

var breaks = []brokenBy{
	{"a signature never gets too old", []edit{
		{"signature.go", "if age > v.tolerance {", "if false {"}}},
	{"a signature may get too old while its body arrives", []edit{
		{"signature.go", "if !v.source.onlyIDs() { // the body", "if false { // the body"}}},
	{"a signature may be of any time in the future", []edit{
		{"signature.go", "if age < -v.tolerance {", "if false {"}}},
	{"the header is not bounded", []edit{
		{headerFile, "if len(header) > MaxHeaderBytes {", "if false {"}}},
	{"a time may begin with zeros", []edit{
		{headerFile, "if n > 1 && s[0] == '0' {", "if false {"}}},
	{"of two times the first counts", []edit{
		{headerFile, "return RepeatedTime", "_, _, rest = CutTimestamp(rest)\nok = true\nbreak"}}},
	{"of two times the last counts", []edit{
		{headerFile, "return RepeatedTime", "h.timestamp = \"\""}}},
	{"other schemes are taken for v1", []edit{
		{headerFile, `case "v1":`, `case "v1", "v0":`}}},
	{"a header without a v1 goes on to the body", []edit{
		{headerFile, "if h.count == 0 {", "if false {"}}},
	{"a MAC may be in upper-case hex", []edit{
		{headerFile, "table[digit] = byte(value)", "table[digit] = byte(value)\nif digit >= 'a' {\ntable[digit-0x20] = byte(value)\n}"}}},

	{"any secret will do", []edit{
		{keysFile, "index := -1", "index := 0"}}},
	{"half of the MAC is compared", []edit{
		{keysFile, "(m.sum, h.macs[i][:])", "(m.sum[:16], h.macs[i][:16])"}}},
	{"the last byte of the MAC is not compared", []edit{
		{keysFile, "(m.sum, h.macs[i][:])", "(m.sum[:31], h.macs[i][:31])"}}},
	{"only the first signature is tried", []edit{
		{keysFile, "for i := range h.count {", "for i := range min(h.count, 1) {"}}},
	{"only the first secret is tried", []edit{
		{keysFile, "for i, k := range ring {", "for i, k := range ring[:1] {"}}},
	{"only the last secret is tried", []edit{
		{keysFile, "for i, k := range ring {", "for i, k := range ring {\nif i < len(ring)-1 {\ncontinue\n}"}}},
	{"a wrong list of secrets takes force", []edit{
		{"signature.go", "if err != nil {\n\t\treturn err\n\t}\n\tv.keys.Store(&ring)\n\treturn nil", "v.keys.Store(&ring)\n\treturn err"}}},

	{"the payload is signed without the white space in it", []edit{
		{"payload.go", `"errors"`, "\"bytes\"\n\t\"encoding/json\"\n\t\"errors\""},
		{"payload.go", "return body, body, err", "var compact bytes.Buffer\njson.Compact(&compact, body)\nreturn compact.Bytes(), body, err"}}},
	{"white space around the payload is not signed", []edit{
		{keysFile, "import (", "import (\n\t\"bytes\""},
		{keysFile, "m.hash.Write(payload)", "m.hash.Write(bytes.TrimSpace(payload))"}}},
	{"a body may have a byte more than the limit", []edit{
		{"internal/body/request.go", "Read(r.Body, r.ContentLength, limit)", "Read(r.Body, r.ContentLength, limit+1)"}}},
	{"of several ids in headers the first counts", []edit{
		{"payload.go", "len(users) != 1", "len(users) == 0"},
		{"payload.go", "len(accounts) != 1", "len(accounts) == 0"}}},
	{"ids may be of any characters", []edit{
		{idsFile, "if !isIDByte(rune(s[i])) {", "if s[i] == 0 {"}}},

	{"ids are read wherever they stand", []edit{
		{idsFile, "previous, last = last, member{members.Name, members.Value}",
			"switch string(members.Name) {\ncase \"user_id\":\nprevious = member{members.Name, members.Value}\ncase \"account_id\":\nlast = member{members.Name, members.Value}\n}"}}},
	{"of two members of one name the last counts", []edit{
		{idsFile, "if names.repeats() {", "if false {"}}},
	{"names are matched without regard to case", []edit{
		{idsFile, "if confused {", "if false {"},
		{idsFile, `string(last.name) != "account_id"`, `!bytes.EqualFold(last.name, []byte("account_id"))`},
		{idsFile, `string(previous.name) == "user_id"`, `bytes.EqualFold(previous.name, []byte("user_id"))`}}},
	{"a user may be missing", []edit{
		{idsFile, "(userNamed || !allowNoUser)", "userNamed"}}},
	{"an install link is a request", []edit{
		{idsFile, "return ids, InstallLink", "return ids, OK"}}},
	{"a payload need not be UTF-8", []edit{
		{objectFile, "if !utf8.Valid(s.doc) {", "if !utf8.Valid(nil) {"}}},
	{"something may stand behind the payload", []edit{
		{objectFile, "if s.pos != len(s.doc) {", "if false {"}}},

	{"a refused request goes on", []edit{
		{"signature.go", "v.Refuse(w, r, err)\n\t\t\treturn", "accepted = r"}}},
	{"Require lets pass what was not verified", []edit{
		{"middleware.go", "Refuse(w, r, ErrNotVerified)\n\t\t\t\treturn", "next.ServeHTTP(w, r)\n\t\t\t\treturn"}}},
	{"one requirement of several is enough", []edit{
		{"middleware.go", "for _, met := range requirements {\n\t\t\t\tif", "for _, met := range requirements[:1] {\n\t\t\t\tif"}}},
	{"a mode that was not signed is live", []edit{
		{"middleware.go", `string(signedMember(r.Context(), "livemode")) != want {`, `member := signedMember(r.Context(), "livemode"); member != nil && string(member) != want {`}}},

	{"PKCE takes the method plain", []edit{
		{"pkce.go", `if params.Get("code_challenge_method") != "S256" {`, `if method := params.Get("code_challenge_method"); method != "S256" && method != "plain" {`},
		{"pkce.go", "if !isS256Challenge(challenge) {", "if !isCodeVerifier(challenge) {"}}},
	{"PKCE lets a code pass that was asked for without a challenge", []edit{
		{"pkce.go", "return errNoStoredCodeChallenge", "return nil"}}},
}

// mutantsByHand are the breaks. Each of their texts must be there, or else they would
// break nothing.
func mutantsByHand(root string) ([]mutant, error) {
	var mutants []mutant
	for _, part := range []struct {
		breaks []brokenBy
		tests  string // the package whose tests are to catch them
	}{{breaks, "."}, {installBreaks, "./install"}, {eventBreaks, "./events"}} {
		for _, b := range part.breaks {
			m, err := b.mutant(root)
			if err != nil {
				return nil, err
			}
			m.tests = []string{part.tests}
			mutants = append(mutants, m)
		}
	}
	return mutants, nil
}

func (b brokenBy) mutant(root string) (mutant, error) {
	m := mutant{title: b.title, files: map[string][]byte{}}
	for _, e := range b.edits {
		if m.files[e.file] == nil {
			source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(e.file)))
			if err != nil {
				return mutant{}, err
			}
			m.files[e.file] = source
		}
		if n := bytes.Count(m.files[e.file], []byte(e.old)); n != 1 {
			return mutant{}, fmt.Errorf("%s: stands %d times in %s, not once: %q", b.title, n, e.file, e.old)
		}
		m.files[e.file] = bytes.Replace(m.files[e.file], []byte(e.old), []byte(e.new), 1)
	}
	return m, nil
}
