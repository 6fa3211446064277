package events

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// Event is one of Stripe's events, snapshot or thin. What it says of itself is what
// Stripe signed, if it comes from an Endpoint.
//
// https://docs.stripe.com/api/events/object
// https://docs.stripe.com/api/v2/core/events/object
type Event struct {
	// ID is the same in each delivery of the event (evt_…).
	ID string
	// Type is what has happened, like account.application.deauthorized. Those of thin
	// events begin with v1. or v2.
	Type string
	// Created is when it happened, in UTC. Events can come in any order.
	Created time.Time
	// Livemode says whether it happened in live mode. In test mode and in sandboxes it
	// is false. Unlike what an extension signs, this is a fact that Stripe states.
	Livemode bool

	// Account is the account that it happened in: the member account (user_id before
	// version 2017-05-25 of Stripe's API), or, where there is none, as in thin events,
	// the last account that Context names. It is empty where the event names none: it is
	// the account's that has the endpoint, which is so with a private app.
	Account string
	// Context is what Stripe-Context has to be set to, to fetch the object: an account,
	// or several, from the one that the endpoint belongs to, with slashes between. It
	// can be empty.
	//
	// https://docs.stripe.com/context
	Context string

	// Thin says that the event is a thin one: it has Related instead of Object.
	Thin bool
	// APIVersion is the version of Stripe's API that Object is written in, such as
	// 2026-10-28.endive. It is empty for thin events.
	APIVersion string
	// Object is the JSON of data.object, as it was when the event happened. It is nil
	// for thin events, and must not be modified.
	Object json.RawMessage
	// Related is the object that a thin event is about, if it is about one.
	Related Related
	// SnapshotID is the id of the snapshot event of the same happening, where a thin
	// event names it.
	SnapshotID string

	// SecretLabel is the label of the secret that the event is signed with, or "" where
	// it has none. It is the way to tell a sandbox's events from others. It is not in
	// Raw: what ParseUnverified returns has none.
	SecretLabel string
	// Raw is the whole body as it was signed. It must not be modified.
	Raw json.RawMessage
}

// Related is a reference to an object of Stripe's API.
type Related struct {
	ID   string
	Type string
	// URL is its path, beginning with a slash: GET it from Stripe's API, with
	// Event.Context as the Stripe-Context.
	URL string
}

var (
	envelopeFields = signed.NewFieldNames("object", "id", "type", "created", "livemode", "account", "context",
		"api_version", "data", "related_object", "snapshot_event", "user_id")
	dataFields    = signed.NewFieldNames("object", "previous_attributes")
	relatedFields = signed.NewFieldNames("id", "type", "url")
)

// maxTextBytes bounds the names and paths in an envelope. Stripe's are far shorter.
const maxTextBytes = 1024

// ParseUnverified reads an event without verifying anything. Give it only what you
// have from Stripe in a way that is safe already: Event.Raw from a queue of your own, or
// the detail of Amazon EventBridge, where Stripe does not sign. What comes by HTTP goes
// through an Endpoint.
//
// The error is ErrMalformedEvent. The payload is kept, and must not be modified.
func ParseUnverified(payload []byte) (Event, error) {
	values, fault := signed.Fields(payload, envelopeFields)
	if fault != signed.OK {
		return Event{}, refusalOf(fault)
	}
	e := Event{Raw: payload}
	read := reader{values: values}
	switch read.text() {
	case "event":
	case "v2.core.event":
		e.Thin = true
	default:
		return Event{}, errNeither
	}
	e.ID, e.Type = read.id(), read.text()
	e.Created, e.Livemode = read.time(e.Thin), read.bool()
	e.Account, e.Context, e.APIVersion = read.idOrNone(), read.textOrNone(), read.textOrNone()
	data, related := read.next(), read.next()
	snapshotID, userID := read.next(), read.next()
	if e.Thin {
		e.APIVersion = ""
		e.SnapshotID = read.idOf(snapshotID)
		e.Related = read.related(related)
	} else {
		if e.APIVersion < accountVersion {
			e.Account = read.same(e.Account, read.idOf(userID))
		}
		read.same(e.Account, lastAccount(e.Context))
		e.Object = read.object(data)
	}
	if e.Account == "" {
		e.Account = lastAccount(e.Context)
	}
	if read.fault != nil {
		return Event{}, read.fault
	}
	return e, nil
}

// accountVersion is the version of Stripe's API that has account where earlier ones had
// user_id.
//
// https://docs.stripe.com/changelog/2017-05-25
const accountVersion = "2017-05-25"

// lastAccount returns the account that a Stripe-Context leads to, or "". It begins with
// the one nearest to whoever uses it.
func lastAccount(context string) string {
	last := context[strings.LastIndexByte(context, '/')+1:]
	if strings.HasPrefix(last, "acct_") && signed.IsID(last) {
		return last
	}
	return ""
}

// reader reads the values of fields in their order, and keeps the first fault.
type reader struct {
	values [][]byte
	fault  error
}

func (r *reader) next() []byte {
	value := r.values[0]
	r.values = r.values[1:]
	return value
}

func (r *reader) require(ok bool) {
	if !ok && r.fault == nil {
		r.fault = ErrMalformedEvent
	}
}

func isNone(value []byte) bool { return value == nil || string(value) == "null" }

// text reads a string that is not empty.
func (r *reader) text() string {
	text := r.textOrNone()
	r.require(text != "")
	return text
}

// textOrNone reads a string, or null, or nothing.
func (r *reader) textOrNone() (text string) {
	value := r.next()
	if isNone(value) {
		return ""
	}
	ok := len(value) <= maxTextBytes && json.Unmarshal(value, &text) == nil && !strings.ContainsFunc(text, unicode.IsControl)
	r.require(ok)
	return text
}

func (r *reader) id() string {
	id := r.idOrNone()
	r.require(id != "")
	return id
}

func (r *reader) idOrNone() string {
	id := r.textOrNone()
	r.require(id == "" || signed.IsID(id))
	return id
}

// idOf is idOrNone for a value that was taken before.
func (r *reader) idOf(value []byte) string {
	inner := reader{values: [][]byte{value}}
	id := inner.idOrNone()
	r.require(inner.fault == nil)
	return id
}

// same returns the one of two ids that is not empty. If neither is, they must be equal.
func (r *reader) same(a, b string) string {
	r.require(a == "" || b == "" || a == b)
	return cmp.Or(a, b)
}

func (r *reader) bool() bool {
	value := string(r.next())
	r.require(value == "true" || value == "false")
	return value == "true"
}

// time reads the seconds since 1970 of a snapshot event, or the text of a thin one.
func (r *reader) time(thin bool) time.Time {
	if thin {
		created, err := time.Parse(time.RFC3339, r.text())
		r.require(err == nil)
		return created.UTC()
	}
	seconds, err := strconv.ParseInt(string(r.next()), 10, 64)
	r.require(err == nil && 0 <= seconds && seconds <= maxSeconds)
	return time.Unix(seconds, 0).UTC()
}

// maxSeconds is the end of the year 9999, beyond which time.Time writes no JSON.
const maxSeconds = 253402300799

// object returns data.object of a snapshot event.
func (r *reader) object(data []byte) json.RawMessage {
	values := r.fields(data, dataFields)
	r.require(len(values) > 0 && len(values[0]) > 0 && values[0][0] == '{')
	if r.fault != nil {
		return nil
	}
	return values[0]
}

// related reads the related_object of a thin event. A singleton has no id.
func (r *reader) related(value []byte) (related Related) {
	if isNone(value) {
		return related
	}
	inner := reader{values: r.fields(value, relatedFields)}
	if inner.values == nil {
		return related
	}
	related.ID, related.Type, related.URL = inner.textOrNone(), inner.text(), inner.text()
	inner.require(strings.HasPrefix(related.URL, "/") && !strings.HasPrefix(related.URL, "//"))
	r.require(inner.fault == nil)
	return related
}

func (r *reader) fields(object []byte, names signed.FieldNames) [][]byte {
	values, fault := signed.Fields(object, names)
	if fault != signed.OK && r.fault == nil {
		r.fault = ErrMalformedEvent
		if fault == signed.RepeatedName || fault == signed.ConfusedName {
			r.fault = errConfused
		}
	}
	return values
}
