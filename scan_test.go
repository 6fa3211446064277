package stripeapps

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzReadIDs holds the scanner against encoding/json.
func FuzzReadIDs(f *testing.F) {
	data, err := os.ReadFile("testdata/golden/vectors.json")
	require.NoError(f, err)
	var vectors []struct{ Payload string }
	require.NoError(f, json.Unmarshal(data, &vectors))
	for _, vector := range vectors {
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
		keys := new(keySet)
		members := scanObject(doc)
		for members.next() {
			var key string
			if err := json.Unmarshal([]byte(`"`+string(members.key)+`"`), &key); err != nil {
				t.Fatalf("key %q: %v", members.key, err)
			}
			got = append(got, pair{key, string(members.value)})
			keys.add(members.key)
		}

		object := len(bytes.TrimLeft(doc, " \t\r\n")) > 0 && bytes.TrimLeft(doc, " \t\r\n")[0] == '{'
		valid := object && json.Valid(doc) && utf8.Valid(doc) && depth(doc) <= maxDepth
		if valid != (members.err == nil) {
			t.Fatalf("scanner says %v, encoding/json says valid: %v", members.err, valid)
		}
		ids, err := readIDs(doc, false)
		if !valid {
			if err == nil {
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
		if keys.repeats() != repeated {
			t.Fatalf("repeated keys: got %v, want %v", !repeated, repeated)
		}

		if err != nil {
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
		assert.Equal(t, decoded.UserID, string(ids.user))
		assert.Equal(t, decoded.AccountID, string(ids.account))
		if repeated || want[len(want)-2].key != "user_id" || want[len(want)-1].key != "account_id" {
			t.Fatal("ids that are not the last two members, or repeated names")
		}
		var rest map[string]json.RawMessage
		if err := json.Unmarshal(ownMembers(doc), &rest); err != nil {
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
	_, err := readIDs(nested(256), false)
	assert.NoError(t, err)
	_, err = readIDs(nested(257), false)
	assert.Same(t, errTooDeep, err)
	_, err = readIDs([]byte(strings.Repeat(`{"a":`, 1<<20)), false)
	assert.Same(t, errTooDeep, err)
	_, err = readIDs(append([]byte(`{"a":`), bytes.Repeat([]byte("["), 1<<20)...), false)
	assert.Same(t, errTooDeep, err)
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
	_, err := readIDs(doc.Bytes(), false)
	assert.NoError(t, err)

	repeated := bytes.Replace(doc.Bytes(), []byte(`"b_"`), []byte(`"C_"`), 1)
	_, err = readIDs(repeated, false)
	assert.Same(t, errRepeatedKey, err)
}

func TestReadIDsMakesNoAllocations(t *testing.T) {
	payload := []byte(`{"größe":1,"\ud83d\ude00":[{"a":null}],"k\u00e9y":"v","user_id":"usr_123","account_id":"acct_123"}`)
	if allocations := testing.AllocsPerRun(100, func() {
		if _, err := readIDs(payload, false); err != nil {
			t.Error(err)
		}
	}); allocations >= 1 && !RaceEnabled {
		t.Errorf("%v allocations", allocations)
	}
}

func TestErrorsAreTheirOwnSentinels(t *testing.T) {
	for _, err := range []*Error{errHeaderTooLong, errTooManySignatures, errRepeatedHeader, errNoV1, errQueryTooLong, errBodyLength, errNotObject, errTooDeep, errRepeatedKey, errNotLive, errNotTest, errNoBody, errNoMatchIDs} {
		found := 0
		for _, sentinel := range []error{ErrNotSigned, ErrMalformedSignature, ErrNoMatch, ErrTooOld, ErrTooNew, ErrBodyTooLarge, ErrBodyUnreadable, ErrMalformedIDs, ErrNoPayload, ErrNoIdentity, ErrOnlyIDsSigned, ErrInstallSignature, ErrUnexpectedPayload, ErrRequirementNotMet, ErrNotVerified} {
			if errors.Is(err, sentinel) {
				found++
			}
		}
		assert.Equal(t, 1, found, "%v", err)
	}
}

func TestOnlyNamesOfTheGoTypeAreFieldsOfIt(t *testing.T) {
	type inner struct {
		Own   int            `json:"own,omitempty"`
		Notes map[string]int `json:"notes"`
	}
	type outer struct {
		inner
		Plain *int
		List  []map[string]*inner `json:"list"`
	}
	for path, want := range map[string]string{
		"own": "own", "Plain": "Plain", "list": "list", "list.own": "list.own", "list.notes": "list.notes",
		"list.0.own": "list.own", // as Go 1.27 reports it
		"":           "", "Own": "", "plain": "", "list.x": "", "list.notes.x": "", "list.notes.7": "", "Plain.x": "", "list..own": "", "7": "",
	} {
		assert.Equal(t, want, jsonField(reflect.TypeFor[outer](), path), "%q", path)
	}
}
