package signed

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFieldsAreThoseThatEveryDecoderReads(t *testing.T) {
	names := NewFieldNames("id", "related_object", "api_version")
	for _, test := range []struct {
		name, doc string
		want      Fault
		values    []string // "" for none
	}{
		{"all of them", `{"related_object":{"id":1},"id":"a","x":[],"api_version":null}`, OK, []string{`"a"`, `{"id":1}`, `null`}},
		{"none of them", `{"x":1}`, OK, []string{"", "", ""}},
		{"no members", `{}`, OK, []string{"", "", ""}},
		{"one of them twice", `{"id":1,"id":2}`, RepeatedName, nil},
		{"one of them in another case, beside it", `{"id":1,"ID":2}`, RepeatedName, nil},
		{"one of them in another case, alone", `{"Id":2}`, ConfusedName, nil},
		{"one of them with an escape", `{"\u0069d":2}`, ConfusedName, nil},
		{"one of them without its underscore", `{"relatedObject":2}`, ConfusedName, nil},
		{"one of them with a dash", `{"api-version":2}`, ConfusedName, nil},
		{"a name that one of them begins with", `{"related_objec":1,"related_objects":2,"i":3}`, OK, []string{"", "", ""}},
		{"another name twice", `{"x":1,"x":2}`, RepeatedName, nil},
		{"another name in two cases", `{"x":1,"X":2}`, RepeatedName, nil},
		{"a list", `[]`, NotObject, nil},
		{"nothing", ``, NotObject, nil},
		{"something behind it", `{"id":1}x`, NotObject, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			values, fault := Fields([]byte(test.doc), names)
			assert.Equal(t, test.want, fault)
			if test.want != OK {
				assert.Nil(t, values)
				return
			}
			for i, value := range values {
				assert.Equal(t, test.values[i], string(value))
			}
		})
	}
}

func TestTheLongestNameIsFoundAndALongerOneIsRefused(t *testing.T) {
	names := NewFieldNames("previous_attributes")
	values, fault := Fields([]byte(`{"previous_attributes":1}`), names)
	assert.Equal(t, OK, fault)
	assert.Equal(t, [][]byte{[]byte("1")}, values)
	for _, twin := range []string{"previousAttributes", "previous-attributes", "PREVIOUS_ATTRIBUTES", `previous\u005fattributes`, "previou\u017f_attributes"} {
		_, fault = Fields([]byte(`{"`+twin+`":1}`), names)
		assert.Equal(t, ConfusedName, fault, twin)
	}
	assert.PanicsWithValue(t, "signed: the name previous_attributes2 is too long to be found: raise longestSquashed", func() {
		NewFieldNames("id", "previous_attributes2")
	})
}

// FuzzFields holds the fields against encoding/json: what is found is what it decodes.
func FuzzFields(f *testing.F) {
	names := NewFieldNames("id", "related_object")
	for _, doc := range []string{`{"id":1}`, `{"ID":1,"related_object":2}`, `{"id":1,"id":2}`, `{"\u0131d":1}`, `{"relatedobject":1}`, `{"related_object":{"id":"x"}}`, `[1]`} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		values, fault := Fields(doc, names)
		if fault != OK {
			return
		}
		var decoded struct {
			ID      json.RawMessage `json:"id"`
			Related json.RawMessage `json:"related_object"`
		}
		if err := json.Unmarshal(doc, &decoded); err != nil {
			t.Fatal(err)
		}
		assert.Equal(t, string(decoded.ID), string(values[0]))
		assert.Equal(t, string(decoded.Related), string(values[1]))
	})
}
