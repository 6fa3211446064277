package explain

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

const (
	maxFormFields    = 256
	maxReadingsAsOne = 4 // of one text
)

// unwrapPercent undoes encodeURIComponent, or, with + for spaces, what forms do.
func unwrapPercent(text []byte) []layer {
	var layers []layer
	for _, unescape := range unescapes(string(text)) {
		if inner, err := unescape(string(text)); err == nil {
			layers = append(layers, one([]byte(inner), causePercentEncoded, "the body is percent-encoded"+asIs)...)
		}
	}
	return layers
}

// unescapes are the ways in which a text can be meant: a + can stand for a space.
func unescapes(text string) []func(string) (string, error) {
	if strings.Contains(text, "+") {
		return []func(string) (string, error){url.QueryUnescape, url.PathUnescape}
	}
	return []func(string) (string, error){url.PathUnescape}
}

// field is one of a form.
type field struct{ name, value string }

const notAForm = ": send JSON.stringify's text itself as the body, with the Content-Type application/json"

func unwrapForm(text []byte) []layer {
	const theForm = "the body is form-encoded, as by URLSearchParams or a <form>" + notAForm
	name, rest, ok := strings.Cut(string(text), "=")
	if !ok || name == "" || strings.ContainsAny(name, "{}\"<> \n") {
		return nil
	}
	if strings.HasPrefix(rest, "{") { // written as it is
		return one([]byte(rest), causeFormEncoded, theForm)
	}
	var layers []layer
	for _, unescape := range unescapes(string(text)) {
		fields, ok := formFields(string(text), unescape)
		if ok {
			layers = append(layers, unwrapFields(fields, causeFormEncoded, theForm)...)
		}
	}
	return layers[:min(len(layers), maxReadingsAsOne)]
}

// formFields returns the fields in their order, which url.ParseQuery loses.
func formFields(text string, unescape func(string) (string, error)) (fields []field, ok bool) {
	if strings.Count(text, "&") >= maxFormFields {
		return nil, false
	}
	for part := range strings.SplitSeq(text, "&") {
		name, value, _ := strings.Cut(part, "=")
		name, err := unescape(name)
		if err != nil {
			return nil, false
		}
		if value, err = unescape(value); err != nil {
			return nil, false
		}
		fields = append(fields, field{name, value})
	}
	return fields, true
}

func unwrapMultipart(text []byte) []layer {
	boundary, _, _ := bytes.Cut(text[len("--"):], []byte("\n"))
	boundary = bytes.TrimRight(boundary, "\r")
	if len(boundary) == 0 {
		return nil
	}
	var fields []field
	for r := multipart.NewReader(bytes.NewReader(text), string(boundary)); len(fields) < maxFormFields; {
		part, err := r.NextRawPart()
		if err != nil {
			break // at the end, or where the body is cut
		}
		value, _ := io.ReadAll(part)
		fields = append(fields, field{part.FormName(), string(value)})
	}
	layers := unwrapFields(fields, causeMultipart, "the body is multipart/form-data, as by FormData"+notAForm)
	return layers[:min(len(layers), maxReadingsAsOne)]
}

// unwrapFields takes the field that holds JSON for the text, or else all of them for
// the members of an object.
func unwrapFields(fields []field, cause Cause, said string) []layer {
	var layers []layer
	for _, f := range fields {
		if holdsJSON(f.value) {
			layers = append(layers, one([]byte(f.value), cause, said)...)
		}
	}
	if layers != nil || len(fields) == 0 {
		return layers
	}
	if !slices.ContainsFunc(fields, func(f field) bool { return f.name == "user_id" || f.name == "account_id" }) && len(fields) < 2 {
		return nil
	}
	members := make([]stripejs.Member, len(fields))
	for i, f := range fields {
		members[i] = stripejs.Member{Name: f.name, Value: stripejs.Quote(f.value)}
	}
	return one(stripejs.Object(members), cause, said)
}

// holdsJSON tells an object by how it begins: also within a string, percent-encoded,
// or in base64.
func holdsJSON(text string) bool {
	text = strings.TrimSpace(text)
	return slices.ContainsFunc([]string{"{", `"{`, "%7B", "%7b", "eyJ", "ewo"}, func(prefix string) bool { return strings.HasPrefix(text, prefix) })
}
