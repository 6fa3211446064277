package decode_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/internal/decode"
)

func TestKnownMembersMayBeThere(t *testing.T) {
	type refund struct {
		Amount int    `json:"amount"`
		Action string `json:"action"`
	}
	for _, test := range []struct{ name, object, detail string }{
		{"with a field", `{"amount":5,"action":"refund"}`, ""},
		{"without one", `{"amount":5,"livemode":true}`, ""},
		{"of the wrong type", `{"amount":5,"action":1}`, "in the signed payload, action cannot be decoded as string"},
		{"and no others", `{"amount":5,"input":1}`, "the signed payload has a member that this endpoint does not know"},
	} {
		t.Run(test.name, func(t *testing.T) {
			value, detail, err := decode.Strictly[refund]([]byte(test.object), "action", "livemode")
			assert.Equal(t, test.detail, detail)
			assert.Equal(t, detail == "", err == nil)
			if err != nil {
				assert.Zero(t, value)
			}
		})
	}
}

type (
	base struct {
		UserID string `json:"user_id"`
	}
	flat struct {
		Amount   int            `json:"amount"`
		UserID   string         `json:"user_id"`
		LiveMode *bool          `json:"livemode"`
		More     map[string]any `json:"more"`
	}
	embedding struct {
		base
		Amount int
		More   json.RawMessage
	}
	// counting is decoded as a whole, and would notice if it was decoded in parts.
	counting struct{ members int }
	promoted struct{ counting }
)

func (c *counting) UnmarshalJSON(object []byte) error {
	var members map[string]json.RawMessage
	err := json.Unmarshal(object, &members)
	c.members = len(members)
	return err
}

// However a T is decoded, it must come out as encoding/json decodes the whole object.
func TestAValueIsTheOneOfTheWholeObject(t *testing.T) {
	const object = `{"amount":5,"more":{"a":[1]},"action":"refund","livemode":true,"user_id":"usr_1"}`
	same[flat](t, object)
	same[*flat](t, object)
	same[embedding](t, object)
	same[map[string]any](t, object)
	same[any](t, object)
	same[json.RawMessage](t, object)
	same[counting](t, object)
	same[*counting](t, object)
	same[promoted](t, object)
}

func same[T any](t *testing.T, object string) {
	t.Helper()
	var want T
	require.NoError(t, json.Unmarshal([]byte(object), &want))
	got, _, err := decode.Strictly[T]([]byte(object), "action", "livemode", "user_id")
	assert.NoError(t, err)
	assert.Equal(t, want, got)
}
