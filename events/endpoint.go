package events

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/body"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// Endpoint receives events: it is the http.Handler of a webhook endpoint. It is made by
// NewEndpoint and safe for concurrent use.
//
// A signature proves that Stripe sent exactly this event, at this time, to the endpoint
// that the secret belongs to. It does NOT keep whoever has seen a delivery from sending
// it again while it is not too old: a Guard does.
type Endpoint struct {
	cfg  Config
	keys atomic.Pointer[signed.Keyring]
}

// NewEndpoint returns an Endpoint, or an error that names all that is wrong with cfg.
// The error's text never shows any part of a secret.
func NewEndpoint(cfg Config) (*Endpoint, error) {
	cfg = cfg.withDefaults()
	keys, err := cfg.keyring()
	if err := errors.Join(err, cfg.check()); err != nil {
		return nil, err
	}
	cfg.Handlers = maps.Clone(cfg.Handlers)
	cfg.Secrets, cfg.LabeledSecrets = nil, nil
	e := &Endpoint{cfg: cfg}
	e.keys.Store(&keys)
	return e, nil
}

// SetSecrets replaces the secrets, under the same rules as Config.Secrets, as when one is
// rolled: give it the new one beside the old one until the old one has expired. It can be
// called while requests are served: each event is verified with the secrets before or
// those after the call, never with a mixture. If it returns an error, the former secrets
// stay in force. Where there are several Endpoints, call it on each.
func (e *Endpoint) SetSecrets(secrets ...string) error {
	return e.setKeys(signed.NewEndpointKeyring("events: Secrets", secrets))
}

// SetLabeledSecrets is SetSecrets with labels.
func (e *Endpoint) SetLabeledSecrets(secrets ...stripeapps.LabeledSecret) error {
	return e.setKeys(signed.NewLabeledEndpointKeyring("events: LabeledSecrets", "SetSecrets", withoutType(secrets)))
}

func (e *Endpoint) setKeys(keys signed.Keyring, err error) error {
	if e.isNotMade() {
		err = errors.Join(errNotMade, err)
	}
	if err == nil {
		e.keys.Store(&keys)
	}
	return err
}

// ServeHTTP verifies an event and has it handled. The response is 200 without a body
// where the event has been handled, now or before, or is to be ignored; otherwise it is
// a problem document that says why not, and Stripe sends the event again.
//
// The cheap checks come first: the header, its time, the size of the body, and then the
// signature. What the body says is read only if it fits.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	result := Result{Request: r, Time: e.now(), Outcome: Failed, Err: errEnded}
	e.take(w, r, &result)
	if result.Outcome == Refused || result.Outcome == Failed {
		stripeapps.WriteProblem(w, r, result.Err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

// take verifies an event, has it handled, and tells Observe, even if it is the end of
// the goroutine.
func (e *Endpoint) take(w http.ResponseWriter, r *http.Request, result *Result) {
	defer e.tell(result)
	payload, err := e.receive(w, r, result)
	if err == nil {
		result.Event, err = e.Verify(payload, result.header)
	}
	if err != nil {
		result.Outcome, result.Err = Refused, err
		return
	}
	// Stripe hanging up does not end what has begun.
	result.Outcome, result.Err = e.process(context.WithoutCancel(r.Context()), result.Event)
}

// receive returns the body of a request whose header has the form and the time that it
// must have.
func (e *Endpoint) receive(w http.ResponseWriter, r *http.Request, result *Result) (payload []byte, err error) {
	var deadline body.Deadline
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		err = errMethod
	} else {
		result.header, err = e.headerOf(r)
	}
	deadline.Set(w, r, e.bodyTimeout()) // the server reads the body that was not
	if err != nil {
		return nil, err
	}
	payload, err = body.ReadRequest(r, e.cfg.MaxBodyBytes)
	switch {
	case err == nil:
		deadline.Lift() // else it holds for what the server reads of the rest, too
		return payload, nil
	case errors.Is(err, body.ErrTooLarge):
		return nil, failure{errBodyTooLarge, err}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, failure{errBodyTooSlow, err}
	}
	return nil, failure{errBodyUnreadable, err}
}

func (e *Endpoint) headerOf(r *http.Request) (string, error) {
	header, fault := signed.JoinLines(r.Header["Stripe-Signature"])
	if fault != signed.OK {
		return "", refusalOf(fault)
	}
	_, err := e.parse(header)
	return header, err
}

// parse reads the header and judges its time.
func (e *Endpoint) parse(header string) (*signed.Header, error) {
	if e.isNotMade() {
		return nil, errNotMade
	}
	h := new(signed.Header)
	if fault := h.Parse(header); fault != signed.OK {
		return nil, refusalOf(fault)
	}
	// Sub saturates, so that no time, however far away, wraps around.
	age := e.now().Sub(time.Unix(h.SignedAt, 0))
	if age > e.cfg.Tolerance {
		return nil, errTooOld
	}
	if age < -e.cfg.Tolerance {
		return nil, errTooNew
	}
	return h, nil
}

// Verify verifies that header, the value of Stripe-Signature, holds a signature over
// payload, and reads the event. It is for adapters to other frameworks: the payload is
// taken as it is, so pass the bytes that were received, bounded by you. Handle goes on
// with the event.
//
// The error is a *stripeapps.Error: of the codes not_signed, malformed_signature,
// too_old, too_new and no_match, or ErrMalformedEvent. The payload is kept in Event.Raw,
// and must not be modified.
func (e *Endpoint) Verify(payload []byte, header string) (Event, error) {
	h, err := e.parse(header)
	if err != nil {
		return Event{}, err
	}
	keys := *e.keys.Load()
	i := keys.Match(h, payload)
	if i < 0 {
		return Event{}, errNoMatch
	}
	event, err := ParseUnverified(payload)
	if err != nil {
		return Event{}, err
	}
	event.SecretLabel = keys[i].Label
	return event, nil
}

// Handle has an event handled that Verify returned, as ServeHTTP does: by the mode, the
// Guard and the handler of its type. It tells Observe. nil means that the event is to be
// acknowledged; the error is, or wraps, ErrInProgress, ErrUnavailable, ErrHandlerFailed
// or ErrMalformedEvent.
//
// It is for adapters, and for a queue's worker: put Event.Raw into the queue, and give
// what ParseUnverified makes of it to Handle, which then says whether the queue is to
// deliver it again. Raw does not have the SecretLabel, without which an event of a
// sandbox is one of test mode: with LabeledSecrets, put it into the queue too, and set it
// in what ParseUnverified returns. Unlike with ServeHTTP, the end of ctx ends the handler's context.
func (e *Endpoint) Handle(ctx context.Context, event Event) error {
	result := Result{Event: event, Time: e.now(), Outcome: Failed, Err: errEnded}
	defer e.tell(&result)
	result.Outcome, result.Err = e.process(ctx, event)
	if result.Outcome == Refused || result.Outcome == Failed {
		return result.Err
	}
	return nil
}

func (e *Endpoint) tell(result *Result) {
	if e.cfg.Observe != nil {
		result.Duration = e.now().Sub(result.Time)
		e.cfg.Observe(*result)
	}
}

// An Endpoint that NewEndpoint did not make has no keys, and refuses everything.

func (e *Endpoint) isNotMade() bool { return e.keys.Load() == nil }

func (e *Endpoint) now() time.Time {
	if e.cfg.Now == nil {
		return time.Now()
	}
	return e.cfg.Now()
}

func (e *Endpoint) bodyTimeout() time.Duration {
	return cmp.Or(e.cfg.BodyTimeout, stripeapps.DefaultBodyTimeout)
}
