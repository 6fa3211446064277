package decode_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-8a2ffb75/stripeapps/internal/decode"
)

// BenchmarkStrictly compares with encoding/json, which refuses nothing.
func BenchmarkStrictly(b *testing.B) {
	type payload struct {
		Amount int    `json:"amount"`
		Note   string `json:"note"`
	}
	object := []byte(`{"amount":5,"note":"` + strings.Repeat("x", 1000) + `","action":"refund","livemode":true,"user_id":"usr_1","account_id":"acct_1"}`)
	b.Run("peer=stripeapps", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := decode.Strictly[payload](object, "user_id", "account_id", "action", "livemode", "stripe_roles"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("peer=encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var value payload
			if err := json.Unmarshal(object, &value); err != nil {
				b.Fatal(err)
			}
		}
	})
}
