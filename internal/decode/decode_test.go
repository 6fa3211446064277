package decode_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

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
