package standin

import (
	"io"
	"net/http"
	"strings"
)

const balanceText = `{
  "object": "balance",
  "available": [{"amount": 128450, "currency": "eur"}],
  "pending": [{"amount": 9900, "currency": "eur"}],
  "livemode": false
}
`

// api plays https://api.stripe.com. The key is the app's, and Stripe-Account says for which
// account it calls; or it is a token of the account, and nothing else says so. Either way,
// the account must have the app.
//
// https://docs.stripe.com/api/balance/balance_retrieve
func (s *Stripe) api(w http.ResponseWriter, r *http.Request) {
	key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	account := r.Header.Get("Stripe-Account")
	status, answer := s.answer(r, key, account)
	s.seen.change(func(v *view) {
		v.Call = &call{Method: r.Method, Path: r.URL.Path, Key: masked(key), Account: account, Status: status, Answer: answer}
	})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, answer) // nothing can be done about a client that went away
}

func (s *Stripe) answer(r *http.Request, key, account string) (int, string) {
	_, isToken := s.tokens.Accepts(key)
	isToken = isToken && s.oauth
	switch {
	case !isToken && (key != SecretKey || s.oauth):
		return http.StatusUnauthorized, apiError("invalid_request_error", "Invalid API Key provided.")
	case !isToken && account != AccountID, isToken && account != "", !s.seen.now().Granted:
		return http.StatusForbidden, apiError("invalid_request_error", "The provided key does not have access to this account.")
	case r.Method != http.MethodGet || r.URL.Path != "/v1/balance":
		return http.StatusNotFound, apiError("invalid_request_error", "Unrecognized request URL.")
	}
	return http.StatusOK, balanceText
}

func apiError(kind, message string) string {
	return `{"error": {"type": ` + quoted(kind) + `, "message": ` + quoted(message) + "}}\n"
}

// masked shows what kind of key it is.
func masked(key string) string {
	if len(key) < len("sk_test_") {
		return ""
	}
	return key[:len("sk_test_")] + "…"
}
