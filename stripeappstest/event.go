package stripeappstest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// DefaultEventSecret is what an event is signed with, unless WithSecret says otherwise.
// It is public: never give it to an endpoint that serves requests.
const DefaultEventSecret = "whsec_stripeappstest"

// DefaultAppID is the app in apps.install.… events, unless their object is given: the one
// for events.Config.App in tests.
const DefaultAppID = "com.example.test"

// The application that other events are about, and the version of Stripe's API that they are in.
const (
	eventApplication = "ca_test"
	eventAPIVersion  = "2026-10-28.endive"
)

// notGiven is a user's id that no Option gives.
const notGiven = "\x00"

// WithEventID gives an event an id (evt_…) instead of a new one: Stripe sends an event
// again with the id that it had.
func WithEventID(id string) Option { return func(s *signing) { s.eventID = id } }

// InTestMode makes an event one of test mode, or of a sandbox, instead of live mode.
func InTestMode() Option { return func(s *signing) { s.testMode = true } }

// NewEvent returns an event of a type as Stripe sends it to a webhook endpoint, to be
// passed to an events.Endpoint for testing, or to what it stands in. Types that begin
// with v1. or v2. are those of thin events, all others those of snapshot events.
//
// The object is data.object of a snapshot event, or related_object of a thin one: its
// JSON text, as a string, []byte or json.RawMessage, or any value that encoding/json
// writes as an object. nil means one that fits, for account.application.… and
// apps.install.…, or else an empty one, and none in a thin event.
//
// Options say who signs and when, as for NewRequest, or what is wrong; WithAccount is
// for the account that the event happened in, and "" leaves it out, as for a private
// app: the object of an apps.install.… names it all the same, and must be given then.
// Tampered adds a line break to what was signed. WithUser, IDsInHeaders, IDsInQuery and
// OnlyIDsSigned make no sense for an event, and NewEvent panics, as it does on a type
// that is empty, an object that is none, a related_object without a type or a path, and
// on what httptest.NewRequest panics on.
func NewEvent(target, eventType string, object any, options ...Option) *http.Request {
	s, err := newEventSigning(options)
	if err != nil {
		panic(err.Error())
	}
	payload, err := s.event(eventType, object)
	if err != nil {
		panic(err.Error())
	}
	return s.eventRequest(target, payload)
}

// NewRawEvent is NewEvent for the whole text of an event, such as one that was copied
// from the Dashboard. It is sent as it is, whatever it is. WithAccount, WithEventID and
// InTestMode make no sense for it either.
func NewRawEvent(target string, payload []byte, options ...Option) *http.Request {
	s, err := newEventSigning(options)
	if err == nil && (s.accountID != notGiven || s.eventID != "" || s.testMode) {
		err = errors.New("stripeappstest: WithAccount, WithEventID and InTestMode are not for an event whose text is given")
	}
	if err != nil {
		panic(err.Error())
	}
	return s.eventRequest(target, payload)
}

func newEventSigning(options []Option) (*signing, error) {
	s := &signing{secrets: []string{DefaultEventSecret}, userID: notGiven, accountID: notGiven}
	for _, option := range options {
		if option == nil {
			return nil, errors.New("stripeappstest: an Option is nil")
		}
		option(s)
	}
	if s.userID != notGiven || s.where != inBody || s.onlyIDs {
		return nil, errors.New("stripeappstest: WithUser, IDsInHeaders, IDsInQuery and OnlyIDsSigned are for an extension's requests, not for events")
	}
	if s.at.IsZero() {
		s.at = time.Now()
	}
	if s.at.Add(s.shift).Unix() < 0 {
		return nil, errors.New("stripeappstest: Expired would be before 1970: give a later time to At")
	}
	return s, nil
}

// snapshotEvent has the members of Stripe's events, in their order.
type snapshotEvent struct {
	ID         string `json:"id"`
	Object     string `json:"object"`
	Account    string `json:"account,omitempty"`
	APIVersion string `json:"api_version"`
	Context    string `json:"context,omitempty"`
	Created    int64  `json:"created"`
	Data       struct {
		Object json.RawMessage `json:"object"`
	} `json:"data"`
	Livemode        bool `json:"livemode"`
	PendingWebhooks int  `json:"pending_webhooks"`
	Request         struct {
		ID             *string `json:"id"`
		IdempotencyKey *string `json:"idempotency_key"`
	} `json:"request"`
	Type string `json:"type"`
}

type thinEvent struct {
	ID            string          `json:"id"`
	Object        string          `json:"object"`
	Type          string          `json:"type"`
	Livemode      bool            `json:"livemode"`
	Created       string          `json:"created"`
	Context       string          `json:"context,omitempty"`
	RelatedObject json.RawMessage `json:"related_object,omitempty"`
	Reason        *struct{}       `json:"reason"`
}

// event returns the text of an event, which happened when it is signed.
func (s *signing) event(eventType string, object any) ([]byte, error) {
	if eventType == "" {
		return nil, errors.New("stripeappstest: NewEvent needs the type of the event")
	}
	account := s.accountID
	if account == notGiven {
		account = DefaultAccountID
	}
	id := s.eventID
	if id == "" {
		id = "evt_" + rand.Text()
	}
	text, err := objectText(object)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(eventType, "v1.") || strings.HasPrefix(eventType, "v2.") {
		if text != nil && !isReference(text) {
			return nil, errors.New(`stripeappstest: the object of a thin event is its related_object, which has a type and a path: {"id":"ch_1","type":"charge","url":"/v1/charges/ch_1"}`)
		}
		return eventText(thinEvent{
			ID: id, Object: "v2.core.event", Type: eventType, Livemode: !s.testMode, Context: account, RelatedObject: text,
			Created: s.at.UTC().Format("2006-01-02T15:04:05.000Z"),
		}, ""), nil
	}
	if text == nil && account == "" && strings.HasPrefix(eventType, "apps.install.") {
		return nil, errors.New(`stripeappstest: an apps.install.… event has its account in its object, also where WithAccount("") leaves it out of the event: give the object`)
	}
	if text == nil {
		text = objectOf(eventType, account, !s.testMode)
	}
	event := snapshotEvent{
		ID: id, Object: "event", Account: account, APIVersion: eventAPIVersion, Context: account, Created: s.at.Unix(),
		Livemode: !s.testMode, PendingWebhooks: 1, Type: eventType,
	}
	event.Data.Object = text
	return eventText(event, "  "), nil
}

// isReference reports whether an object can be a related_object. A singleton has no id.
func isReference(text json.RawMessage) bool {
	var members map[string]any
	if json.Unmarshal(text, &members) != nil {
		return false
	}
	kind, _ := members["type"].(string)
	path, _ := members["url"].(string)
	return kind != "" && strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//")
}

// objectOf returns an object that fits a type, as far as this package knows.
func objectOf(eventType, account string, livemode bool) json.RawMessage {
	var object any = struct{}{}
	switch {
	case strings.HasPrefix(eventType, "account.application."):
		object = map[string]any{"id": eventApplication, "object": "application", "name": "Test App"}
	case strings.HasPrefix(eventType, "apps.install."):
		status := "installed"
		if eventType == "apps.install.deleted" {
			status = "uninstalling"
		}
		object = map[string]any{
			"id": "appinst_test", "object": "apps.install", "account": account, "app": DefaultAppID, "livemode": livemode,
			"approval_required": false, "channel": "public", "permissions_granted": []string{}, "permissions_pending": []string{},
			"status": status,
		}
	}
	text, _ := json.Marshal(object) // cannot fail
	return text
}

// eventText writes an event as Stripe does: snapshot events with an indentation.
func eventText(event any, indent string) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	encoder.Encode(event) // cannot fail
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

func (s *signing) eventRequest(target string, payload []byte) *http.Request {
	header := stripejs.Header(payload, s.at.Add(s.shift), s.secrets...)
	if s.tampered {
		payload = append(bytes.Clone(payload), '\n')
	}
	r := httptest.NewRequest(http.MethodPost, target, bytes.NewReader(payload))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	if !s.unsigned {
		r.Header.Set("Stripe-Signature", header)
	}
	return r
}
