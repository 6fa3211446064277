package playground

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

// tableResults returns the last column of the selfcheck's table, and checks that
// the table has a row for each request.
func tableResults(t *testing.T, stdout string) (results []string) {
	t.Helper()
	lines := strings.Split(stdout, "\n")
	require.GreaterOrEqual(t, len(lines), 6, "got %q", stdout)
	assert.Equal(t, []string{"SENT", "EXPECTED", "GOT", "RESULT"}, strings.Fields(lines[0]))
	for i, sent := range []string{"a signed body", "a body changed after signing", "a body signed too long ago", "a body without signature", "signed ids in headers"} {
		row := lines[1+i]
		assert.True(t, strings.HasPrefix(row, sent+"  "), "got %q", row)
		results = append(results, row[strings.LastIndex(row, " ")+1:])
	}
	return results
}

func TestSelfcheckPasses(t *testing.T) {
	var stdout bytes.Buffer
	require.NoError(t, Selfcheck(t.Context(), &http.Server{Handler: testBackend(t)}, testSecret, fixedNow, &stdout))
	assert.Equal(t, []string{"OK", "OK", "OK", "OK", "OK"}, tableResults(t, stdout.String()))
}

func TestSelfcheckFails(t *testing.T) {
	// accept responds to every request as if it were what the route expects.
	accept := func(userID, accountID string, signedAt time.Time, payload string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			signed := payload
			if r.Method == http.MethodGet {
				signed = sampleIDsPayload
			}
			writeIdentity(w, stripeapps.Identity{UserID: userID, AccountID: accountID, Signature: stripeapps.Signature{SignedAt: signedAt}}, signed)
		})
	}
	refuse := func(err error) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { stripeapps.WriteProblem(w, r, err) })
	}

	for name, test := range map[string]struct {
		handler http.Handler
		results string
		says    string
	}{
		"on a handler that accepts everything":                {accept(sampleUserID, sampleAccountID, testNow, samplePayload), "OK FAIL FAIL FAIL OK", "3 of 5"},
		"on a handler that answers everything with 200":       {http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "FAIL FAIL FAIL FAIL FAIL", "5 of 5"},
		"on a handler that takes everybody for somebody else": {accept("usr_admin", sampleAccountID, testNow, samplePayload), "FAIL FAIL FAIL FAIL FAIL", "5 of 5"},
		"on a handler that takes every account for another":   {accept(sampleUserID, "acct_other", testNow, samplePayload), "FAIL FAIL FAIL FAIL FAIL", "5 of 5"},
		"on a handler that tells another time":                {accept(sampleUserID, sampleAccountID, testNow.Add(time.Second), samplePayload), "FAIL FAIL FAIL FAIL FAIL", "5 of 5"},
		"on a handler that tells another payload":             {accept(sampleUserID, sampleAccountID, testNow, `{"action":"bye"}`), "FAIL FAIL FAIL FAIL OK", "4 of 5"},
		"on a handler that refuses everything":                {refuse(stripeapps.ErrNoMatch), "FAIL OK FAIL FAIL FAIL", "4 of 5"},
		"on a handler that gives the wrong status":            {refuse(stripeapps.NewError("no_match", 403, "no")), "FAIL FAIL FAIL FAIL FAIL", "5 of 5"},
		"on a handler that has other routes":                  {http.NotFoundHandler(), "FAIL FAIL FAIL FAIL FAIL", "5 of 5"},
		"on a handler that has other secrets":                 {backendWith(t, "absec_other"), "FAIL OK OK OK FAIL", "2 of 5"},
		"on a handler that hangs up": {http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}), "FAIL FAIL FAIL FAIL FAIL", "5 of 5"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			err := Selfcheck(t.Context(), &http.Server{Handler: test.handler}, testSecret, fixedNow, &stdout)
			assert.Equal(t, 1, Exit(err, &stdout, &stderr))
			assert.Equal(t, test.results, strings.Join(tableResults(t, stdout.String()), " "), "%s", stdout.String())
			assertOneLine(t, stderr.String())
			assert.Contains(t, stderr.String(), test.says)
		})
	}
	t.Run("on nothing at all, when it is interrupted", func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := Selfcheck(ctx, &http.Server{Handler: testBackend(t)}, testSecret, fixedNow, &stdout)
		assert.Equal(t, 1, Exit(err, &stdout, &stderr))
		assertOneLine(t, stderr.String())
	})
}
