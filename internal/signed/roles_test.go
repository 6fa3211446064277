package signed

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReadRoles(t *testing.T) {
	admin := Role{ID: "admin", Type: "builtIn", Name: "Administrator"}
	for _, test := range []struct {
		name, list string
		want       []Role
		ok         bool
	}{
		{"one", `[{"type":"builtIn","id":"admin","name":"Administrator"}]`, []Role{admin}, true},
		{"two", `[ {"id":"a"} , {"name":"\u0061"} ]`, []Role{{ID: "a"}, {Name: "a"}}, true},
		{"none", `[]`, []Role{}, true},
		{"other members", `[{"id":"admin","type":"builtIn","name":"Administrator","idx":{"ID":"x"},"":1}]`, []Role{admin}, true},
		{"null", `null`, nil, false},
		{"an object", `{"id":"admin"}`, nil, false},
		{"a list of strings", `["admin"]`, nil, false},
		{"a list with null in it", `[null]`, nil, false},
		{"a list in a list", `[[{"id":"admin"}]]`, nil, false},
		{"an id that is no string", `[{"id":1}]`, nil, false},
		{"a type that is no string", `[{"type":["builtIn"]}]`, nil, false},
		{"a name that is no string", `[{"name":{}}]`, nil, false},
		{"one role of two that cannot be read", `[{"id":"admin"},{"id":1}]`, nil, false},
		{"an id twice", `[{"id":"view_only","id":"admin"}]`, nil, false},
		{"an id in capitals too", `[{"id":"view_only","ID":"admin"}]`, nil, false},
		{"an id in capitals alone", `[{"ID":"admin"}]`, nil, false},
		{"an id with an escape", `[{"\u0069d":"admin"}]`, nil, false},
		{"an id with a Turkish i", `[{"ıd":"admin"}]`, nil, false},
		{"an id with an underscore", `[{"i_d":"admin"}]`, nil, false},
		{"a type in another case", `[{"id":"x","Type":"builtIn"}]`, nil, false},
		{"a name with a hyphen", `[{"id":"x","na-me":"x"}]`, nil, false},
		{"an id of null", `[{"id":null}]`, nil, false},
		{"as many as there may be", "[" + strings.Repeat("{},", MaxRoles-1) + "{}]", make([]Role, MaxRoles), true},
		{"more than there may be", "[" + strings.Repeat("{},", MaxRoles) + "{}]", nil, false},
		{"nothing at all", "", nil, false},
		{"another member twice", `[{"id":"x","more":1,"More":2}]`, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			roles, ok := ReadRoles([]byte(test.list))
			assert.Equal(t, test.ok, ok)
			assert.Equal(t, test.want, roles)
		})
	}
}

// What is read must be what encoding/json reads too, whoever decodes the payload.
func FuzzReadRoles(f *testing.F) {
	f.Add(`[{"type":"builtIn","id":"admin","name":"Administrator"}]`)
	f.Add(`[{"id":"view_only","ID":"admin"},{}]`)
	f.Add(`[{"\u0069d":"a","name":"\ud800"}]`)
	f.Fuzz(func(t *testing.T, list string) {
		members := Members([]byte(`{"stripe_roles":` + list + `}`))
		if !members.Next() || members.Next() || members.Fault != OK {
			return
		}
		roles, ok := ReadRoles([]byte(list))
		if !ok {
			return
		}
		var loose []Role
		if assert.NoError(t, json.Unmarshal([]byte(list), &loose)) {
			assert.Equal(t, loose, roles)
		}
	})
}
