package decode_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/internal/decode"
)

type (
	tree   []tree
	hiding struct {
		Amount int
		Hidden struct{ X int } `json:"-"`
	}
	nests struct {
		Inner struct{ X int } `json:"inner"`
	}
	listed struct {
		Inner []struct{ X int } `json:"inner"`
	}
	itself struct {
		Tree tree `json:"tree"`
	}
)

func TestOnlyTypesWithoutMembersOfTheirOwnInsideAreFlat(t *testing.T) {
	number := reflect.TypeFor[int]()
	for _, test := range []struct {
		name  string
		typed reflect.Type
		want  bool
	}{
		{"a struct of simple fields", reflect.TypeFor[simple](), true},
		{"a struct that hides another", reflect.TypeFor[hiding](), true},
		{"a struct with another inside", reflect.TypeFor[nests](), false},
		{"a struct with a list of others inside", reflect.TypeFor[listed](), false},
		{"a struct with two fields of a name", reflect.StructOf([]reflect.StructField{
			{Name: "A", Type: number, Tag: `json:"a"`}, {Name: "B", Type: number, Tag: `json:"a"`},
		}), false},
		{"a struct with a name that encoding/json does not take", reflect.StructOf([]reflect.StructField{
			{Name: "A", Type: number, Tag: `json:"a;"`},
		}), false},
		{"a struct with a type that is its own element", reflect.TypeFor[itself](), false},
		{"a struct that embeds another", reflect.TypeFor[embedding](), false},
		{"a struct that decodes itself", reflect.TypeFor[counting](), false},
		{"a struct without fields", reflect.TypeFor[struct{}](), false},
		{"a pointer to a struct", reflect.TypeFor[*simple](), false},
		{"a map", reflect.TypeFor[map[string]any](), false},
	} {
		assert.Equal(t, test.want, decode.IsFlat(test.typed), test.name)
	}
}

type simple struct {
	Amount  int             `json:"amount"`
	Note    *string         `json:"note,omitempty"`
	At      time.Time       `json:"at"`
	Tags    []string        `json:"tags"`
	Rates   map[string]int  `json:"rates"`
	Any     any             `json:"any"`
	Raw     json.RawMessage `json:"raw"`
	Action  string          `json:"action"`
	Untaged float64
}

// The shorter way must refuse and return the same as the longer one.
func FuzzTheShorterWayIsTheLongerOne(f *testing.F) {
	for _, object := range []string{
		`{"amount":5,"note":"x","user_id":"usr_1"}`, `{"amount":"5"}`, `{"AMOUNT":5}`, `{"amount":5,"other":1}`, `{"USER_ID":"usr_1"}`,
		`{"tags":["a"],"rates":{"a":1},"any":{"b":[1]},"raw":{"c":2},"Untaged":0.5,"untaged":1}`, `{"at":"2026-01-02T03:04:05Z"}`,
		`{"amount":5,"action":"refund","livemode":true}`, `{"am\u006funt":5}`, `{"note":null}`, `{}`, `{"amount":1e3}`,
	} {
		f.Add([]byte(object))
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		var members map[string]json.RawMessage
		if json.Unmarshal(object, &members) != nil {
			return // only what has been read without a fault is decoded
		}
		sameTwice[simple](t, object)
		sameTwice[nests](t, object)
	})
}

func sameTwice[T any](t *testing.T, object []byte) {
	want, wantDetail, wantErr := decode.Apart[T](object, "user_id", "action", "livemode")
	got, detail, err := decode.Strictly[T](object, "user_id", "action", "livemode")
	assert.Equal(t, want, got)
	assert.Equal(t, wantDetail, detail)
	assert.Equal(t, wantErr, err)
}
