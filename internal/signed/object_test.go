package signed

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/testdata/golden"
)

// FuzzReadIDs holds the scanner against encoding/json.
func FuzzReadIDs(f *testing.F) {
	for _, vector := range golden.Vectors() {
		f.Add([]byte(vector.Payload))
	}
	for _, number := range []string{"-", "0", "-0", "01", "1.", ".1", "1.5e+10", "1E-2", "1e", "0x1", "1_0", "+1"} {
		f.Add([]byte(`{"n":` + number + `,"user_id":"usr_123","account_id":"acct_123"}`))
	}
	for _, key := range []string{`\u0075ser_id`, `u\u017fer_id`, `\ud800`, `\ud83d\ude00`, `\ud83d\ud83d`, `K`, `\u212a`, `\/`, `\x`, `\u12`, "\t"} {
		f.Add([]byte(`{"` + key + `":[true,false,null],"k":{},"\ufffd":1,"user_id":"usr_123","account_id":"acct_123"}`))
	}

	f.Fuzz(func(t *testing.T, doc []byte) {
		type pair struct {
			key   string
			value string
		}
		var got []pair
		names := new(nameSet)
		members := Members(doc)
		for members.Next() {
			var key string
			if err := json.Unmarshal([]byte(`"`+string(members.Name)+`"`), &key); err != nil {
				t.Fatalf("key %q: %v", members.Name, err)
			}
			got = append(got, pair{key, string(members.Value)})
			names.add(members.Name)
		}

		object := len(bytes.TrimLeft(doc, " \t\r\n")) > 0 && bytes.TrimLeft(doc, " \t\r\n")[0] == '{'
		valid := object && json.Valid(doc) && utf8.Valid(doc) && depth(doc) <= maxDepth
		if valid != (members.Fault == OK) {
			t.Fatalf("scanner says %v, encoding/json says valid: %v", members.Fault, valid)
		}
		ids, fault := ReadIDs(doc, false)
		if !valid {
			if fault == OK {
				t.Fatal("ids out of an invalid document")
			}
			return
		}

		var want []pair
		decoder := json.NewDecoder(bytes.NewReader(doc))
		decoder.Token()
		for decoder.More() {
			key, _ := decoder.Token()
			var value json.RawMessage
			if err := decoder.Decode(&value); err != nil {
				t.Fatal(err)
			}
			want = append(want, pair{key.(string), string(value)})
		}
		assert.Equal(t, want, got)

		repeated := false
		for i := range want {
			for j := range i {
				repeated = repeated || strings.EqualFold(want[i].key, want[j].key)
			}
		}
		if names.repeats() != repeated {
			t.Fatalf("repeated keys: got %v, want %v", !repeated, repeated)
		}

		if fault != OK {
			return
		}
		// Whoever decodes the same bytes gets the same identity.
		var decoded struct {
			UserID    string `json:"user_id"`
			AccountID string `json:"account_id"`
		}
		if err := json.Unmarshal(doc, &decoded); err != nil {
			t.Fatal(err)
		}
		assert.Equal(t, decoded.UserID, string(ids.User))
		assert.Equal(t, decoded.AccountID, string(ids.Account))
		if repeated || want[len(want)-2].key != "user_id" || want[len(want)-1].key != "account_id" {
			t.Fatal("ids that are not the last two members, or repeated names")
		}
		_, others := Split(doc, "user_id", "account_id", "action", "livemode")
		var rest map[string]json.RawMessage
		if err := json.Unmarshal(others, &rest); err != nil {
			t.Fatal(err)
		}
		for _, member := range want {
			switch value, ok := rest[member.key]; member.key {
			case "user_id", "account_id", "action", "livemode":
				assert.False(t, ok)
			default:
				assert.Equal(t, member.value, string(value))
			}
		}
	})
}

// depth returns how deep a valid document is nested.
func depth(doc []byte) (deepest int) {
	decoder := json.NewDecoder(bytes.NewReader(doc))
	for level := 0; ; {
		token, err := decoder.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			level++
			deepest = max(deepest, level)
		case json.Delim('}'), json.Delim(']'):
			level--
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	nested := func(levels int) []byte { // the object itself is one of them
		return []byte(`{"a":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `,"user_id":"u","account_id":"a"}`)
	}
	_, fault := ReadIDs(nested(256), false)
	assert.Equal(t, OK, fault)
	_, fault = ReadIDs(nested(257), false)
	assert.Equal(t, TooDeep, fault)
	objects := func(levels int) []byte {
		return []byte(strings.Repeat(`{"a":`, levels-1) + "{}" + strings.Repeat("}", levels-2) + `,"user_id":"u","account_id":"a"}`)
	}
	_, fault = ReadIDs(objects(256), false)
	assert.Equal(t, OK, fault)
	_, fault = ReadIDs(objects(257), false)
	assert.Equal(t, TooDeep, fault)
	_, fault = ReadIDs([]byte(strings.Repeat(`{"a":`, 1<<20)), false)
	assert.Equal(t, TooDeep, fault)
	_, fault = ReadIDs(append([]byte(`{"a":`), bytes.Repeat([]byte("["), 1<<20)...), false)
	assert.Equal(t, TooDeep, fault)
}

func TestManyKeysAreReadInOnePass(t *testing.T) {
	var doc bytes.Buffer
	doc.WriteByte('{')
	for i := range 100_000 {
		doc.WriteString(`"`)
		for n := i; n > 0; n /= 26 {
			doc.WriteByte(byte('a' + n%26))
		}
		doc.WriteString(`_":0,`)
	}
	doc.WriteString(`"user_id":"u","account_id":"a"}`)
	_, fault := ReadIDs(doc.Bytes(), false)
	assert.Equal(t, OK, fault)

	repeated := bytes.Replace(doc.Bytes(), []byte(`"b_"`), []byte(`"C_"`), 1)
	_, fault = ReadIDs(repeated, false)
	assert.Equal(t, RepeatedName, fault)
}

// Each byte is put in the place of each, in front of each, and taken away.
func TestADocumentIsReadIfEncodingJSONReadsIt(t *testing.T) {
	for _, doc := range []string{
		" { \"a\\u00e9\\/\" : [ -0.5e+1 , 10E-2 , true , false,null , { } ,[],[ ] ]\t,\r\n\"b\":{\"c\":\"\\ud83d\\ude00\",\"d\" :0}} ",
		`{}`, `{"":""}`, `{"a":-1}`, `{"é":"\\"}`, `{"a":[{"b":1},{"c":[2]}]}`,
	} {
		assert.True(t, json.Valid([]byte(doc)), doc)
		for i := range len(doc) + 1 {
			checkRead(t, doc[:i])
			for b := range 256 {
				c := string([]byte{byte(b)})
				checkRead(t, doc[:i]+c+doc[i:])
				if i < len(doc) {
					checkRead(t, doc[:i]+c+doc[i+1:])
				}
			}
		}
	}
}

// checkRead reads from memory that ends where the document does.
func checkRead(t *testing.T, doc string) {
	members := Members(bytes.Clone([]byte(doc))[:len(doc):len(doc)])
	count := 0
	for members.Next() {
		count++
		if !json.Valid(members.Value) {
			t.Errorf("%q: a value of %q", doc, members.Value)
		}
	}
	isObject := strings.HasPrefix(strings.TrimLeft(doc, " \t\r\n"), "{")
	want := OK
	if !isObject || !json.Valid([]byte(doc)) || !utf8.ValidString(doc) {
		want = NotObject
	}
	if members.Fault != want || members.Count != count {
		t.Errorf("%q: %v, %d members", doc, members.Fault, count)
	}
	if members.Next() {
		t.Errorf("%q: a member behind the end", doc)
	}
}

func TestAnObjectInTwo(t *testing.T) {
	for _, test := range []struct{ doc, named, others string }{
		{`{"a":1,"b":[ 2 ],"c":"3"}`, `{"a":1,"c":"3"}`, `{"b":[ 2 ]}`},
		{` { "b" : 1 , "d" : {} } `, `{}`, `{"b":1,"d":{}}`},
		{`{"a":1,"c":2}`, `{"a":1,"c":2}`, `{}`},
		{`{}`, `{}`, `{}`},
		{`{"A":1,"\u0061":2}`, `{}`, `{"A":1,"\u0061":2}`}, // by their names as written
	} {
		named, others := Split([]byte(test.doc), "a", "c")
		assert.Equal(t, test.named, string(named))
		assert.Equal(t, test.others, string(others))
	}
}
