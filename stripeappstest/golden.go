package stripeappstest

import (
	_ "embed"
	"encoding/json"
	"iter"
	"slices"
	"sync"
	"time"
)

// GoldenVector is a signed request that must be accepted or refused. All of it was
// made by the real stripe-node. Those with the codes no_identity, install_signature
// and only_ids_signed are refused for what they carry: with the first two, the
// signature fits, and what looks at signatures only, like VerifyPayload, accepts
// them.
type GoldenVector struct {
	// Name says what the vector shows, and is unique.
	Name string
	// Accepted says whether the request must be accepted.
	Accepted bool
	// Code is what this library refuses the request with; "" where Accepted.
	// Verifiers of other make may have other reasons.
	Code string
	// Secrets are those that the backend knows.
	Secrets []string
	// Clock is the backend's time, in UTC. The tolerance is 300 seconds in both
	// directions.
	Clock time.Time
	// Header is the value of Stripe-Signature; "" means that there is none.
	Header string
	// Payload is the whole body.
	Payload []byte
	// UserID and AccountID are the identity, where Accepted.
	UserID, AccountID string
}

// goldenJSON is a copy of testdata/golden/vectors.json, which a package of
// another folder cannot embed. testdata/generate writes both.
//
//go:embed golden.json
var goldenJSON []byte

var goldenVectors = sync.OnceValue(func() []GoldenVector {
	var entries []struct {
		Name      string   `json:"name"`
		Expect    string   `json:"expect"`
		Secrets   []string `json:"secrets"`
		Clock     int64    `json:"clock"`
		Header    string   `json:"header"`
		Payload   string   `json:"payload"`
		UserID    string   `json:"user_id"`
		AccountID string   `json:"account_id"`
	}
	if err := json.Unmarshal(goldenJSON, &entries); err != nil {
		panic("stripeappstest: golden.json: " + err.Error())
	}
	vectors := make([]GoldenVector, len(entries))
	for i, e := range entries {
		vectors[i] = GoldenVector{
			Name: e.Name, Accepted: e.Expect == "accepted", Secrets: e.Secrets, Clock: time.Unix(e.Clock, 0).UTC(),
			Header: e.Header, Payload: []byte(e.Payload), UserID: e.UserID, AccountID: e.AccountID,
		}
		if !vectors[i].Accepted {
			vectors[i].Code = e.Expect
		}
	}
	return vectors
})

// GoldenVectors returns an iterator over the golden vectors, more than a hundred,
// for testing any verifier of Stripe Apps' signatures, in a gateway for example.
// Each of them is a copy that may be changed.
func GoldenVectors() iter.Seq[GoldenVector] {
	return func(yield func(GoldenVector) bool) {
		for _, v := range goldenVectors() {
			v.Secrets, v.Payload = slices.Clone(v.Secrets), slices.Clone(v.Payload)
			if !yield(v) {
				return
			}
		}
	}
}
