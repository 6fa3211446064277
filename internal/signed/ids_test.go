package signed

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAnIDIsOneTo255LettersDigitsAndUnderscores(t *testing.T) {
	grammar := regexp.MustCompile(`^[A-Za-z0-9_]{1,255}$`)
	ids := []string{"", strings.Repeat("a", 254), strings.Repeat("a", 255), strings.Repeat("a", 256)}
	for b := range 256 {
		c := string([]byte{byte(b)})
		ids = append(ids, c, c+"a", "a"+c)
	}
	for _, id := range ids {
		assert.Equal(t, grammar.MatchString(id), IsID(id), "%q", id)
		assert.Equal(t, grammar.MatchString(id), IsID([]byte(id)), "%q", id)
	}
}

func TestTheIDsAreTheLastTwoMembers(t *testing.T) {
	longest := strings.Repeat("i", 255)
	for _, test := range []struct {
		name, payload string
		strict, loose Fault // the latter where the user may be missing
		user, account string
	}{
		{"both alone", `{"user_id":"u","account_id":"a"}`, OK, OK, "u", "a"},
		{"behind other members", `{"b":1,"user_id":"u","account_id":"a"}`, OK, OK, "u", "a"},
		{"with white space", " { \"user_id\" : \"u\" ,\r\n\t\"account_id\" : \"a\" } ", OK, OK, "u", "a"},
		{"ids of 255 characters", `{"user_id":"` + longest + `","account_id":"` + longest + `"}`, OK, OK, longest, longest},
		{"an account of 256 characters", `{"user_id":"u","account_id":"a` + longest + `"}`, NoIDs, NoIDs, "", ""},
		{"a user of 256 characters", `{"user_id":"u` + longest + `","account_id":"a"}`, NoIDs, NoIDs, "", ""},
		{"an account that is no id", `{"user_id":"u","account_id":"a b"}`, NoIDs, NoIDs, "", ""},
		{"an account with an escape", `{"user_id":"u","account_id":"\u0061"}`, NoIDs, NoIDs, "", ""},
		{"an account that is a number", `{"user_id":"u","account_id":123}`, NoIDs, NoIDs, "", ""},
		{"an account in a list", `{"user_id":"u","account_id":["a"]}`, NoIDs, NoIDs, "", ""},
		{"an empty account", `{"user_id":"u","account_id":""}`, NoIDs, NoIDs, "", ""},
		{"another member last", `{"user_id":"u","account":"a"}`, NoIDs, NoIDs, "", ""},
		{"another member behind both", `{"user_id":"u","account_id":"a","b":"c"}`, NoIDs, NoIDs, "", ""},
		{"the wrong way round", `{"account_id":"a","user_id":"u"}`, NoIDs, NoIDs, "", ""},
		{"the user alone", `{"user_id":"u"}`, NoIDs, NoIDs, "", ""},
		{"nothing", `{}`, NoIDs, NoIDs, "", ""},
		{"the account alone", `{"account_id":"a"}`, NoIDs, OK, "", "a"},
		{"another member and the account", `{"b":"u","account_id":"a"}`, NoIDs, OK, "", "a"},
		{"a user that is no id", `{"user_id":"u b","account_id":"a"}`, NoIDs, NoIDs, "", ""},
		{"a user who does not stand next to the account", `{"user_id":"u","b":1,"account_id":"a"}`, NoIDs, NoIDs, "", ""},
		{"a user who does not stand next to the account, first of many", `{"user_id":"u","b":1,"c":2,"account_id":"a"}`, NoIDs, NoIDs, "", ""},
		{"a state alone", `{"state":"s","user_id":"u","account_id":"a"}`, InstallLink, InstallLink, "u", "a"},
		{"a state alone, without a user", `{"state":"s","account_id":"a"}`, NoIDs, InstallLink, "", "a"},
		{"a state and another member", `{"state":"s","b":1,"user_id":"u","account_id":"a"}`, OK, OK, "u", "a"},
		{"another member and a state", `{"b":1,"state":"s","user_id":"u","account_id":"a"}`, OK, OK, "u", "a"},
		{"a state by another name", `{"State":"s","user_id":"u","account_id":"a"}`, OK, OK, "u", "a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for allowNoUser, want := range map[bool]Fault{false: test.strict, true: test.loose} {
				ids, fault := ReadIDs([]byte(test.payload), allowNoUser)
				assert.Equal(t, want, fault)
				if want == OK || want == InstallLink {
					assert.Equal(t, test.user, string(ids.User))
					assert.Equal(t, test.account, string(ids.Account))
				}
			}
		})
	}
}

func TestTheIDsThatABodyNamesMakeThePayloadOfBothAlone(t *testing.T) {
	const both, account = `{"user_id":"u","account_id":"a"}`, `{"account_id":"a"}`
	for _, test := range []struct{ name, body, strict, loose string }{
		{"in their place", `{"b":1,"user_id":"u","account_id":"a"}`, both, both},
		{"anywhere", `{"account_id":"a","b":1,"user_id":"u","c":2}`, both, both},
		{"no user", `{"b":1,"account_id":"a"}`, "", account},
		{"a user that is no text", `{"b":1,"user_id":null,"account_id":"a"}`, "", account},
		{"a user that is no id", `{"b":1,"user_id":"u b","account_id":"a"}`, "", ""},
		{"no account", `{"b":1,"user_id":"u"}`, "", ""},
		{"an account that is no id", `{"b":1,"user_id":"u","account_id":"a b"}`, "", ""},
		{"no object", `[]`, "", ""},
		{"no JSON behind them", `{"b":1,"user_id":"u","account_id":"a"}}`, "", ""},
		{"nothing else, in another order", `{"account_id":"a","user_id":"u"}`, "", ""},
		{"nothing else, one of them twice", `{"user_id":"u","user_id":"u","account_id":"a"}`, "", ""},
		{"nothing else, and no user", `{ "account_id":"a"}`, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.strict, string(NamedIDs([]byte(test.body), false)))
			assert.Equal(t, test.loose, string(NamedIDs([]byte(test.body), true)))
		})
	}
}

func TestThePayloadOfTheIDsAloneIsReadAsThem(t *testing.T) {
	for _, user := range []string{"", "u"} {
		ids, fault := ReadIDs(IDsPayload(user, "a"), true)
		assert.Equal(t, OK, fault)
		assert.Equal(t, user, string(ids.User))
		assert.Equal(t, "a", string(ids.Account))
	}
	payload := IDsPayload("usr_123", "acct_123456789")
	assert.Equal(t, len(payload), cap(payload), "it is made in memory of its size")
}

func TestWhatMayBeAnExtensionsNamesAUserOrAnAccount(t *testing.T) {
	for payload, want := range map[string]bool{
		`{"account_id":"a"}`:        true,
		`{"b":1,"account_id":"a"}`:  true,
		`{"account_id":"a","b":1}`:  true,
		`{"account_id":1,"b":1}`:    true,
		`{"b":1,"AccountId":"a"}`:   true,
		`{"b":1,"user_id":"u"}`:     true,
		`{"userId":"u","b":1}`:      true,
		`{"b":1,"livemode":true}`:   false,
		`{}`:                        false,
		"":                          false,
		`{"account_id":"a"}}`:       true,
		" \n" + `{"account_id":"a"`: true,
		`{"ACCOUNT_ID":"a"`:         true,
		`{"b":"c"`:                  true, // it cannot be read
		"\t {":                      true,
		"{\"b\":\"\xff\"}":          true,
		`"account_id"`:              false,
		`[{"account_id":"a"}]`:      false,
		`[` + `{"account_id":"a"}`:  false,
		`{"b":1,"account_id":{"account_id":"a"}}`: true,
		`{"b":{"account_id":"a"}}`:                false,
	} {
		assert.Equal(t, want, MayBeExtensions([]byte(payload)), payload)
	}
}
