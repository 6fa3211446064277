package stripejs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
	"github.com/seed-8a2ffb75/stripeapps/testdata/golden"
)

// What is expected was printed by Node.js 20, for example:
//
//	node -e 'const payload = JSON.parse(process.argv[1]); console.log(JSON.stringify({...payload, user_id: "usr_1", account_id: "acct_1"}))' '{"b":1,"1":2}'
func TestPayload(t *testing.T) {
	for _, test := range []struct{ name, payload, userID, accountID, want string }{
		{"the ids come last", `{"b":1,"a":2}`, "usr_1", "acct_1", `{"b":1,"a":2,"user_id":"usr_1","account_id":"acct_1"}`},
		{"an empty payload is the ids alone", `{}`, "usr_1", "acct_1", `{"user_id":"usr_1","account_id":"acct_1"}`},
		{"array indexes come first", `{"b":1,"1":2}`, "usr_1", "acct_1", `{"1":2,"b":1,"user_id":"usr_1","account_id":"acct_1"}`},
		{"an id of the payload's own keeps its place and gets the value", `{"account_id":5,"a":1}`, "usr_1", "acct_1", `{"account_id":"acct_1","a":1,"user_id":"usr_1"}`},
		{"both ids of the payload's own keep their places", `{"account_id":"x","user_id":"y","a":1}`, "usr_1", "acct_1", `{"account_id":"acct_1","user_id":"usr_1","a":1}`},
		{"an id's own name with an escape is the same name", `{"user\u005fid":"x","a":1}`, "usr_1", "acct_1", `{"user_id":"usr_1","a":1,"account_id":"acct_1"}`},
		{"ids that are nested are left alone", `{"a":{"user_id":"x"}}`, "usr_1", "acct_1", `{"a":{"user_id":"x"},"user_id":"usr_1","account_id":"acct_1"}`},
		{"an id is escaped like any string", `{}`, "a\"\n<é\u2028", `\`, "{\"user_id\":\"a\\\"\\n<é\u2028\",\"account_id\":\"\\\\\"}"},
		{"an id that is not given is left out", `{"a":1}`, "", "acct_1", `{"a":1,"account_id":"acct_1"}`},
		{"two ids that are not given leave the payload as it is", `{"a" : 1}`, "", "", `{"a":1}`},
		{"an id that is not given leaves the payload's own", `{"user_id":"x"}`, "", "acct_1", `{"user_id":"x","account_id":"acct_1"}`},
		{"a lone surrogate in a name", `{"\uD83D":"\uDE00"}`, "usr_1", "acct_1", `{"\ud83d":"\ude00","user_id":"usr_1","account_id":"acct_1"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := stripejs.Payload([]byte(test.payload), test.userID, test.accountID)
			require.NoError(t, err)
			assert.Equal(t, test.want, string(got))
		})
	}
	t.Run("no payload is the ids alone", func(t *testing.T) {
		got, err := stripejs.Payload(nil, "usr_1", "acct_1")
		require.NoError(t, err)
		assert.Equal(t, `{"user_id":"usr_1","account_id":"acct_1"}`, string(got))
	})
	for _, text := range []string{"", "null", "[]", `"a"`, "1", "{", "{}{}", strings.Repeat(`{"a":`, 257) + "1" + strings.Repeat("}", 257)} {
		t.Run(fmt.Sprintf("not an object: %.10q", text), func(t *testing.T) {
			got, err := stripejs.Payload([]byte(text), "usr_1", "acct_1")
			assert.ErrorIs(t, err, stripejs.ErrNotJSON)
			assert.Nil(t, got)
		})
	}
}

func TestMembersAndObjectAreInverse(t *testing.T) {
	members, err := stripejs.Members([]byte(`{"b":[1.0],"\ud83d":"\u0041","1":{}}`))
	require.NoError(t, err)
	assert.Equal(t, []stripejs.Member{{"1", []byte("{}")}, {"b", []byte("[1]")}, {"\xed\xa0\xbd", []byte(`"A"`)}}, members)
	assert.Equal(t, `{"1":{},"b":[1],"\ud83d":"A"}`, string(stripejs.Object(members)))
	assert.Equal(t, `{}`, string(stripejs.Object(nil)))
}

func TestHeader(t *testing.T) {
	at := time.Unix(1700000000, 999_999_999)
	text := []byte(`{"user_id":"usr_1","account_id":"acct_1"}`)
	v1 := func(secret string) string { return fmt.Sprintf("%x", webhook.ComputeSignature(at, text, secret)) }
	assert.Equal(t, "t=1700000000,v1="+v1("absec_a"), stripejs.Header(text, at, "absec_a"))
	assert.Equal(t, "t=1700000000,v1="+v1("absec_a")+",v1="+v1("absec_b"), stripejs.Header(text, at, "absec_a", "absec_b"))
	assert.Equal(t, "t=1700000000", stripejs.Header(text, at))
}

// Each accepted vector, without its ids, signed again as Stripe does, is what
// stripe-node made.
func TestGoldenVectors(t *testing.T) {
	accepted := 0
	for _, vector := range golden.Vectors() {
		if vector.Expect != "accepted" {
			continue
		}
		accepted++
		t.Run(vector.Name, func(t *testing.T) {
			stringified, err := stripejs.Stringify([]byte(vector.Payload))
			require.NoError(t, err)
			assert.Equal(t, vector.Payload, string(stringified))

			ids := fmt.Sprintf(`"user_id":"%s","account_id":"%s"}`, vector.UserID, vector.AccountID)
			rest, ok := strings.CutSuffix(vector.Payload, ids)
			require.True(t, ok)
			rest = strings.TrimSuffix(rest, ",") + "}"
			text, err := stripejs.Payload([]byte(rest), vector.UserID, vector.AccountID)
			require.NoError(t, err)
			assert.Equal(t, vector.Payload, string(text))

			// What was indented, as a person would write it, is signed alike.
			var indented bytes.Buffer
			require.NoError(t, json.Indent(&indented, []byte(rest), "", "\t"))
			text, err = stripejs.Payload(indented.Bytes(), vector.UserID, vector.AccountID)
			require.NoError(t, err)
			assert.Equal(t, vector.Payload, string(text))

			_, after, _ := strings.Cut(vector.Header, "t=")
			seconds, _, _ := strings.Cut(after, ",")
			at, err := strconv.ParseInt(strings.TrimSpace(seconds), 10, 64)
			require.NoError(t, err)
			matched := 0
			for _, secret := range vector.Secrets {
				_, v1, _ := strings.Cut(stripejs.Header(text, time.Unix(at, 0), secret), ",")
				if strings.Contains(vector.Header, v1) {
					matched++
				}
			}
			assert.Positive(t, matched)
			if len(vector.Secrets) == 1 && strings.Count(vector.Header, ",") == 1 && !strings.Contains(vector.Header, " ") && strings.HasPrefix(vector.Header, "t=") {
				assert.Equal(t, vector.Header, stripejs.Header(text, time.Unix(at, 0), vector.Secrets[0]))
			}
		})
	}
	assert.GreaterOrEqual(t, accepted, 40)
}
