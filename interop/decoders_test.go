package interop_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bytedance/sonic"
	v2json "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	v1json "github.com/go-json-experiment/json/v1"
	goccy "github.com/goccy/go-json"
	jsoniter "github.com/json-iterator/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// known are the members that the chain knows, as a handler reads them.
type known struct {
	UserID      string          `json:"user_id"`
	AccountID   string          `json:"account_id"`
	Action      *string         `json:"action"`
	LiveMode    *bool           `json:"livemode"`
	StripeRoles json.RawMessage `json:"stripe_roles"`
}

func (k known) String() string {
	text := k.UserID + " " + k.AccountID
	if k.Action != nil {
		text += fmt.Sprintf(" action=%q", *k.Action)
	}
	if k.LiveMode != nil {
		text += fmt.Sprintf(" livemode=%t", *k.LiveMode)
	}
	var roles bytes.Buffer
	if json.Compact(&roles, k.StripeRoles) == nil {
		text += " stripe_roles=" + roles.String()
	}
	return text
}

// A decoder reads a payload into a pointer to a known, as json.Unmarshal does.
type decoder = func(payload []byte, value any) error

// decoders are those that Go backends use, in each of their ways to match names.
// std_v2_test.go adds encoding/json/v2, which Go has from 1.27 on. With Go 1.26 and
// GOEXPERIMENT=jsonv2, go-json-experiment is that of the standard library.
var decoders = map[string]decoder{
	"encoding/json": json.Unmarshal,

	"go-json-experiment": func(payload []byte, value any) error { return v2json.Unmarshal(payload, value) },
	"go-json-experiment, any case": func(payload []byte, value any) error {
		return v2json.Unmarshal(payload, value, v2json.MatchCaseInsensitiveNames(true))
	},
	"go-json-experiment, any case, repeated names": func(payload []byte, value any) error {
		return v2json.Unmarshal(payload, value, v2json.MatchCaseInsensitiveNames(true),
			jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	},
	"go-json-experiment/v1": func(payload []byte, value any) error { return v1json.Unmarshal(payload, value) },

	"sonic":                 sonic.Unmarshal,
	"sonic, as the std":     sonic.ConfigStd.Unmarshal,
	"sonic, fastest":        sonic.ConfigFastest.Unmarshal,
	"sonic, case-sensitive": sonic.Config{CaseSensitive: true}.Froze().Unmarshal,

	"goccy": goccy.Unmarshal,
	"goccy, first field wins": func(payload []byte, value any) error {
		return goccy.UnmarshalWithOption(payload, value, goccy.DecodeFieldPriorityFirstWin())
	},

	"jsoniter":                 jsoniter.ConfigDefault.Unmarshal,
	"jsoniter, as the std":     jsoniter.ConfigCompatibleWithStandardLibrary.Unmarshal,
	"jsoniter, fastest":        jsoniter.ConfigFastest.Unmarshal,
	"jsoniter, case-sensitive": jsoniter.Config{CaseSensitive: true}.Froze().Unmarshal,

	"gjson": readWithGJSON,
}

func readWithGJSON(payload []byte, value any) error {
	k := value.(*known)
	k.UserID = gjson.GetBytes(payload, "user_id").String()
	k.AccountID = gjson.GetBytes(payload, "account_id").String()
	k.StripeRoles = json.RawMessage(gjson.GetBytes(payload, "stripe_roles").Raw)
	if action := gjson.GetBytes(payload, "action"); action.Type == gjson.String {
		k.Action = &action.Str
	}
	if livemode := gjson.GetBytes(payload, "livemode"); livemode.IsBool() {
		live := livemode.Bool()
		k.LiveMode = &live
	}
	return nil
}

// verified returns what the chain has verified in a payload, or false if it refuses
// the request.
func verified(tb testing.TB, payload []byte) (k known, ok bool) {
	tb.Helper()
	handler := newChain(tb, stripeapps.SignedBody)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ok = true
		id, _ := stripeapps.IdentityFrom(r.Context())
		members, err := stripeapps.DecodePayload[map[string]json.RawMessage](r.Context())
		require.NoError(tb, err)
		k = known{UserID: id.UserID, AccountID: id.AccountID, StripeRoles: members["stripe_roles"]}
		if json.Unmarshal(members["action"], &k.Action) != nil {
			k.Action = nil
		}
		if json.Unmarshal(members["livemode"], &k.LiveMode) != nil {
			k.LiveMode = nil
		}
	}))
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(payload))
	r.Header.Set("Stripe-Signature", signText(payload))
	handler.ServeHTTP(httptest.NewRecorder(), r)
	return k, ok
}

// signText signs a payload as it is, also one that no JSON.stringify writes.
func signText(payload []byte) string {
	now := time.Now().Unix()
	mac := hmac.New(sha256.New, []byte(stripeappstest.DefaultSecret))
	fmt.Fprintf(mac, "%d.%s", now, payload)
	return fmt.Sprintf("t=%d,v1=%x", now, mac.Sum(nil))
}

// misread returns what the decoders read that is not what was verified: what each of
// them has read, by its name. A decoder that returns an error has read nothing.
func misread(payload []byte, want known) []string {
	var misread []string
	for _, name := range slices.Sorted(maps.Keys(decoders)) {
		var got known
		if err := decoders[name](payload, &got); err == nil && got.String() != want.String() {
			misread = append(misread, name+": "+got.String())
		}
	}
	return misread
}

const ids = `"user_id":"usr_test","account_id":"acct_test"}`

// knownValues has two values for each name that the chain knows: what is signed under
// the name itself, and under another name that could be taken for it.
var knownValues = map[string][2]string{
	"user_id":      {``, `"usr_other"`},
	"account_id":   {``, `"acct_other"`},
	"action":       {`"list"`, `"refund"`},
	"livemode":     {`false`, `true`},
	"stripe_roles": {`[{"type":"builtIn","name":"View only"}]`, `[{"type":"builtIn","name":"Administrator"}]`},
}

// respellings are ways to write a name that some decoder takes for the name itself.
func respellings(name string) []string {
	title := func(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
	camel := ""
	for _, word := range strings.Split(name, "_") {
		camel += title(word)
	}
	spellings := []string{
		strings.ToUpper(name), title(name), camel, strings.ToLower(camel[:1]) + camel[1:],
		strings.ReplaceAll(name, "_", ""), strings.ReplaceAll(name, "_", "-"), strings.ReplaceAll(name, "_", "__"),
		name + "_", "_" + name, name + "-", "-" + name, name[:4] + "_" + name[4:], name[:4] + "-" + name[4:],
	}
	for _, letters := range [][2]string{
		{"i", "İ"},  // U+0130, whose lower case is i
		{"i", "ı"},  // U+0131, whose upper case is I
		{"i", "i̇"}, // with U+0307: the lower case of U+0130 in full
		{"s", "ſ"},  // U+017F, whose upper case is S
		{"k", "K"},  // U+212A, whose lower case is k
		{"a", "ａ"},  // U+FF41, full width
		{"e", "е"},  // U+0435, Cyrillic
	} {
		changed := strings.ReplaceAll(name, letters[0], letters[1])
		spellings = append(spellings, changed, strings.ToUpper(changed),
			strings.ReplaceAll(strings.ToUpper(name), strings.ToUpper(letters[0]), letters[1]),
			strings.ReplaceAll(changed, "_", ""), changed+"_")
	}
	slices.Sort(spellings)
	spellings = slices.Compact(spellings)
	return slices.DeleteFunc(spellings, func(s string) bool { return s == name })
}

// escaped writes each character of a name that is not ASCII as \u….
func escaped(name string) string {
	text := ""
	for _, r := range name {
		if r < 0x80 {
			text += string(r)
		} else {
			text += fmt.Sprintf(`\u%04x`, r)
		}
	}
	return text
}

func TestNoDecoderTakesAnotherNameForOneThatWasVerified(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(knownValues)) {
		values := knownValues[name]
		for _, spelling := range respellings(name) {
			t.Run(name+" as "+spelling, func(t *testing.T) {
				for _, written := range slices.Compact([]string{spelling, escaped(spelling)}) {
					other := fmt.Sprintf(`"%s":%s`, written, values[1])
					assertReadAlike(t, "{"+other+","+ids)
					if values[0] != "" {
						assertReadAlike(t, fmt.Sprintf(`{"%s":%s,%s,%s`, name, values[0], other, ids))
						assertReadAlike(t, fmt.Sprintf(`{%s,"%s":%s,%s`, other, name, values[0], ids))
					}
				}
			})
		}
	}
}

func assertReadAlike(t *testing.T, payload string) {
	t.Helper()
	if want, ok := verified(t, []byte(payload)); ok {
		assert.Empty(t, misread([]byte(payload), want), "accepted: %s\nverified: %s", payload, want)
	}
}

// What is refused must not be more than what is taken for something else.
func TestNamesThatNoDecoderTakesForAnotherAreAccepted(t *testing.T) {
	for _, name := range []string{
		"user", "account", "users_id", "user_ids", "user_id2", "xuser_id", "user.id", "user id", "user_íd",
		"actions", "transaction", "act", "reaction", "aktion", "live", "mode", "livemodes", "live.mode",
		"roles", "stripe", "stripe_role", "ſtate", "amount", "İ", "_", "-", "",
	} {
		t.Run(name, func(t *testing.T) {
			payload := fmt.Sprintf(`{"action":"list","livemode":true,"stripe_roles":[],"%s":"other",%s`, name, ids)
			want, ok := verified(t, []byte(payload))
			require.True(t, ok, "refused: %s", payload)
			assert.Equal(t, `usr_test acct_test action="list" livemode=true stripe_roles=[]`, want.String())
			assert.Empty(t, misread([]byte(payload), want))
		})
	}
}

// FuzzDecoders signs members of the fuzzer's in front of the two ids. Whatever is
// accepted, each decoder must read as it was verified.
func FuzzDecoders(f *testing.F) {
	f.Add(`"amount":1250`)
	f.Add(`"action":"refund","livemode":true,"stripe_roles":[{"type":"builtIn","name":"Administrator"}]`)
	f.Add(`"action":"\u0061\ud83d\ude00","note":{"action":"nested","action":"twice"}`)
	f.Add(`"\u0061ction":"refund"`)
	f.Add(`"action":null,"livemode":null,"a":[1e400,-0,1E-3]`)
	for name, values := range knownValues {
		for _, spelling := range respellings(name) {
			f.Add(fmt.Sprintf(`"%s":%s`, spelling, values[1]))
		}
	}
	f.Fuzz(func(t *testing.T, members string) {
		payload := []byte("{" + members + "," + ids)
		want, ok := verified(t, payload)
		if !ok {
			t.Skip()
		}
		if misread := misread(payload, want); len(misread) > 0 {
			t.Errorf("accepted: %s\nverified: %s\n%s", payload, want, strings.Join(misread, "\n"))
		}
	})
}
