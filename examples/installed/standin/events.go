package standin

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

const deauthorized = "account.application.deauthorized"

// client sends events. It does not follow redirects, as Stripe does not.
var client = &http.Client{
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// uninstall takes the app away from the account, and tells the app.
func (s *Stripe) uninstall(w http.ResponseWriter, r *http.Request) {
	if !s.seen.now().Granted {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	event := stripeappstest.NewEvent(s.eventsURL(), deauthorized, nil,
		stripeappstest.WithAccount(AccountID), stripeappstest.WithSecret(WebhookSecret), stripeappstest.InTestMode())
	s.Withdraw()
	s.deliver(event)
	http.Redirect(w, r, "/#uninstall", http.StatusSeeOther)
}

// deliverAgain sends the last event once more, signed anew, as Stripe does at times.
func (s *Stripe) deliverAgain(w http.ResponseWriter, r *http.Request) {
	if last := s.seen.now().Event; last != nil {
		s.deliver(stripeappstest.NewRawEvent(s.eventsURL(), last.Raw, stripeappstest.WithSecret(WebhookSecret)))
	}
	http.Redirect(w, r, "/#uninstall", http.StatusSeeOther)
}

func (s *Stripe) eventsURL() string { return s.appURL + "/stripe/events" }

func (s *Stripe) deliver(event *http.Request) {
	raw, _ := io.ReadAll(event.Body) // it is in memory
	event.Body = io.NopCloser(bytes.NewReader(raw))
	event.RequestURI = "" // of a request that was received
	d := delivery{To: s.eventsURL(), Signature: event.Header.Get("Stripe-Signature"), Raw: raw}
	var envelope struct{ ID, Type, Account string }
	json.Unmarshal(raw, &envelope) // it was made here
	d.ID, d.Type, d.Account = envelope.ID, envelope.Type, envelope.Account
	if response, err := client.Do(event); err == nil {
		response.Body.Close()
		d.Status = response.StatusCode
	}
	s.seen.change(func(v *view) {
		d.Times = 1
		if v.Event != nil && v.Event.ID == d.ID {
			d.Times += v.Event.Times
		}
		v.Event = &d
	})
}

// Withdraw takes the app away from the account. The event is still on its way.
func (s *Stripe) Withdraw() {
	s.tokens.Uninstall(theInstall)
	s.seen.change(func(v *view) { v.Granted = false })
}
