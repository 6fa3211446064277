package playground

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPlaygroundSigns(t *testing.T) {
	playground := testPlayground(t)
	for name, test := range map[string]struct {
		asked, signed string
		at            time.Time
	}{
		"a payload now":              {`{"age":"new","payload":{"action":"hello","note":"x"}}`, `{"action":"hello","note":"x",` + sampleIDs, testNow},
		"a payload ten minutes ago":  {`{"age":"expired","payload":{"note":"x"}}`, `{"note":"x",` + sampleIDs, testNow.Add(-10 * time.Minute)},
		"the ids alone":              {`{"age":"new"}`, sampleIDsPayload, testNow},
		"an empty payload":           {`{"age":"new","payload":{}}`, sampleIDsPayload, testNow},
		"a payload in other escapes": {`{"age":"new","payload": { "note" : "é<\u2028\"\\ud83d\ud800" } }`, "{\"note\":\"é<\u2028\\\"\\\\ud83d\\ud800\"," + sampleIDs, testNow},
		"a payload with separators":  {"{\"age\":\"new\",\"payload\":{\"note\":\"a\u2028b\"}}", "{\"note\":\"a\u2028b\"," + sampleIDs, testNow},
	} {
		t.Run(name, func(t *testing.T) {
			response := responseOf(playground, local("POST", "/playground/sign", test.asked))
			require.Equal(t, http.StatusOK, response.StatusCode)
			var got struct{ Signature, Signed string }
			require.NoError(t, json.Unmarshal([]byte(bodyOf(t, response)), &got))
			assert.Equal(t, test.signed, got.Signed)
			assert.Equal(t, sign(test.signed, testSecret, test.at), got.Signature)
		})
	}
	for name, asked := range map[string]string{
		"a time of one's own":         `{"age":"1"}`,
		"no age":                      `{"payload":{"action":"hello"}}`,
		"another user":                `{"age":"new","payload":{"user_id":"usr_admin"}}`,
		"another account":             `{"age":"new","payload":{"account_id":"acct_1"}}`,
		"an install link":             `{"age":"new","payload":{"state":"x"}}`,
		"a nested payload":            `{"age":"new","payload":{"note":{"a":1}}}`,
		"a payload that is no object": `{"age":"new","payload":"x"}`,
		"a null payload":              `{"age":"new","payload":null}`,
		"a member more":               `{"age":"new","secret":"x"}`,
		"something behind it":         `{"age":"new"}{}`,
		"no JSON":                     `x`,
		"nothing":                     ``,
		"more than it reads":          `{"age":"new","payload":{"note":"` + strings.Repeat("x", maxSignBytes) + `"}}`,
	} {
		t.Run("not "+name, func(t *testing.T) {
			assertProblem(t, responseOf(playground, local("POST", "/playground/sign", asked)), 400, "bad_sign_request")
		})
	}
}
