package stripeappstest

import (
	"iter"
	"slices"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/testdata/golden"
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

// GoldenVectors returns an iterator over the golden vectors, more than a hundred,
// for testing any verifier of Stripe Apps' signatures, in a gateway for example.
// Each of them is a copy that may be changed.
func GoldenVectors() iter.Seq[GoldenVector] {
	return func(yield func(GoldenVector) bool) {
		for _, v := range golden.Vectors() {
			if !yield(goldenVector(v)) {
				return
			}
		}
	}
}

func goldenVector(v golden.Vector) GoldenVector {
	vector := GoldenVector{
		Name: v.Name, Accepted: v.Expect == "accepted", Secrets: slices.Clone(v.Secrets), Clock: time.Unix(v.Clock, 0).UTC(),
		Header: v.Header, Payload: []byte(v.Payload), UserID: v.UserID, AccountID: v.AccountID,
	}
	if !vector.Accepted {
		vector.Code = v.Expect
	}
	return vector
}
