// Package explain says why a signature does not match, by trying the mistakes
// that are usually made: that of an extension's request, of a webhook's event, or of an
// install link's redirect. It is for development and support.
//
// Refusals explains each refusal of a running backend in its log; Explain
// explains anything that was received.
package explain

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// Cause is the stable name of a mistake, for logs and tests. A new release can
// know more of them, or tell one apart that was Unknown.
type Cause string

const (
	// NothingWrong says that the request is one to accept.
	NothingWrong Cause = "nothing_wrong"
	// Unknown says that nothing that is known fits.
	Unknown Cause = "unknown"
)

// Explanation is one thing that Explain has found.
type Explanation struct {
	Cause Cause
	// Text is one sentence that ends in what to change. It can show labels of
	// secrets, and names of members of the body that look like names; it never
	// holds a member's value, a secret or a MAC.
	Text string
}

// Received is a request as it came, for Explain.
type Received struct {
	Header string // Stripe-Signature
	Body   []byte // as it was read, to the byte

	ContentEncoding string // of the request: its header

	// UserID and AccountID are the ids that came in headers or the query. If
	// there is no Body, they are the payload.
	UserID, AccountID string

	// Secrets are those in use, of whatever kind and however written: what is
	// wrong with them is explained too. One without a label is called by its
	// index.
	Secrets []stripeapps.LabeledSecret
	// OtherSecrets are tried as well, to see whether one of them is the one
	// that was meant: of other apps, of webhook endpoints, expired ones.
	OtherSecrets []stripeapps.LabeledSecret

	// EndpointSecrets are those of the webhook endpoints (whsec_…) that are served where
	// the request came to. If there are some, what one of them has signed, and what looks
	// like an event and nobody has, is explained as what an events.Endpoint takes; without
	// Secrets, so is everything. nil means that events are not expected here.
	EndpointSecrets []stripeapps.LabeledSecret
	// InstallURL is the address, as a browser shows it, or the path and the query, that
	// an install link has led back to. If it is not empty, that is explained, and none of
	// Header, Body and the ids.
	InstallURL string

	Now       time.Time     // zero: time.Now()
	Tolerance time.Duration // 0: stripeapps.DefaultTolerance

	// InsecureAllowMissingUser is that of the VerifierConfig.
	InsecureAllowMissingUser bool
}

// Explain says why a request does not verify, by trying the usual mistakes: it
// undoes each one, and sees whether the signature fits then. Mistakes that come
// together get an Explanation each, in the order in which a Verifier would refuse
// them: the header's first, then the time's. There is at least one: NothingWrong for a
// request that a Verifier with the same Secrets, Now and Tolerance accepts, for an event
// that an events.Endpoint with the EndpointSecrets accepts, and for an InstallURL whose
// signature an install.Link accepts; whether its state is good, only the Link can tell. What
// the body shows by itself, such as white space that JSON.stringify does not
// write, is said even where the signature fits nothing.
//
// It is for development and support. Show it to the backend's developers and not
// to whoever sent the request: nothing in it helps to forge one, but it tells how
// the backend is configured. The work is bounded: bodies over 1 MiB are tried as
// they are only, and what is compressed is inflated to 1 MiB at most; the first 16
// secrets of each kind are tried, and at most 32 MiB are hashed, or 96 MiB where there are
// secrets of both kinds; how Stripe has written an event is tried for those of up to 256 KiB.
func Explain(r Received) []Explanation {
	if r.Now.IsZero() {
		r.Now = time.Now()
	}
	if r.Tolerance <= 0 {
		r.Tolerance = stripeapps.DefaultTolerance
	}
	e := &explainer{received: r, kind: requests, budget: maxExplainedBytes}
	switch {
	case r.InstallURL != "":
		return e.explainInstall()
	case len(r.EndpointSecrets) > 0 && e.isForEndpoint():
		return e.explainEvent()
	}
	e.addAppSecrets(signsNoRequest)
	return e.explain()
}

const (
	maxExplainedBody   = 1 << 20
	maxExplainedBytes  = 32 << 20 // hashed in all
	maxExplainedLayers = 6        // around a body
	maxExplainedTexts  = 64       // that are found in layers
)

type explainer struct {
	received   Received
	kind       *kind
	install    install // what InstallURL says
	headerOnly bool    // the payload could not be received
	noPayload  bool    // there is none to explain
	badSecrets bool    // none of the secrets can be right
	keys       []explainedKey
	header     signed.Header
	budget     int  // bytes that may still be hashed
	texts      int  // that were searched
	exhausted  bool // something was not tried because of it
	found      []Explanation
	around     *memberSearch // of the object in whose member something is searched
	usedKey    *explainedKey // the one that fits
	webhook    bool          // it is the signature of a webhook
}

// explainedKey is a key that is tried, and what there is to say if it fits.
type explainedKey struct {
	*signed.Key
	text      string // of causeOtherSecret
	ofWebhook string // how to call it, if it is a webhook endpoint's
}

func (e *explainer) explain() []Explanation {
	// It is told in the order in which a Verifier checks: the header, the time, and
	// then the rest, of which the secrets and the source have been looked at before.
	before := e.take()
	isRead := e.readHeader()
	header := e.take()
	if isRead && !e.headerOnly && !e.noPayload {
		e.kind.find(e)
	}
	payload := innermost(e.take())
	if isRead {
		e.checkTime() // which says whether the signature fits
	}
	e.found = slices.Concat(header, e.take(), before, payload)
	if len(e.found) == 0 {
		e.say(NothingWrong, "nothing wrong: the signature fits, its time is within the tolerance, and %s: there is nothing to change", e.kind.right)
	}
	return e.found
}

// take returns what has been found since the last call.
func (e *explainer) take() []Explanation {
	found := e.found
	e.found = nil
	return found
}

func (e *explainer) say(cause Cause, format string, args ...any) {
	e.found = append(e.found, Explanation{cause, fmt.Sprintf(format, args...)})
}

// fits reports whether a key fits for a payload, as far as the budget reaches.
func (e *explainer) fits(payload []byte) bool {
	const aroundIt = 64   // the time, and the padding of SHA-256
	if len(e.keys) == 0 { // nothing can fit, and no hashing would end the search
		e.exhausted = true
		return false
	}
	for i := range e.keys {
		cost := len(payload) + aroundIt
		if e.budget < cost {
			e.exhausted = true
			return false
		}
		e.budget -= cost
		if e.keys[i].Matches(&e.header, payload) == 1 {
			e.usedKey = &e.keys[i]
			return true
		}
	}
	return false
}

// asReceived is the payload if nothing is wrong with it.
func (e *explainer) asReceived() []byte {
	if len(e.received.Body) > 0 {
		return e.received.Body
	}
	return signed.IDsPayload(e.received.UserID, e.received.AccountID)
}
