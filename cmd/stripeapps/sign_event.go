package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/seed-8a2ffb75/stripeapps/internal/slip"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// usualEndpoint is where the documents have the endpoint of one's own backend.
const usualEndpoint = "http://127.0.0.1:8080/stripe/events"

// snapshotEvent is an event as Stripe writes it, its members in this order.
//
// https://docs.stripe.com/api/events/object
type snapshotEvent struct {
	ID         string `json:"id"`
	Object     string `json:"object"`
	Account    string `json:"account"`
	APIVersion string `json:"api_version"`
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

// thinEvent is a thin one.
//
// https://docs.stripe.com/api/v2/core/events/object
type thinEvent struct {
	ID            string          `json:"id"`
	Object        string          `json:"object"`
	Type          string          `json:"type"`
	Livemode      bool            `json:"livemode"`
	Created       string          `json:"created"`
	Context       string          `json:"context"`
	Reason        *string         `json:"reason"`
	RelatedObject json.RawMessage `json:"related_object,omitempty"`
}

const eventAPIVersion = "2026-10-28.endive"

func newSignedEvent(cmd *cli.Command, payload []byte, s secrets) (*signedRequest, error) {
	at := timeOf(cmd, "time")
	if payload != nil {
		if _, err := stripejs.Members(payload); err != nil {
			return nil, misused(cmd, "the payload is not a JSON object: give one like {\"object\":\"application\"}")
		}
	}
	text, err := eventText(cmd, payload, at)
	if err != nil {
		return nil, err
	}
	r := &signedRequest{method: http.MethodPost, body: text, at: at, kind: kindEvent, signature: stripejs.Header(text, at, s.values...)}
	r.headers = [][2]string{{"Content-Type", "application/json; charset=utf-8"}, {"Stripe-Signature", r.signature}}
	r.url, err = parseURL(cmd, "url", usualEndpoint)
	return r, err
}

// eventText returns the event. Its id is a new one each time.
func eventText(cmd *cli.Command, payload []byte, at time.Time) ([]byte, error) {
	eventType, account, livemode := cmd.String(eventFlag), cmd.String("account"), cmd.Bool("live")
	if payload == nil && !slices.Contains(installTypes, eventType) {
		if meant := meantType(eventType); meant != "" {
			return nil, misused(cmd, "this is not a type that is known: did you mean %s? for any other, give what it is about with -payload", meant)
		}
	}
	if strings.HasPrefix(eventType, "v1.") || strings.HasPrefix(eventType, "v2.") {
		return marshal(thinEvent{
			ID: "evt_test_" + rand.Text(), Object: "v2.core.event", Type: eventType, Livemode: livemode,
			Created: at.UTC().Format("2006-01-02T15:04:05.000Z"), Context: account, RelatedObject: payload,
		}, ""), nil
	}
	if payload == nil {
		payload = usualObject(eventType, account, livemode)
	}
	if payload == nil {
		return nil, misused(cmd, "what is the event about? give its data.object with -payload, like {\"id\":\"in_1\",\"object\":\"invoice\"}")
	}
	event := snapshotEvent{
		ID: "evt_" + rand.Text(), Object: "event", Account: account, APIVersion: eventAPIVersion, Created: at.Unix(),
		Livemode: livemode, PendingWebhooks: 1, Type: eventType,
	}
	event.Data.Object = payload
	return marshal(event, "  "), nil
}

// installTypes are the types of events that tell of an app's installs.
var installTypes = []string{
	"account.application.authorized", "account.application.deauthorized",
	"v1.account.application.authorized", "v1.account.application.deauthorized",
	"apps.install.created", "apps.install.updated", "apps.install.deleted",
}

// meantType returns the one of installTypes that was meant by a type that is none, of
// which the last part can be all that there is, or "".
func meantType(eventType string) string {
	for _, name := range installTypes {
		last := name[strings.LastIndexByte(name, '.')+1:]
		if slip.One(name, eventType) || eventType == last || slip.One(last, eventType) {
			return name
		}
	}
	return ""
}

// usualObject is what the events about an app's installs are about, or nil.
func usualObject(eventType, account string, livemode bool) []byte {
	status := "installed"
	switch eventType {
	case "account.application.authorized", "account.application.deauthorized":
		return []byte(`{"id":"ca_test","object":"application","name":"Test App"}`)
	case "apps.install.deleted":
		status = "uninstalling"
	case "apps.install.created", "apps.install.updated":
	default:
		return nil
	}
	return marshal(struct {
		ID       string `json:"id"`
		Object   string `json:"object"`
		Account  string `json:"account"`
		App      string `json:"app"`
		Livemode bool   `json:"livemode"`
		Status   string `json:"status"`
	}{"appinst_test", "apps.install", account, "com.example.app", livemode, status}, "")
}

// marshal writes value as Stripe does: without escapes for HTML.
func marshal(value any, indent string) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(value); err != nil {
		panic(err) // of plain structs, whose JSON has been read
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}
