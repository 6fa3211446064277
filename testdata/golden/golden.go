// Package golden has the vectors of vectors.json and installs.json for the tests of
// this module and for package stripeappstest, which other modules use. README.md says
// what they are.
package golden

import (
	_ "embed"
	"encoding/json"
	"sync"
)

// Vector is one entry of vectors.json, as it is there.
type Vector struct {
	Name      string   `json:"name"`
	Expect    string   `json:"expect"`
	Secrets   []string `json:"secrets"`
	Clock     int64    `json:"clock"`
	Header    string   `json:"header"`
	Payload   string   `json:"payload"`
	UserID    string   `json:"user_id"`
	AccountID string   `json:"account_id"`
}

//go:embed vectors.json
var vectorsJSON []byte

// Vectors returns all vectors. They are shared, and must not be changed.
var Vectors = sync.OnceValue(func() []Vector {
	var vectors []Vector
	if err := json.Unmarshal(vectorsJSON, &vectors); err != nil {
		panic("golden: vectors.json: " + err.Error())
	}
	return vectors
})
