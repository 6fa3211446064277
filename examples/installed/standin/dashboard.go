package standin

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/seed-8a2ffb75/stripeapps"
)

// extensionPolicy is for the extension, whose origin is null in its sandbox. As with
// content_security_policy in stripe-app.json, it may connect to the app and nowhere else.
func extensionPolicy(appURL string) stripeapps.Policy {
	return stripeapps.Policy{
		{Name: "default-src", Sources: []string{stripeapps.CSPNone}},
		{Name: "script-src", Sources: []string{stripeapps.CSPNonce}},
		{Name: "style-src", Sources: []string{stripeapps.CSPNonce}},
		{Name: "img-src", Sources: []string{"data:"}},
		{Name: "connect-src", Sources: []string{appURL}},
		{Name: "base-uri", Sources: []string{stripeapps.CSPNone}},
		{Name: "form-action", Sources: []string{stripeapps.CSPNone}},
		{Name: "frame-ancestors", Sources: []string{stripeapps.CSPSelf}},
		{Name: "sandbox", Sources: []string{"allow-scripts"}},
	}
}

// sign plays fetchStripeSignature.
func (s *Stripe) sign(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<10))
	if err != nil {
		http.Error(w, "the payload is longer than 4 KiB", http.StatusRequestEntityTooLarge)
		return
	}
	text, signature, err := s.signer.Sign(payload)
	if err != nil {
		http.Error(w, "the payload is no object", http.StatusBadRequest)
		return
	}
	s.seen.change(func(v *view) {
		v.Request = &request{To: s.appURL + "/api/balance", Body: string(text), Signature: signature}
		v.Call = nil // one that is refused makes none
	})
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, signature) // nothing can be done about a client that went away
}

// answered is what the extension tells of the app's response, for the page.
func (s *Stripe) answered(w http.ResponseWriter, r *http.Request) {
	var answer struct {
		Status       int
		Code, Detail string
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&answer); err != nil {
		http.Error(w, "not JSON of status, code and detail", http.StatusBadRequest)
		return
	}
	s.seen.change(func(v *view) {
		if v.Request == nil {
			return
		}
		now := *v.Request
		now.Status, now.Code, now.Detail = answer.Status, answer.Code, answer.Detail
		v.Request = &now
	})
	w.WriteHeader(http.StatusNoContent)
}
