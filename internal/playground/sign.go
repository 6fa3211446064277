package playground

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/dashboard"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// Who uses the Dashboard, and what Stripe signs for them: the ids alone without a
// payload, and otherwise at its end.
const (
	sampleUserID    = "usr_quickstart"
	sampleAccountID = "acct_quickstart"
	sampleIDs       = `"user_id":"` + sampleUserID + `","account_id":"` + sampleAccountID + `"}`

	samplePayload    = `{"action":"hello","livemode":false,` + sampleIDs
	sampleIDsPayload = `{` + sampleIDs
)

// signature returns the Stripe-Signature that Stripe would make. A backend never
// signs: the extension gets this value from fetchStripeSignature.
func signature(text, secret string, at time.Time) string {
	return stripejs.Header([]byte(text), at, secret)
}

// signer is the endpoint that plays Stripe for the page. The time cannot be
// chosen, nor who signs, and it signs nothing but what the page's extension sends.
type signer struct {
	secret string
	now    func() time.Time
}

const maxSignBytes = 4 << 10

// expiredAge is the age of a signature that is made too old.
const expiredAge = 2 * stripeapps.DefaultTolerance

var errBadSignRequest = stripeapps.NewError("bad_sign_request", http.StatusBadRequest,
	`this endpoint takes {"age":"new"} or {"age":"expired"}, `+
		`with a "payload" of the strings "action" and "note" or without one`)

func (s signer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, signature, err := s.sign(http.MaxBytesReader(w, r.Body, maxSignBytes))
	if err != nil {
		stripeapps.WriteProblem(w, r, errBadSignRequest)
		return
	}
	respondJSON(w, r, map[string]string{"signature": signature, "signed": string(text)})
}

func (s signer) sign(request io.Reader) (text []byte, signature string, err error) {
	asked := struct {
		Age     string
		Payload json.RawMessage
	}{Payload: json.RawMessage("{}")}
	if err := decodeStrictly(request, &asked); err != nil {
		return nil, "", err
	}
	var members struct{ Action, Note string } // and so no ids
	if err := decodeStrictly(bytes.NewReader(asked.Payload), &members); err != nil {
		return nil, "", err
	}
	at := s.now()
	switch asked.Age {
	case "new":
	case "expired":
		at = at.Add(-expiredAge)
	default:
		return nil, "", errBadSignRequest
	}
	stripe := dashboard.Stripe{
		Secrets:   []string{s.secret},
		UserID:    sampleUserID,
		AccountID: sampleAccountID,
		Now:       func() time.Time { return at },
	}
	return stripe.Sign(asked.Payload)
}

// decodeStrictly reads one JSON document without unknown members.
func decodeStrictly(from io.Reader, into any) error {
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind the document")
	}
	return nil
}

func respondJSON(w http.ResponseWriter, r *http.Request, value any) {
	document, err := json.Marshal(value)
	if err != nil {
		stripeapps.WriteProblem(w, r, err)
		return
	}
	respond(w, typeJSON, document)
}
