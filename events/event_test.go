package events_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/events"
	"github.com/seed-8a2ffb75/stripeapps/testdata/golden"
)

func thin(members string) string {
	return `{"id":"evt_1","object":"v2.core.event","type":"v1.charge.succeeded","livemode":true,"created":"2026-01-02T03:04:05.678Z"` + members + `}`
}

// old is a snapshot event of a version before that which has account.
func old(account string) string {
	return strings.NewReplacer(`"account":"acct_1"`, account, "2026-10-28.endive", "2017-04-06").Replace(snapshot("evt_1", testType))
}

func TestTheAccountIsTheOneThatTheEventHappenedIn(t *testing.T) {
	for _, test := range []struct{ name, payload, account, context string }{
		{"a snapshot event's account", snapshot("evt_1", testType), "acct_1", ""},
		{"the account, which is the last of the context too", strings.Replace(snapshot("evt_1", testType), `"created"`, `"context":"acct_platform/acct_1","created"`, 1), "acct_1", "acct_platform/acct_1"},
		{"the account, where the context ends in none", strings.Replace(snapshot("evt_1", testType), `"created"`, `"context":"org_1","created"`, 1), "acct_1", "org_1"},
		{"a snapshot event's context", strings.Replace(snapshot("evt_1", testType), `"account":"acct_1"`, `"context":"acct_platform/acct_2"`, 1), "acct_2", "acct_platform/acct_2"},
		{"an old version's user_id", old(`"user_id":"acct_1"`), "acct_1", ""},
		{"an old version's user_id of null", old(`"user_id":null`), "", ""},
		{"an old version's user_id, and the account", old(`"user_id":"acct_1","account":"acct_1"`), "acct_1", ""},
		{"an old version's user_id, and the context", old(`"user_id":"acct_1","context":"acct_1"`), "acct_1", "acct_1"},
		{"a user_id of no version", strings.Replace(old(`"user_id":"acct_1"`), `"2017-04-06"`, `null`, 1), "acct_1", ""},
		{"a user_id of the version that has account", strings.Replace(old(`"user_id":"acct_1"`), `2017-04-06`, `2017-05-25`, 1), "", ""},
		{"a user_id of a new version, beside the account", strings.Replace(snapshot("evt_1", testType), `"account"`, `"user_id":"usr_1","account"`, 1), "acct_1", ""},
		{"a thin event's user_id", thin(`,"user_id":"acct_1"`), "", ""},
		{"a thin event's context", thin(`,"context":"acct_1"`), "acct_1", "acct_1"},
		{"the last account of a path", thin(`,"context":"acct_platform/acct_1"`), "acct_1", "acct_platform/acct_1"},
		{"the last account of a longer path", thin(`,"context":"org_1/acct_platform/acct_1"`), "acct_1", "org_1/acct_platform/acct_1"},
		{"a context of null", thin(`,"context":null`), "", ""},
		{"a context that is empty", thin(`,"context":""`), "", ""},
		{"no context", thin(``), "", ""},
		{"a context that does not end in an account", thin(`,"context":"acct_1/org_1"`), "", "acct_1/org_1"},
		{"a context that ends in a slash", thin(`,"context":"acct_1/"`), "", "acct_1/"},
		{"an account with a character that no id has", thin(`,"context":"acct_1/acct_2 "`), "", "acct_1/acct_2 "},
		{"an account of null", strings.Replace(snapshot("evt_1", testType), `"acct_1"`, `null`, 1), "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			event, err := events.ParseUnverified([]byte(test.payload))
			require.NoError(t, err)
			assert.Equal(t, []string{test.account, test.context}, []string{event.Account, event.Context})
		})
	}
}

func TestWhatAnEventMayNotBe(t *testing.T) {
	at := func(old, new string) string {
		payload := snapshot("evt_1", testType)
		require.Contains(t, payload, old)
		return strings.Replace(payload, old, new, 1)
	}
	for name, payload := range map[string]string{
		"a related object that is text":           thin(`,"related_object":"ch_1"`),
		"a related object without a type":         thin(`,"related_object":{"id":"ch_1","url":"/v1/charges/ch_1"}`),
		"a related object without a path":         thin(`,"related_object":{"id":"ch_1","type":"charge"}`),
		"a related object with a host":            thin(`,"related_object":{"id":"ch_1","type":"charge","url":"//evil.example/"}`),
		"a related object with two paths":         thin(`,"related_object":{"id":"ch_1","type":"charge","url":"/v1/a","url":"/v1/b"}`),
		"a snapshot id that is none":              thin(`,"snapshot_event":"a b"`),
		"a context of 2000 bytes":                 thin(`,"context":"` + strings.Repeat("a", 2000) + `"`),
		"a context with a line break":             thin(`,"context":"acct_1\n"`),
		"a context that is a list":                thin(`,"context":["acct_1"]`),
		"an account, and another last in context": at(`"created"`, `"context":"acct_1/acct_2","created"`),
		"an old user_id, and another account":     old(`"user_id":"acct_1","account":"acct_2"`),
		"an old user_id, and another in context":  old(`"user_id":"acct_1","context":"acct_2"`),
		"an old user_id that is none":             old(`"user_id":"a b"`),
		"a userId, which some take for user_id":   old(`"userId":"acct_1"`),
		"a time before 1970":                      at("1699999990", "-1"),
		"a time with a fraction":                  at("1699999990", "1.5"),
		"a time with an exponent":                 at("1699999990", "1e9"),
		"a time after the year 9999":              at("1699999990", "253402300800"),
		"a time that fits no integer":             at("1699999990", strings.Repeat("9", 30)),
		"a livemode of null":                      at("true", "null"),
		"a livemode of 1":                         at("true", "1"),
		"a type of null":                          at(`"invoice.paid"`, "null"),
		"a type that is empty":                    at(`"invoice.paid"`, `""`),
		"an id of 256 bytes":                      at("evt_1", strings.Repeat("a", 256)),
		"data that is text":                       at(`{"object":{"id":"in_1","object":"invoice"}}`, `"x"`),
		"data without an object":                  at(`{"object":{"id":"in_1","object":"invoice"}}`, `{}`),
		"an object that is a list":                at(`{"id":"in_1","object":"invoice"}`, `[]`),
		"an object that is null":                  at(`{"id":"in_1","object":"invoice"}`, `null`),
		"an object, and one in capitals":          at(`{"object":{`, `{"OBJECT":{},"object":{`),
		"a twin of the previous attributes":       at(`"data":{`, `"data":{"previousAttributes":{},`),
		"a thin event's members as a snapshot's":  strings.Replace(thin(``), "v2.core.event", "event", 1),
		"an object of another version":            strings.Replace(thin(``), "v2.core.event", "v3.core.event", 1),
		"bytes that are not UTF-8":                at("in_1", "in_\xff"),
		"nothing":                                 "",
		"a byte order mark in front of the event": "\ufeff" + snapshot("evt_1", testType),
	} {
		t.Run(name, func(t *testing.T) {
			event, err := events.ParseUnverified([]byte(payload))
			assert.ErrorIs(t, err, events.ErrMalformedEvent)
			assert.Zero(t, event)
		})
	}
}

func TestATypeIsWhatItsTextMeans(t *testing.T) {
	event, err := events.ParseUnverified([]byte(strings.Replace(snapshot("evt_1", testType), testType, `invoice\u002epaid`, 1)))
	require.NoError(t, err)
	assert.Equal(t, testType, event.Type)
}

// FuzzParseUnverified holds the envelope against encoding/json: what is read of an event
// is what whoever decodes the same bytes gets.
func FuzzParseUnverified(f *testing.F) {
	for _, vector := range golden.Events() {
		f.Add([]byte(vector.Payload))
	}
	f.Add([]byte(thin(`,"context":"acct_1/acct_2","related_object":{"id":"a","type":"b","url":"/c"}`)))
	f.Fuzz(func(t *testing.T, payload []byte) {
		event, err := events.ParseUnverified(payload)
		if err != nil {
			assert.ErrorIs(t, err, events.ErrMalformedEvent)
			assert.Zero(t, event)
			return
		}
		var want struct {
			ID, Object, Type, Account, Context string
			Livemode                           *bool
			Created                            json.RawMessage
			APIVersion                         string `json:"api_version"`
			Data                               struct{ Object json.RawMessage }
			Related                            events.Related `json:"related_object"`
			SnapshotEvent                      string         `json:"snapshot_event"`
			UserID                             string         `json:"user_id"`
		}
		// Of the other kind's members, those may have any form.
		if err := json.Unmarshal(payload, &want); err != nil && !strings.Contains(err.Error(), "cannot unmarshal") {
			t.Fatal(err)
		}
		if !utf8.Valid(payload) || want.ID != event.ID || want.Type != event.Type || want.Livemode == nil || *want.Livemode != event.Livemode {
			t.Fatalf("%+v is not %+v", event, want)
		}
		assert.Equal(t, want.Object == "v2.core.event", event.Thin)
		assert.Equal(t, want.Context, event.Context)
		if want.Account != "" {
			assert.Equal(t, want.Account, event.Account)
		} else {
			assert.True(t, event.Account == "" || strings.HasSuffix(want.Context, event.Account) || !event.Thin && event.Account == want.UserID)
		}
		if event.Thin {
			var created time.Time
			require.NoError(t, json.Unmarshal(want.Created, &created))
			assert.True(t, created.Equal(event.Created))
			assert.Equal(t, want.Related, event.Related)
			assert.Equal(t, want.SnapshotEvent, event.SnapshotID)
			assert.Nil(t, event.Object)
		} else {
			var created int64
			require.NoError(t, json.Unmarshal(want.Created, &created))
			assert.Equal(t, created, event.Created.Unix())
			assert.Equal(t, want.APIVersion, event.APIVersion)
			assert.Equal(t, string(want.Data.Object), string(event.Object))
			assert.True(t, json.Valid(event.Object))
		}
		if change, ok := event.Change(); ok {
			assert.Contains(t, []events.ChangeKind{events.Installed, events.Updated, events.Uninstalled}, change.Kind)
			assertIsChangeOf(t, change, event)
		}
	})
}

func assertIsChangeOf(t *testing.T, change events.Change, event events.Event) {
	t.Helper()
	switch {
	case event.Thin:
		assert.Equal(t, []string{event.Account, "", ""}, []string{change.Account, change.App, change.Status})
	case strings.HasPrefix(event.Type, "apps."):
		var install struct{ Account, App, Status string }
		require.NoError(t, json.Unmarshal(event.Object, &install))
		assert.Equal(t, []string{install.Account, install.App, install.Status}, []string{change.Account, change.App, change.Status})
	default:
		var application struct{ ID string }
		require.NoError(t, json.Unmarshal(event.Object, &application))
		assert.Equal(t, []string{event.Account, application.ID, ""}, []string{change.Account, change.App, change.Status})
	}
}
