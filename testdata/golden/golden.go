// Package golden has the vectors of vectors.json and installs.json, and the events of
// events.json, for the tests of this module and for package stripeappstest, which other
// modules use. README.md says what they are.
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

// EventVector is one entry of events.json, as it is there. Event is nil where it is
// refused.
type EventVector struct {
	Name    string   `json:"name"`
	Expect  string   `json:"expect"`
	Secrets []string `json:"secrets"`
	Clock   int64    `json:"clock"`
	Header  string   `json:"header"`
	Payload string   `json:"payload"`
	Event   *Event   `json:"event"`
}

// Event is what stripe-node reads in an event. Change is nil where it does not tell of
// an install.
type Event struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	Created    float64         `json:"created"`
	Livemode   bool            `json:"livemode"`
	Account    string          `json:"account"`
	Context    string          `json:"context"`
	Thin       bool            `json:"thin"`
	APIVersion string          `json:"api_version"`
	Object     json.RawMessage `json:"object"`
	Related    *struct {
		ID   string `json:"id"`
		Type string `json:"type"`
		URL  string `json:"url"`
	} `json:"related"`
	Change *struct {
		Kind    string `json:"kind"`
		Account string `json:"account"`
		App     string `json:"app"`
		Status  string `json:"status"`
	} `json:"change"`
}

//go:embed events.json
var eventsJSON []byte

// Events returns all golden events. They are shared, and must not be changed.
var Events = sync.OnceValue(func() []EventVector {
	var vectors []EventVector
	if err := json.Unmarshal(eventsJSON, &vectors); err != nil {
		panic("golden: events.json: " + err.Error())
	}
	return vectors
})
