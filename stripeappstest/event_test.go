package stripeappstest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
	"github.com/seed-8a2ffb75/stripeapps/testdata/golden"
)

// take has an event handled, and returns it, or the status and code it is refused with.
func take(t *testing.T, r *http.Request, secrets ...string) (event events.Event, status int, code string) {
	t.Helper()
	if secrets == nil {
		secrets = []string{stripeappstest.DefaultEventSecret}
	}
	endpoint, err := events.NewEndpoint(events.Config{
		Secrets: secrets, Accept: events.LiveAndTest, Now: func() time.Time { return testNow },
		Other: func(_ context.Context, e events.Event) error { event = e; return nil },
	})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, r)
	var problem struct{ Code string }
	if w.Body.Len() > 0 {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &problem))
	}
	return event, w.Code, problem.Code
}

func TestNewEvent(t *testing.T) {
	for _, test := range []struct {
		name, eventType string
		object          any
		options         options
		want            events.Event
		change          events.ChangeKind
		status          string
	}{
		{"a snapshot event", "invoice.paid", `{"id":"in_1"}`, nil,
			events.Event{Type: "invoice.paid", Account: "acct_test", Context: "acct_test", Livemode: true}, "", ""},
		{"of a private app", "invoice.paid", nil, options{stripeappstest.WithAccount("")},
			events.Event{Type: "invoice.paid", Livemode: true}, "", ""},
		{"of another account, in test mode", "invoice.paid", nil, options{stripeappstest.WithAccount("acct_1"), stripeappstest.InTestMode()},
			events.Event{Type: "invoice.paid", Account: "acct_1", Context: "acct_1"}, "", ""},
		{"an install", "account.application.authorized", nil, nil,
			events.Event{Type: "account.application.authorized", Account: "acct_test", Context: "acct_test", Livemode: true}, events.Installed, ""},
		{"an install, by the newer event", "apps.install.deleted", nil, nil,
			events.Event{Type: "apps.install.deleted", Account: "acct_test", Context: "acct_test", Livemode: true}, events.Uninstalled, "uninstalling"},
		{"an update, by the newer event", "apps.install.updated", nil, nil,
			events.Event{Type: "apps.install.updated", Account: "acct_test", Context: "acct_test", Livemode: true}, events.Updated, "installed"},
		{"of a private app, by the newer event", "apps.install.created", `{"object":"apps.install","account":"acct_1","app":"com.example"}`, options{stripeappstest.WithAccount("")},
			events.Event{Type: "apps.install.created", Livemode: true}, events.Installed, ""},
		{"a thin event", "v1.account.application.deauthorized", nil, options{stripeappstest.WithEventID("evt_1")},
			events.Event{ID: "evt_1", Type: "v1.account.application.deauthorized", Account: "acct_test", Context: "acct_test", Livemode: true, Thin: true}, events.Uninstalled, ""},
		{"a thin event about an object", "v1.charge.succeeded", map[string]string{"id": "ch_1", "type": "charge", "url": "/v1/charges/ch_1"}, nil,
			events.Event{Type: "v1.charge.succeeded", Account: "acct_test", Context: "acct_test", Livemode: true, Thin: true, Related: events.Related{ID: "ch_1", Type: "charge", URL: "/v1/charges/ch_1"}}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, status, code := take(t, stripeappstest.NewEvent("/stripe/events", test.eventType, test.object, append(test.options, at)...))
			require.Equal(t, http.StatusOK, status, code)
			assert.Equal(t, testNow.UTC(), got.Created)
			assert.Regexp(t, `^evt_\w+$`, got.ID)
			change, _ := got.Change()
			assert.Equal(t, test.change, change.Kind)
			assert.Equal(t, test.status, change.Status)
			if test.want.ID == "" {
				test.want.ID = got.ID
			}
			test.want.Created, test.want.Raw, test.want.Object, test.want.APIVersion = got.Created, got.Raw, got.Object, got.APIVersion
			assert.Equal(t, test.want, got)
		})
	}
}

func TestEachOptionOfAnEventIsAnsweredWithItsCode(t *testing.T) {
	for _, test := range []struct {
		name    string
		options options
		secrets []string
		want    string
	}{
		{"nothing wrong", nil, nil, ""},
		{"a secret", options{stripeappstest.WithSecret("whsec_1")}, []string{"whsec_1"}, ""},
		{"a roll", options{stripeappstest.WithSecret("whsec_1", "whsec_2")}, []string{"whsec_2"}, ""},
		{"another secret", options{stripeappstest.WithSecret("whsec_1")}, nil, "no_match"},
		{"another app's secret", options{stripeappstest.WithOtherSecret()}, nil, "no_match"},
		{"tampered with", options{stripeappstest.Tampered()}, nil, "no_match"},
		{"unsigned", options{stripeappstest.Unsigned()}, nil, "not_signed"},
		{"expired", options{stripeappstest.Expired()}, nil, "too_old"},
		{"from the future", options{stripeappstest.FromTheFuture()}, nil, "too_new"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, code := take(t, stripeappstest.NewEvent("/stripe/events", "invoice.paid", nil, append(test.options, at)...), test.secrets...)
			assert.Equal(t, test.want, code)
		})
	}
}

func TestEachEventHasAnIDOfItsOwn(t *testing.T) {
	first, _, _ := take(t, stripeappstest.NewEvent("/", "invoice.paid", nil, at))
	second, _, _ := take(t, stripeappstest.NewEvent("/", "invoice.paid", nil, at))
	assert.NotEqual(t, first.ID, second.ID)
}

func TestARawEventIsSentAsItIs(t *testing.T) {
	for _, vector := range golden.Events() {
		if vector.Expect == "accepted" {
			event, status, code := take(t, stripeappstest.NewRawEvent("/stripe/events", []byte(vector.Payload), at))
			assert.Equal(t, http.StatusOK, status, "%s: %s", vector.Name, code)
			assert.Equal(t, vector.Payload, string(event.Raw))
		}
	}
}

// The golden events have the shapes of stripe-node's types.
func TestAnEventHasTheMembersOfStripes(t *testing.T) {
	for name, eventType := range map[string]string{
		"account.application.deauthorized, snapshot": "account.application.deauthorized",
		"a thin event about an object":               "v1.billing.meter.error_report_triggered",
	} {
		var object any
		if name != "account.application.deauthorized, snapshot" {
			object = `{"id":"mtr_123","type":"billing.meter","url":"/v1/billing/meters/mtr_123"}`
		}
		body, err := io.ReadAll(stripeappstest.NewEvent("/", eventType, object, at).Body)
		require.NoError(t, err)
		for _, vector := range golden.Events() {
			if vector.Name == name {
				assert.ElementsMatch(t, members(t, []byte(vector.Payload)), members(t, body), name)
				assert.Equal(t, strings.Contains(vector.Payload, "\n  \""), strings.Contains(string(body), "\n  \""), "the indentation")
			}
		}
	}
}

func members(t *testing.T, object []byte) (names []string) {
	var all map[string]any
	require.NoError(t, json.Unmarshal(object, &all))
	for name := range all {
		names = append(names, name)
	}
	return names
}

func TestMisuseOfEventsPanics(t *testing.T) {
	const extensions = "stripeappstest: WithUser, IDsInHeaders, IDsInQuery and OnlyIDsSigned are for an extension's requests, not for events"
	const text = "stripeappstest: WithAccount, WithEventID and InTestMode are not for an event whose text is given"
	for _, option := range (options{stripeappstest.WithUser(""), stripeappstest.IDsInHeaders(), stripeappstest.IDsInQuery(), stripeappstest.OnlyIDsSigned()}) {
		assert.PanicsWithValue(t, extensions, func() { stripeappstest.NewEvent("/", "a", nil, option) })
		assert.PanicsWithValue(t, extensions, func() { stripeappstest.NewRawEvent("/", nil, option) })
	}
	for _, option := range (options{stripeappstest.WithAccount(""), stripeappstest.WithEventID("evt_1"), stripeappstest.InTestMode()}) {
		assert.PanicsWithValue(t, text, func() { stripeappstest.NewRawEvent("/", nil, option) })
	}
	const events = "stripeappstest: WithEventID and InTestMode are for events, not for an extension's requests"
	for _, option := range (options{stripeappstest.WithEventID("evt_1"), stripeappstest.InTestMode()}) {
		assert.PanicsWithValue(t, events, func() { stripeappstest.NewRequest("POST", "/", nil, option) })
		assert.PanicsWithValue(t, events, func() { stripeappstest.Sign(nil, option) })
	}
	assert.PanicsWithValue(t, "stripeappstest: an Option is nil", func() { stripeappstest.NewEvent("/", "a", nil, nil) })
	assert.PanicsWithValue(t, "stripeappstest: NewEvent needs the type of the event", func() { stripeappstest.NewEvent("/", "", nil) })
	assert.PanicsWithValue(t, "stripeappstest: the payload, of type string, is not a JSON object in UTF-8, nested at most 256 levels deep", func() { stripeappstest.NewEvent("/", "a", "[]") })
	for _, object := range []any{
		`{}`, `{"id":"in_1","object":"invoice"}`, `{"type":"charge"}`, `{"url":"/v1/charges/ch_1"}`, `{"type":"charge","URL":"/v1/charges/ch_1"}`,
		`{"type":"charge","url":"v1"}`, `{"type":"charge","url":"//v1"}`, `{"type":1,"url":"/v1"}`,
	} {
		assert.PanicsWithValue(t, `stripeappstest: the object of a thin event is its related_object, which has a type and a path: {"id":"ch_1","type":"charge","url":"/v1/charges/ch_1"}`, func() {
			stripeappstest.NewEvent("/", "v1.charge.succeeded", object)
		})
	}
	assert.PanicsWithValue(t, `stripeappstest: an apps.install.… event has its account in its object, also where WithAccount("") leaves it out of the event: give the object`, func() {
		stripeappstest.NewEvent("/", "apps.install.deleted", nil, stripeappstest.WithAccount(""))
	})
	assert.PanicsWithValue(t, "stripeappstest: Expired would be before 1970: give a later time to At", func() {
		stripeappstest.NewEvent("/", "a", nil, stripeappstest.At(time.Unix(0, 0)), stripeappstest.Expired())
	})
}
