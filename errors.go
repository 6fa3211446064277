package stripeapps

import (
	"errors"
	"net/http"

	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps/internal/response"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// The reasons for a refusal, to compare with errors.Is. Each has a code, the
// stable name that stands in the "code" member of the problem document: codes
// are part of this package's API, and are never renamed or given another
// meaning. An error that this package returns can say more in its text than the
// sentinel of the same code does.
//
// Where the webhook package of stripe-go/v76 has an error of the same meaning,
// errors.Is finds that one too (other majors of stripe-go have errors of their
// own): ErrNotSigned is webhook.ErrNotSigned, ErrMalformedSignature is
// webhook.ErrInvalidHeader, ErrNoMatch and ErrOnlyIDsSigned are
// webhook.ErrNoValidSignature, and ErrTooOld is webhook.ErrTooOld. stripe-go has
// no ErrTooNew: it accepts any future time.
var (
	// ErrNotSigned: there is no Stripe-Signature header.
	ErrNotSigned = NewError("not_signed", http.StatusUnauthorized,
		"the request has no Stripe-Signature header: send the value that fetchStripeSignature returns")

	// ErrMalformedSignature: the Stripe-Signature header is not a canonical
	// t=…,v1=… list, has a second t, or is over its limits.
	ErrMalformedSignature = NewError("malformed_signature", http.StatusUnauthorized,
		"the Stripe-Signature header is not of the form t=…,v1=…: send the value that fetchStripeSignature returns, unchanged and once")

	// ErrNoMatch: no v1 signature was made with one of the secrets over this
	// payload and time.
	ErrNoMatch = NewError("no_match", http.StatusUnauthorized,
		"no v1 signature matches the payload: send exactly the text that was signed, compact JSON with user_id and account_id last, "+
			"and check that the secret is that of this app")

	// ErrTooOld: signed longer ago than the tolerance.
	ErrTooOld = NewError("too_old", http.StatusUnauthorized,
		"the signature is older than the tolerance: call fetchStripeSignature for each request, and check the server's clock")

	// ErrTooNew: signed further in the future than the tolerance.
	ErrTooNew = NewError("too_new", http.StatusUnauthorized,
		"the signature's time is in the future by more than the tolerance: check the server's clock")

	// ErrBodyTooLarge: the body is over VerifierConfig.MaxBodyBytes.
	ErrBodyTooLarge = NewError("body_too_large", http.StatusRequestEntityTooLarge,
		"the request body is larger than this endpoint accepts")

	// ErrBodyUnreadable: the body could not be read to its end, or in time, or is
	// not as long as its Content-Length.
	ErrBodyUnreadable = NewError("body_unreadable", http.StatusBadRequest,
		"the request body could not be read to its end")

	// ErrMalformedIDs: the ids in the headers or the query are missing, repeated
	// or not 1 to 255 of [A-Za-z0-9_].
	ErrMalformedIDs = NewError("malformed_ids", http.StatusBadRequest,
		"the user id and the account id must each be sent once, as 1 to 255 letters, digits or underscores")

	// ErrNoPayload: the Source did not find the signed payload.
	ErrNoPayload = NewError("no_payload", http.StatusBadRequest,
		"the request does not carry the signed payload where this endpoint looks for it")

	// ErrNoIdentity: the signature is right, but the signed payload does not end
	// in user_id and account_id, or is ambiguous.
	ErrNoIdentity = NewError("no_identity", http.StatusBadRequest,
		"the signed payload must be a JSON object whose last two members are user_id and account_id, each 1 to 255 letters, digits or underscores")

	// ErrOnlyIDsSigned: the signature covers the two ids only, and so says
	// nothing about the rest of the body. With a body of more than 64 KiB it is
	// ErrNoMatch instead.
	ErrOnlyIDsSigned = NewError("only_ids_signed", http.StatusBadRequest,
		"the signature covers only user_id and account_id, not the rest of the body: pass the payload to fetchStripeSignature")

	// ErrInstallSignature: the signature is that of an install link, which is
	// not an API request.
	ErrInstallSignature = NewError("install_signature", http.StatusBadRequest,
		"the signature has the form of an install link's (state is the only other member) and is not accepted for an API request: sign at least one other member")

	// ErrUnexpectedPayload: DecodePayload found another shape.
	ErrUnexpectedPayload = NewError("unexpected_payload", http.StatusBadRequest,
		"the signed payload does not have the shape that this endpoint expects")

	// ErrExtensionSignature: VerifyStripeCall was given what a UI extension or an
	// install link has had signed.
	ErrExtensionSignature = NewError("extension_signature", http.StatusBadRequest,
		"the signature is that of an extension's request or an install link, and is not accepted for a call by Stripe itself")

	// ErrRequirementNotMet: a Requirement of the route is not met.
	ErrRequirementNotMet = NewError("requirement_not_met", http.StatusForbidden,
		"the signed payload does not meet a requirement of this endpoint")

	// ErrNotVerified: a part that needs a verified request was used outside the
	// chain. This is a mistake in the backend.
	ErrNotVerified = NewError("not_verified", http.StatusInternalServerError,
		"this endpoint needs a verified request but stands outside the verifying middleware, or has got another context than its request's: wrap it in the chain")

	// errInternal: a handler panicked, or WriteProblem was given an error of
	// another type.
	errInternal = NewError("internal", http.StatusInternalServerError,
		"the server failed to handle the request")
)

// Error is every error that this package returns about a request. Its text is
// constant: it holds no input, no secret and no MAC, and may be shown to the
// caller. Errors are immutable and safe for concurrent use.
type Error struct {
	code   string
	status int
	detail string
	cause  error
}

// NewError returns an Error of your own, for a Requirement or Source that
// wants its own code, status and text in the response. The detail is sent to the
// caller: keep it constant, and say in it what to change.
//
// It panics if status is not 400 to 599, or code or detail is empty.
func NewError(code string, status int, detail string) *Error {
	if status < 400 || status > 599 || code == "" || detail == "" {
		panic("stripeapps: NewError needs a code, a status from 400 to 599 and a detail")
	}
	return &Error{code: code, status: status, detail: detail}
}

// Code returns the stable name of the reason.
func (e *Error) Code() string { return e.code }

// Status returns the HTTP status that belongs to the reason.
func (e *Error) Status() int { return e.status }

// Detail returns the sentence that says what is wrong and what to change.
func (e *Error) Detail() string { return e.detail }

// Error returns the detail and the code.
func (e *Error) Error() string {
	return "stripeapps: " + e.detail + " (" + e.code + ")"
}

// Is reports whether target is an Error of the same Code, or the error of the
// webhook package of stripe-go/v76 that has the same meaning.
func (e *Error) Is(target error) bool {
	if t, ok := target.(*Error); ok {
		return t.code == e.code
	}
	switch target {
	case webhook.ErrNotSigned:
		return e.code == ErrNotSigned.code
	case webhook.ErrInvalidHeader:
		return e.code == ErrMalformedSignature.code
	case webhook.ErrNoValidSignature:
		return e.code == ErrNoMatch.code || e.code == ErrOnlyIDsSigned.code
	case webhook.ErrTooOld:
		return e.code == ErrTooOld.code
	}
	return false
}

// Unwrap returns the cause, if there is one: the error of a body's reader, of
// a Source, a Requirement or encoding/json. A cause is not constant text
// and can hold input: it is not shown to callers and not logged.
func (e *Error) Unwrap() error { return e.cause }

// because returns a copy of e with another detail.
func (e *Error) because(detail string) *Error {
	return &Error{code: e.code, status: e.status, detail: detail, cause: e.cause}
}

// causedBy returns a copy of e that wraps cause.
func (e *Error) causedBy(cause error) *Error {
	return &Error{code: e.code, status: e.status, detail: e.detail, cause: cause}
}

// orUsers returns what a user's function said: the Error that it made to be
// responded with, and all that it stands in, or else e with err as its cause.
func (e *Error) orUsers(err error) *Error {
	users := findError(err)
	switch {
	case users == nil:
		return e.causedBy(err)
	case error(users) == err:
		return users
	default:
		return users.causedBy(err)
	}
}

// findError returns the Error in err's chain, or nil. One that NewError did not
// make, nil or zero, is none.
func findError(err error) *Error {
	if e := (*Error)(nil); errors.As(err, &e) && e != nil && e.status != 0 {
		return e
	}
	return nil
}

// refusalOf is what a fault of the signature or the payload is refused with.
func refusalOf(fault signed.Fault) *Error {
	return [...]*Error{
		signed.NotSigned:       ErrNotSigned,
		signed.MalformedHeader: ErrMalformedSignature,
		signed.LongHeader:      errLongHeader,
		signed.RepeatedTime:    errRepeatedTime,
		signed.ManySignatures:  errManySignatures,
		signed.NoV1:            errNoV1,
		signed.NotObject:       errNotObject,
		signed.TooDeep:         errTooDeep,
		signed.RepeatedName:    errRepeatedName,
		signed.ConfusedName:    errConfusedName,
		signed.NoIDs:           ErrNoIdentity,
		signed.InstallLink:     ErrInstallSignature,
	}[fault]
}

// Refusals that say more than their sentinel does.
var (
	errNotMade        = ErrNotVerified.because("this endpoint's Verifier was not made by NewVerifier: make it so")
	errLongHeader     = ErrMalformedSignature.because("the Stripe-Signature header is longer than 4096 bytes")
	errManySignatures = ErrMalformedSignature.because(
		"the Stripe-Signature header has more than 16 v1 signatures")
	errRepeatedTime = ErrMalformedSignature.because(
		"the Stripe-Signature header has more than one t, as if two signatures had been sent: send the value that fetchStripeSignature returns once")
	errNoV1   = ErrNoMatch.because("the Stripe-Signature header has no v1 signature")
	errNoBody = ErrNoMatch.because(
		"the request has no body, which is what has to be signed here: send the signed JSON as the body")
	errNoBodyButIDs = ErrNoMatch.because(
		"the request has ids in headers and no body, which is what has to be signed here: " +
			"send the signed JSON as the body, or let the backend verify this route with Source IDsInHeaders")
	errBodyGone = ErrNoMatch.because(
		"the request's body, which is what has to be signed here, is empty: " +
			"send the signed JSON as the body, or see whether something read it before this middleware")
	errEncodedBody = ErrNoMatch.because(
		"no v1 signature matches the body, which has a Content-Encoding: the signature covers the text before it is encoded, " +
			"so put what decodes bodies in front of this middleware, or send the text as it is")
	errNoMatchIDs = ErrNoMatch.because(
		"no v1 signature matches the two ids: call fetchStripeSignature without a payload, send the ids of the same user and account, " +
			"and check that the secret is that of this app")
	errNotObject = ErrNoIdentity.because(
		"the signed payload is not a JSON object in UTF-8 with nothing after it")
	errTooDeep      = ErrNoIdentity.because("the signed payload is nested more than 256 levels deep")
	errRepeatedName = ErrNoIdentity.because(
		"the signed payload has two members whose names are equal or differ by case only")
	errConfusedName = ErrNoIdentity.because(
		"the signed payload has a member whose name some decoders take for user_id, account_id, action, livemode or stripe_roles: rename it, or write it so")
	errMalformedQuery = ErrMalformedIDs.because(
		"the URL's query cannot be read in one way only: write a % as %25 and a ; as %3B in it")
	errQueryTooLong = ErrMalformedIDs.because("the URL's query is longer than 16384 bytes")
	errBodyTooShort = ErrBodyUnreadable.because(
		"the request body is shorter than its Content-Length: it was cut off, or something read it before this middleware")
	errBodyTooSlow = ErrBodyUnreadable.because(
		"the request body did not arrive within the time that this endpoint, or its server, gives it")
	errBodyTooLong = ErrBodyUnreadable.because(
		"the request body is longer than its Content-Length: something replaced it before this middleware and kept the length, like what undoes a Content-Encoding")
)

// Refuse responds to r with err in the chain's own way, for handlers behind it:
// with the ErrorHandler of its VerifierConfig, after telling its Observe. Outside
// the chain it is WriteProblem.
func Refuse(w http.ResponseWriter, r *http.Request, err error) {
	state := fromContext(r.Context())
	if state == nil || state.verifier == nil {
		WriteProblem(w, r, err)
		return
	}
	v, refusal := state.verifier, errInternal.orUsers(err)
	if v.observe != nil {
		v.tellLater(r, state, refusal)
	}
	v.Refuse(w, r, refusal)
}

// Refuse responds to r with err as Handler does: by the ErrorHandler of the
// VerifierConfig, or WriteProblem, which adds to the headers that an ErrorHandler
// has set where that has written nothing. It is for adapters to other frameworks, after
// Verify, which has told Observe already. Handlers behind the chain call the
// function Refuse.
func (v *Verifier) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	if state := fromContext(r.Context()); state == nil || state.verifier != v {
		response.Keep(w) // nothing in it is of a handler behind v
	}
	refusal := errInternal.orUsers(err)
	if v.errorHandler == nil {
		WriteProblem(w, r, refusal)
		return
	}
	response.Reset(w, refusal.status)
	w = response.Private(w) // an ErrorHandler's 404 could be stored, for who does sign
	next, writer := response.ForRefusal(w)
	v.errorHandler(next, r, refusal)
	if !writer.Begun() {
		WriteProblem(next, r, refusal)
	}
}

// WriteProblem responds to r with err as application/problem+json (RFC 9457): the
// status, code and detail of an *Error, or 500 and the code internal, without
// err's text, for any other error. It sets Cache-Control: no-store and, on 401,
// WWW-Authenticate: Stripe-Signature. A HEAD request gets no body.
//
// Behind the chain, or a part of it, the response has no other headers but the
// chain's own and those that were there when its innermost part was reached, which
// is NewCSP, NewCORS, Verifier.Handler, Require or replay.Once: what a handler has set
// belongs to a response that is not sent. Allow stays on 405, and Retry-After on 413,
// 429 and 503. Elsewhere, which is also behind a writer in between that has no Unwrap,
// it takes out only what describes another body, or how long it can be kept.
//
// Content-Encoding stays elsewhere and behind any writer in between: a middleware
// that compresses may have set it, and encode whatever is written. A handler behind
// one that encodes by itself deletes it before it refuses. Content-Length is not set,
// as it is not known where a middleware outside compresses; net/http adds it.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	e := asError(err)
	response.Problem{Status: e.status, Code: e.code, Detail: e.detail}.Write(w, r)
}

func asError(err error) *Error {
	if e := findError(err); e != nil {
		return e
	}
	return errInternal
}
