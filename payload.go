package stripeapps

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Source says where in a request the signed payload is.
type Source int

const (
	// SignedBody is the default: the whole body is what was signed, byte for
	// byte. The extension sends the text of
	// JSON.stringify({...payload, user_id, account_id}) as the body, after
	// giving the same payload to fetchStripeSignature. The payload may not
	// consist of a member state alone: that is what an install link signs.
	SignedBody Source = iota + 1

	// IdentityFromHeaders takes the two ids from the headers Stripe-User-Id
	// and Stripe-Account-Id; the extension calls fetchStripeSignature without
	// a payload. Only the ids are signed: LiveMode and Action cannot be met. The
	// body, if there is one, is NOT signed, not bounded and not read: it goes to
	// the handler as it comes.
	IdentityFromHeaders

	// IdentityFromQuery takes the two ids from the query parameters user_id
	// and account_id, and is like IdentityFromHeaders otherwise. URLs end up
	// in logs and histories: prefer headers. A query over 16 KiB is refused.
	IdentityFromQuery
)

// SourceFunc returns the exact bytes that were signed, found in the request in
// the way of your own extension. body is the whole request body, already read
// within VerifierConfig.MaxBodyBytes and handed on to the handler afterwards;
// r.Body must not be read. Neither r nor body may be modified.
//
// The returned bytes are verified as they are and the identity is read from
// them, so that this function can only find too little, not let too much pass;
// but whatever else is in the request is NOT signed. An *Error is answered as
// it is, any other error with ErrNoPayload. It is called concurrently.
type SourceFunc func(r *http.Request, body []byte) ([]byte, error)

// setSource chooses the way to the payload, for NewVerifier.
func (v *Verifier) setSource(source Source, own SourceFunc) error {
	if own != nil {
		v.source, v.readsBody = own, true
		if source != 0 {
			return errors.New("stripeapps: Source and SourceFunc are both set: leave Source 0 when you give a SourceFunc")
		}
		return nil
	}
	switch source {
	case 0, SignedBody:
		v.readsBody = true
	case IdentityFromHeaders:
		v.source = v.idsFromHeaders
	case IdentityFromQuery:
		v.source, v.queryIDs = v.idsFromQuery, true
	default:
		return fmt.Errorf("stripeapps: Source is %d: it must be SignedBody, IdentityFromHeaders or IdentityFromQuery", source)
	}
	return nil
}

// receive returns the payload that the signature must cover, and the body if
// it had to be read.
func (v *Verifier) receive(r *http.Request) (payload, body []byte, err error) {
	if v.readsBody {
		if body, err = readBody(r, v.maxBodyBytes); err != nil {
			return nil, nil, err
		}
	}
	if v.source == nil {
		return body, body, nil
	}
	payload, err = v.source(r, body)
	if err != nil {
		return nil, nil, ErrNoPayload.orOwn(err)
	}
	return payload, body, nil
}

// Headers in which an extension sends the two ids. HTTP header names are
// compared without regard to case.
const (
	headerSignature = "Stripe-Signature"
	headerUserID    = "Stripe-User-Id"
	headerAccountID = "Stripe-Account-Id"
)

func (v *Verifier) idsFromHeaders(r *http.Request, _ []byte) ([]byte, error) {
	return v.idsPayload(r.Header.Values(headerUserID), r.Header.Values(headerAccountID))
}

const maxQueryBytes = 16 << 10

var errQueryTooLong = ErrMalformedIDs.because("the URL's query is longer than 16384 bytes")

func (v *Verifier) idsFromQuery(r *http.Request, _ []byte) ([]byte, error) {
	if len(r.URL.RawQuery) > maxQueryBytes {
		return nil, errQueryTooLong
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, ErrMalformedIDs
	}
	return v.idsPayload(query["user_id"], query["account_id"])
}

// idsPayload checks ids that are not known to be signed yet, and rebuilds the
// text that Stripe signed from them.
func (v *Verifier) idsPayload(users, accounts []string) ([]byte, error) {
	if len(accounts) != 1 || !isID(accounts[0]) {
		return nil, ErrMalformedIDs
	}
	if len(users) == 0 && v.allowNoUser {
		return identityPayload("", accounts[0]), nil
	}
	if len(users) != 1 || !isID(users[0]) {
		return nil, ErrMalformedIDs
	}
	return identityPayload(users[0], accounts[0]), nil
}

// identityPayload is what Stripe signs where the extension gives no payload.
// The ids must match isID. This is the only JSON that is ever rebuilt.
func identityPayload[T string | []byte](userID, accountID T) []byte {
	const user, account, end = `{"user_id":"`, `"account_id":"`, `"}`
	b := make([]byte, 0, len(user)+len(userID)+len(`",`)+len(account)+len(accountID)+len(end))
	if len(userID) > 0 {
		b = append(append(append(b, user...), userID...), `",`...)
	} else {
		b = append(b, '{')
	}
	return append(append(append(b, account...), accountID...), end...)
}

const maxIDBytes = 255

// isID reports whether s is a Stripe id: [A-Za-z0-9_]{1,255}.
func isID[T string | []byte](s T) bool {
	if len(s) == 0 || len(s) > maxIDBytes {
		return false
	}
	for i := range len(s) {
		if !isIDByte(rune(s[i])) {
			return false
		}
	}
	return true
}

func isIDByte(c rune) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

const (
	// lengthTrusted is how much memory a Content-Length claims by itself. Beyond
	// it, at most twice as much is allocated as has really arrived.
	lengthTrusted = 128 << 10
	// maxEmptyReads is when a reader that gives nothing, and no error, is given up.
	maxEmptyReads = 100
)

var errBodyLength = ErrBodyUnreadable.because("the request body is not as long as its Content-Length says: it was cut off, or something read it before this middleware")

// readBody reads the whole body, at most limit bytes of it, into memory of its
// exact size where the Content-Length is known.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, ErrBodyTooLarge
	}
	if r.Body == nil || r.Body == http.NoBody {
		if r.ContentLength > 0 {
			return nil, errBodyLength
		}
		return nil, nil
	}
	// 0 with a body is a request made by hand, whose length is not known.
	if r.ContentLength <= 0 {
		return readAll(r.Body, 512, int(limit), ErrBodyTooLarge)
	}
	length := int(r.ContentLength)
	body, err := readAll(r.Body, min(length, lengthTrusted), length, errBodyLength)
	if err == nil && len(body) < length {
		return nil, errBodyLength
	}
	return body, err
}

// readAll reads to the end, into a buffer that begins with size bytes and grows
// to limit; tooLong is the error of a body that goes on after that. Unlike
// io.ReadAll it stops at a limit, and unlike io.ReadFull it keeps an error that
// comes with the last bytes.
func readAll(r io.Reader, size, limit int, tooLong error) ([]byte, error) {
	body := make([]byte, 0, min(size, limit))
	var end [1]byte
	for empty := 0; empty < maxEmptyReads; {
		if len(body) == cap(body) && cap(body) < limit {
			grown := make([]byte, len(body), min(2*cap(body), limit))
			copy(grown, body)
			body = grown
		}
		room := body[len(body):cap(body)]
		if len(room) == 0 {
			room = end[:]
		}
		n, err := r.Read(room)
		switch {
		case n < 0 || n > len(room):
			return nil, unreadable(errors.New("stripeapps: the body's reader returned an impossible count"))
		case err != nil && err != io.EOF:
			return nil, unreadable(err)
		case n > 0 && len(body) == limit:
			return nil, tooLong
		}
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, nil
		}
		if empty++; n > 0 {
			empty = 0
		}
	}
	return nil, unreadable(io.ErrNoProgress)
}

// unreadable tells the limit of an http.MaxBytesReader from a client that went
// away.
func unreadable(err error) error {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return ErrBodyTooLarge.causedBy(err)
	}
	return ErrBodyUnreadable.causedBy(err)
}

// body is a request body that has been read, for the handler to read again.
type body struct {
	bytes.Reader
	original io.Closer
}

func (b *body) Close() error { return b.original.Close() }

var (
	errNoBody     = ErrNoMatch.because("the request has no body, which is what has to be signed here: send the signed JSON as the body")
	errNoMatchIDs = ErrNoMatch.because("no v1 signature matches the two ids: call fetchStripeSignature without a payload, send the ids of the same user and account, and check that the secret is that of this app")
)

// maxDiagnosedBytes bounds what a refusal costs only to say more: anyone can cause
// it. An ErrOnlyIDsSigned is an ErrNoMatch beyond it.
const maxDiagnosedBytes = 64 << 10

// noMatch says why no signature matches, as far as that can be told.
func (v *Verifier) noMatch(h *signatureHeader, payload []byte) error {
	switch {
	case !v.readsBody:
		return errNoMatchIDs
	case v.source != nil:
		return ErrNoMatch
	case len(payload) == 0:
		return errNoBody
	case len(payload) <= maxDiagnosedBytes && v.onlyIDsSigned(h, payload):
		return ErrOnlyIDsSigned
	default:
		return ErrNoMatch
	}
}

// onlyIDsSigned reports whether the signature, which does not cover the body,
// covers the two ids that the body names. It reads unverified bytes, and is
// used only to say why a request is refused.
func (v *Verifier) onlyIDsSigned(h *signatureHeader, body []byte) bool {
	var userID, accountID []byte
	members := scanObject(body)
	for members.next() {
		switch string(members.key) {
		case "user_id":
			userID = stringContent(members.value)
		case "account_id":
			accountID = stringContent(members.value)
		}
	}
	if members.err != nil || !isID(accountID) || !isID(userID) && (userID != nil || !v.allowNoUser) {
		return false
	}
	return v.keys.Load().match(h, identityPayload(userID, accountID))
}

// stringContent returns what stands between the quotes of a JSON string, as it
// is written, or nil for any other value.
func stringContent(value []byte) []byte {
	if value[0] != '"' {
		return nil
	}
	return value[1 : len(value)-1]
}
