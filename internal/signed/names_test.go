package signed

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// faultOfNames is what ReadIDs says of a payload with these names, as written.
func faultOfNames(names ...string) Fault {
	payload := "{"
	for _, name := range names {
		payload += `"` + name + `":0,`
	}
	_, fault := ReadIDs([]byte(payload+`"user_id":"u","account_id":"a"}`), false)
	return fault
}

func TestNamesThatDifferByCaseOnlyAreRepeatedInEveryScript(t *testing.T) {
	pairs := 0
	for r := rune(' '); r <= unicode.MaxRune; r++ {
		other := unicode.SimpleFold(r)
		if other == r || r == '"' || r == '\\' {
			continue
		}
		pairs++
		if fault := faultOfNames("n"+string(r), "n"+string(other)); fault != RepeatedName {
			t.Errorf("%q and %q: %v", r, other, fault)
		}
		// A neighbour is another letter, unless it is the same in another case.
		next := r + 1
		want := OK
		if strings.EqualFold(string(r), string(next)) {
			want = RepeatedName
		}
		if fault := faultOfNames("n"+string(r), "n"+string(next)); fault != want {
			t.Errorf("%q and %q: %v", r, next, fault)
		}
	}
	assert.Greater(t, pairs, 2000)
}

// However a name is written, it is the name that encoding/json reads.
func TestNamesAreComparedByWhatTheyMean(t *testing.T) {
	written := []string{
		`a/b`, `a\/b`, `a\\b`, `\"`, `'`, `\b`, `\u0008`, `\f`, `\u000c`, `\n`, `\u000a`, `\r`, `\u000D`, `\t`, `\u0009`, `b`, `f`, `n`, `r`, `t`, `u`,
		`é`, `\u00e9`, `\u00E9`, `É`, `e\u0301`, `\u0000`, `\uffff`,
		`😀`, `\ud83d\ude00`, `\uD83D\uDE00`, `😀\ufffd`, `\ud83d`, `\ude00`, `\ufffd`, `\ud83d\ud83d`, `\ufffd\ufffd`, `\ude00\ud83d`, `\ud83dx`, `\ufffdx`,
		`\ud83d\n`, `\ufffd\n`, `\ud83d\u0041`, `\ufffdA`, `\ud83d\\u0041`, `\ud83d\\`, `\ufffd\\`, `\ud83d/ude00`, `\ud83d\nde00`, `\ufffd\nde00`,
		`\bx`, `\fx`, `\nx`, `\rx`, `\tx`, `\/x`, `x`, `😀x`, `\ud83d\ude00x`, `\ud83d\ude000`, `😀0`,
		`𐐀`, `𐐨`, `\ud801\udc28`, `ſ`, `s`, `\u017f`, `K`, `k`, `\u212a`, `ß`, `ẞ`, `ss`,
	}
	for i, one := range written {
		for _, other := range written[:i] {
			want := OK
			if strings.EqualFold(meaning(t, one), meaning(t, other)) {
				want = RepeatedName
			}
			assert.Equal(t, want, faultOfNames(one, other), "%s and %s", one, other)
		}
	}
}

// meaning is what encoding/json reads.
func meaning(t *testing.T, written string) (name string) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(`"`+written+`"`), &name), written)
	return name
}

func TestEveryEscapeOfABasicCharacterIsRead(t *testing.T) {
	for r := rune(0); r <= 0xffff; r++ {
		folded := new(nameSet).add(fmt.Appendf(nil, `\u%04x`, r))
		want := r
		if !utf8.ValidRune(r) {
			want = utf8.RuneError
		}
		if got, _ := utf8.DecodeRune(folded); !strings.EqualFold(string(got), string(want)) {
			t.Fatalf("%#x is read as %#x", r, got)
		}
	}
}

func TestANameThatSomeDecoderTakesForAKnownOneIsRefused(t *testing.T) {
	for _, name := range []string{
		"Action", "ACTION", "act_ion", "a-c-t-i-o-n", "_action", "action_", "-action-", "actİon", "actıon", `act\u0130on`, `act\u0131on`, `\u0061ction`,
		"liveMode", "live_mode", "live-mode", "lıvemode", `livemod\u0065`,
		"stripeRoles", "stripe-roles", "striperoles", "ſtripe_roles", "stripe__roles", "STRİPE_ROLES", "ﬅripe_roles", "ﬆripe_roles", `\ufb05ripe_roles`,
	} {
		assert.Equal(t, ConfusedName, faultOfNames(name), name)
	}
	for _, name := range []string{
		"action", "livemode", "stripe_roles", "actions", "actio", "_", "-", "İ", "ı", "act ion", "act.ion", "actîon", "act°on", "act±on", "actðon", "actĲon", "actÄ", "striperolesx", "strİperolesx", "striperoleﬅ", "striperolé", "striperole😀", "ﬅ",
		"actGon", "account", "user", "id", "userids", "accountids", "xaction", "stripe_role", "Äction",
	} {
		assert.Equal(t, OK, faultOfNames(name), name)
	}
	for _, payload := range []string{
		`{"userId":"u","user_id":"u","account_id":"a"}`, `{"user-id":1,"user_id":"u","account_id":"a"}`, `{"accountid":1,"user_id":"u","account_id":"a"}`,
		`{"user_id":"u","accountId":"a"}`, `{"User_id":"u","account_id":"a"}`, `{"user_İd":"u","account_id":"a"}`,
	} {
		for _, allowNoUser := range []bool{false, true} {
			_, fault := ReadIDs([]byte(payload), allowNoUser)
			assert.Equal(t, ConfusedName, fault, payload)
		}
	}
}
