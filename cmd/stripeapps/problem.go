package main

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// problem is what a backend says of its refusal, as this library's do.
//
// https://www.rfc-editor.org/rfc/rfc9457
type problem struct{ Code, Detail string }

// maxProblem is how long a problem document can be to be read, and maxShownDetail how
// much of its detail is shown.
const (
	maxProblem     = 16 << 10
	maxShownDetail = 512
)

// readProblem reads the problem document of a refusal, and puts it back. Only what is short,
// and says how long it is, is read before it is handed on. Without one, the code is "".
func (p *proxy) readProblem(response *http.Response) problem {
	mediaType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if response.StatusCode < http.StatusBadRequest || err != nil || mediaType != "application/problem+json" ||
		response.Header.Get("Content-Encoding") != "" || response.ContentLength <= 0 || response.ContentLength > maxProblem {
		return problem{}
	}
	original := response.Body
	document, err := io.ReadAll(original)
	rest := io.Reader(http.NoBody)
	if err != nil {
		rest = failingReader{err}
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(document), rest), original}
	var read problem
	if json.Unmarshal(document, &read) != nil || !isProblemCode(read.Code) || p.holdsSecret(read.Code) {
		return problem{}
	}
	read.Detail = oneLine(read.Detail)
	if p.holdsSecret(read.Detail) {
		read.Detail = ""
	}
	if len(read.Detail) > maxShownDetail {
		read.Detail = strings.ToValidUTF8(read.Detail[:maxShownDetail], "") + "…"
	}
	return read
}

func (p *proxy) holdsSecret(text string) bool {
	return p.judge.holdsSecret(text) || signed.HoldsSecret(text)
}

func isProblemCode(code string) bool {
	return code != "" && len(code) <= 64 && !strings.ContainsFunc(code, func(r rune) bool {
		return !strings.ContainsRune("_-.", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

func (read problem) says() string {
	if read.Detail == "" {
		return read.Code
	}
	return read.Code + " (" + read.Detail + ")"
}

// ofEndpoint reports whether it is an events.Endpoint that refuses a signature, or what
// was signed, by what only that says.
func (read problem) ofEndpoint() bool {
	return read.Code == events.ErrMalformedEvent.Code() ||
		read.Code == stripeapps.ErrNoMatch.Code() && strings.Contains(read.Detail, "webhook endpoint") ||
		read.Code == stripeapps.ErrNotSigned.Code() && strings.Contains(read.Detail, "with each event")
}

// canBeOfInstall reports whether it can be a page for installs that refuses: package
// install's is no problem document.
func (read problem) canBeOfInstall() bool {
	return read.Code == "" || strings.HasPrefix(read.Code, "install_")
}

// ofChain reports whether it is the chain for extensions that refuses a signature, or
// what was signed.
func (read problem) ofChain() bool {
	return !read.ofEndpoint() && slices.ContainsFunc([]*stripeapps.Error{
		stripeapps.ErrNoMatch, stripeapps.ErrMalformedIDs, stripeapps.ErrNoPayload, stripeapps.ErrNoIdentity,
		stripeapps.ErrOnlyIDsSigned, stripeapps.ErrInstallSignature,
	}, func(e *stripeapps.Error) bool { return e.Code() == read.Code })
}

// wrongRoute says that an event has come to a route for extensions, or a request to the
// endpoint for events, or "".
func (rep *report) wrongRoute() string {
	switch {
	case rep.Kind == kindEvent && rep.problem.ofChain():
		return "this path is a route for extensions, as the backend's response shows (" + rep.problem.Code +
			"), and what came is a webhook's event: let the webhook lead to the endpoint for events"
	case rep.Kind == "" && rep.problem.ofEndpoint():
		return "this path is the endpoint for events, as the backend's response shows (" + rep.problem.Code +
			"), and what came is an extension's request: let the extension call one of the routes for it"
	}
	return ""
}
