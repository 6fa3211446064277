package events

import (
	"net/http"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// The reasons for not taking an event, to compare with errors.Is. Stripe shows the
// response, with its code and detail, beside the delivery in the Dashboard, and sends
// the event again.
//
// The reasons that an endpoint has in common with a Verifier have the same codes, with
// a text of their own, so that errors.Is finds stripeapps.ErrNotSigned,
// ErrMalformedSignature, ErrNoMatch, ErrTooOld, ErrTooNew, ErrBodyTooLarge and
// ErrBodyUnreadable.
var (
	// ErrMalformedEvent: the signature is right, but the body is not an event, or can
	// be read in more than one way.
	ErrMalformedEvent = stripeapps.NewError("malformed_event", http.StatusBadRequest,
		"the signed body is not an event whose envelope can be read in one way only")

	// ErrInProgress: the event is being handled, because of another delivery of it.
	// That one can still fail, and so this one is not taken for delivered.
	ErrInProgress = stripeapps.NewError("event_in_progress", http.StatusConflict,
		"another delivery of this event is being handled: send it again later")

	// ErrUnavailable: the Guard could not tell. It wraps the Guard's error.
	ErrUnavailable = stripeapps.NewError("event_guard_unavailable", http.StatusServiceUnavailable,
		"whether this event has been handled cannot be told at the moment: send it again later")

	// ErrHandlerFailed: the handler returned an error, or panicked. It wraps the
	// handler's error.
	ErrHandlerFailed = stripeapps.NewError("handler_failed", http.StatusInternalServerError,
		"the event could not be handled: send it again later")
)

var (
	errNotSigned = reworded(stripeapps.ErrNotSigned,
		"the request has no Stripe-Signature header: Stripe sends one with each event, so see whether a proxy drops it")
	errMalformedHeader = reworded(stripeapps.ErrMalformedSignature,
		"the Stripe-Signature header is not of the form t=…,v1=…, as Stripe sends it, or over its limits: see whether a proxy changes or repeats it")
	errNoMatch = reworded(stripeapps.ErrNoMatch,
		"no v1 signature matches the body: check that the secret is that of this webhook endpoint (each has its own, and stripe listen another), "+
			"and that nothing in front of it changes the body")
	errTooOld = reworded(stripeapps.ErrTooOld,
		"the signature is older than the tolerance: check the server's clock, and what may hold requests up")
	errTooNew       = stripeapps.ErrTooNew
	errBodyTooLarge = reworded(stripeapps.ErrBodyTooLarge,
		"the event is larger than this endpoint accepts: raise its MaxBodyBytes")
	errBodyUnreadable = reworded(stripeapps.ErrBodyUnreadable,
		"the event could not be read to its end")
	errBodyTooSlow = reworded(stripeapps.ErrBodyUnreadable,
		"the event did not arrive within the time that this endpoint, or its server, gives it")
	errMethod = makeError("method_not_allowed", http.StatusMethodNotAllowed,
		"events come by POST")

	errNotMade = reworded(ErrHandlerFailed,
		"this Endpoint was not made by NewEndpoint: make it so")

	errNotObject = reworded(ErrMalformedEvent,
		"the signed body is not a JSON object in UTF-8, nested at most 256 levels deep, with nothing after it")
	errConfused = reworded(ErrMalformedEvent,
		"the signed event has two members whose names are equal or differ by case only, or one that some decoders take for another")
	errNeither = reworded(ErrMalformedEvent,
		"the signed body is neither a snapshot event nor a thin one: its object is not event or v2.core.event")
	errNoInstall = reworded(ErrMalformedEvent,
		"the signed event is about an install, but does not name the account as such an event does")
)

// makeError is for codes that other packages have too.
var makeError = stripeapps.NewError

// reworded returns an Error with the code and status of e.
func reworded(e *stripeapps.Error, detail string) *stripeapps.Error {
	return makeError(e.Code(), e.Status(), detail)
}

// refusalOf is what a fault of the header or the body is refused with.
func refusalOf(fault signed.Fault) error {
	switch fault {
	case signed.NotSigned:
		return errNotSigned
	case signed.NoV1:
		return errNoMatch
	case signed.MalformedHeader, signed.LongHeader, signed.RepeatedTime, signed.ManySignatures:
		return errMalformedHeader
	case signed.RepeatedName, signed.ConfusedName:
		return errConfused
	default:
		return errNotObject
	}
}

// failure is a reason, and what is behind it, which is not constant text: it is not
// shown to callers and not logged.
type failure struct {
	reason *stripeapps.Error
	cause  error
}

func (f failure) Error() string   { return f.reason.Error() + ": " + f.cause.Error() }
func (f failure) Unwrap() []error { return []error{f.reason, f.cause} }
