package main

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

const kindEvent = "event"

// isEvent reports whether a body says that it is an event of Stripe's. Unlike what is
// signed for an extension, an event has no user_id and account_id.
func isEvent(body []byte) bool {
	if _, err := events.ParseUnverified(body); err == nil {
		return !holdsBothIDs(body)
	}
	var members struct{ Object string }
	return json.Unmarshal(body, &members) == nil && slices.Contains([]string{"event", "v2.core.event"}, members.Object) &&
		!holdsBothIDs(body)
}

// prepareEndpoint makes the Endpoint.
func (j *judge) prepareEndpoint() error {
	if err := j.webhookSecrets.require(); err != nil {
		return err
	}
	// A place can hold what looks like a secret, which a label must not.
	labeled := make([]stripeapps.LabeledSecret, len(j.webhookSecrets.values))
	for i, secret := range j.webhookSecrets.values {
		labeled[i] = stripeapps.LabeledSecret{Label: strconv.Itoa(i), Secret: secret}
	}
	endpoint, err := events.NewEndpoint(events.Config{
		LabeledSecrets: labeled, Accept: events.LiveAndTest, Now: j.now, Tolerance: j.tolerance,
		Other: func(context.Context, events.Event) error { return nil },
	})
	if err != nil {
		return misconfigured("%v", err)
	}
	j.endpoint = endpoint
	return nil
}

func (j *judge) eventVerdict(m *message) verdict {
	if j.endpoint == nil {
		return verdict{Kind: kindEvent, Detail: "an event, and " + j.webhookSecrets.missing()}
	}
	header := strings.Join(m.header[signatureHeader], ",")
	event, err := j.endpoint.Verify(m.body, header)
	if err != nil {
		return refused(kindEvent, err)
	}
	yes := true
	v := verdict{
		Kind: kindEvent, Accepted: &yes, Source: "body", AccountID: event.Account,
		EventType: event.Type, EventID: event.ID, Livemode: &event.Livemode,
	}
	var h signed.Header
	h.Parse(header) // which the Endpoint has done
	v.setTime(time.Unix(h.SignedAt, 0))
	i, _ := strconv.Atoi(event.SecretLabel)
	v.Secret = j.webhookSecrets.placeOf(i)
	return v
}

// event is an event that was accepted.
func (v verdict) event() string {
	mode, whose := "test mode", ""
	if *v.Livemode {
		mode = "live mode"
	}
	if v.AccountID != "" {
		whose = " of " + oneLine(v.AccountID)
	}
	return "event " + oneLine(v.EventType) + whose + " in " + mode + ", " + oneLine(v.EventID) + v.with()
}
