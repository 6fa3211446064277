package stripeapps

import (
	"errors"
	"net/http"
	"net/url"
	"os"

	"github.com/seed-8a2ffb75/stripeapps/internal/body"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// Source says where in a request the signed payload is: SignedBody, IDsInHeaders,
// IDsInQuery, or a place of your own by NewSource. Sources can be compared with
// ==; the zero value is SignedBody.
type Source struct{ *source }

// source has one of two ways to the payload; nil means the body.
type source struct {
	// find returns the payload, which the extension has put anywhere.
	find func(r *http.Request, body []byte) ([]byte, error)
	// readIDs returns the two ids, where they are all that is signed.
	readIDs func(r *http.Request) (users, accounts []string, err error)
}

var (
	// SignedBody is the default: the whole body is what was signed, byte for
	// byte. The extension sends the text of
	// JSON.stringify({...payload, user_id, account_id}) as the body, after
	// giving the same payload to fetchStripeSignature. The payload may not
	// consist of a member state alone: that is what an install link signs.
	SignedBody Source

	// IDsInHeaders takes the two ids from the headers Stripe-User-Id and
	// Stripe-Account-Id; the extension calls fetchStripeSignature without a
	// payload. Only the ids are signed: LiveMode and Action cannot be met. The
	// body, if there is one, is NOT signed, not bounded and not read: it goes to
	// the handler as it comes. An install link without a state has the same two
	// ids signed: give each a state, or whoever sees the URL that it leads back
	// to can call such routes for as long as the signature is good.
	IDsInHeaders = Source{&source{readIDs: idsInHeaders}}

	// IDsInQuery takes the two ids from the query parameters user_id and
	// account_id, and is like IDsInHeaders otherwise. URLs end up in logs and
	// histories: prefer headers. A query over 16 KiB is refused. Read the ids by
	// MustIdentity: FormValue prefers those of a body, which is not signed.
	//
	// A link cannot send the header. Let the extension ask for a token with a
	// signed request, and put that into the link.
	IDsInQuery = Source{&source{readIDs: idsInQuery}}
)

// NewSource returns a Source that finds the payload in the way of your own
// extension. find returns the exact bytes that were signed. body is the whole
// request body, already read within VerifierConfig.MaxBodyBytes and handed on to
// the handler afterwards; r.Body must not be read. Neither r nor body may be
// modified.
//
// The returned bytes are verified as they are and the identity is read from
// them, so that find can only find too little, not let too much pass; but
// whatever else is in the request is NOT signed. An *Error that it returns is
// sent as it is, for any other error ErrNoPayload. It is called concurrently.
//
// It panics if find is nil.
func NewSource(find func(r *http.Request, body []byte) ([]byte, error)) Source {
	if find == nil {
		panic("stripeapps: NewSource needs a function that finds the payload")
	}
	return Source{&source{find: find}}
}

// onlyIDs reports whether the two ids are all that is signed, and the body is
// not read.
func (s Source) onlyIDs() bool { return s.source != nil && s.readIDs != nil }

// receive returns the payload that the signature must cover, and the body if
// it had to be read.
func (v *Verifier) receive(w http.ResponseWriter, r *http.Request) (payload, body []byte, err error) {
	if v.source.onlyIDs() {
		payload, err = v.receiveIDs(v.source.readIDs(r))
		return payload, nil, err
	}
	body, err = v.readBody(w, r)
	if err != nil || v.source == SignedBody {
		return body, body, err
	}
	payload, err = v.source.find(r, body)
	if err != nil {
		return nil, nil, ErrNoPayload.orUsers(err)
	}
	return payload, body, nil
}

// receiveIDs checks ids that are not known to be signed yet, and rebuilds the
// text that Stripe signed from them.
func (v *Verifier) receiveIDs(users, accounts []string, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if len(accounts) != 1 || !signed.IsID(accounts[0]) {
		return nil, ErrMalformedIDs
	}
	if len(users) == 0 && v.allowNoUser {
		return signed.IDsPayload("", accounts[0]), nil
	}
	if len(users) != 1 || !signed.IsID(users[0]) {
		return nil, ErrMalformedIDs
	}
	return signed.IDsPayload(users[0], accounts[0]), nil
}

// Headers in which an extension sends the signature and the two ids. HTTP header
// names are compared without regard to case.
const (
	headerSignature = "Stripe-Signature"
	headerUserID    = "Stripe-User-Id"
	headerAccountID = "Stripe-Account-Id"
)

func idsInHeaders(r *http.Request) (users, accounts []string, _ error) {
	return r.Header[headerUserID], r.Header[headerAccountID], nil
}

func idsInQuery(r *http.Request) (users, accounts []string, _ error) {
	if len(r.URL.RawQuery) > signed.MaxQueryBytes {
		return nil, nil, errQueryTooLong
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, nil, errMalformedQuery
	}
	return query["user_id"], query["account_id"], nil
}

// readBody reads the body, which comes in on the connection of w; w can be nil.
func (v *Verifier) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var deadline body.Deadline
	deadline.Set(w, r, v.bodyTimeout)
	content, err := body.ReadRequest(r, v.maxBodyBytes)
	switch {
	case err == nil:
		deadline.Lift() // else it holds for what the server reads of the rest, too
		return content, nil
	case errors.Is(err, body.ErrTooLarge):
		return nil, ErrBodyTooLarge.causedBy(err)
	case err == body.ErrTooShort:
		return nil, errBodyTooShort
	case err == body.ErrTooLong:
		return nil, errBodyTooLong
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errBodyTooSlow.causedBy(err)
	}
	return nil, ErrBodyUnreadable.causedBy(err)
}
