package stripejs

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Payload returns the text that Stripe signs: JSON.stringify of
// {...payload, user_id, account_id}. A payload of nil means the two ids alone,
// and "" in place of an id leaves it out. An id that the payload has already
// keeps its place, as it does in JavaScript.
func Payload(payload []byte, userID, accountID string) ([]byte, error) {
	if payload == nil {
		payload = []byte("{}")
	}
	members, err := Members(payload)
	if err != nil {
		return nil, err
	}
	set := func(name, id string) {
		if id == "" {
			return
		}
		value := appendString(nil, id)
		for i := range members {
			if members[i].Name == name {
				members[i].Value = value
				return
			}
		}
		members = append(members, Member{name, value})
	}
	set("user_id", userID)
	set("account_id", accountID)
	return Object(members), nil
}

// Header returns the Stripe-Signature of a text, with one v1 for each secret, as
// Stripe has while a secret is rolled.
//
// https://docs.stripe.com/stripe-apps/build-backend
func Header(text []byte, at time.Time, secrets ...string) string {
	t := strconv.FormatInt(at.Unix(), 10)
	header := "t=" + t
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(t + "."))
		mac.Write(text)
		header += ",v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	return header
}
