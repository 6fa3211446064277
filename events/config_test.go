package events_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
)

func nothing(context.Context, events.Event) error { return nil }

func forget(context.Context, events.Change) error { return nil }

func TestEverythingThatIsWrongWithAConfigurationIsSaidAtOnce(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  events.Config
		want []string
	}{
		{"nothing is set", events.Config{}, []string{
			"events: Config.Secrets is empty: give the webhook endpoint's signing secret (whsec_…), shown on the endpoint's page in the Stripe Dashboard, or by stripe listen",
			"events: Config has no handler: set Installs, Handlers or Other",
			"events: Config.Accept is not one of LiveOnly, TestOnly and LiveAndTest: choose one, as test events can reach a live endpoint",
		}},
		{"an app's secret, and another that comes twice", events.Config{Secrets: []string{"absec_1", testSecret, testSecret}, Accept: events.LiveOnly, Other: nothing}, []string{
			"events: Config.Secrets[0] looks like an app's signing secret (absec_…): use the webhook endpoint's signing secret (whsec_…), shown on the endpoint's page in the Stripe Dashboard, or by stripe listen",
			"events: Config.Secrets[2] equals Config.Secrets[1]: give each secret once",
		}},
		{"both kinds of lists", events.Config{Secrets: []string{testSecret}, LabeledSecrets: []stripeapps.LabeledSecret{{Label: "a", Secret: "whsec_a"}}, Accept: events.TestOnly, Other: nothing}, []string{
			"events: Config.Secrets and Config.LabeledSecrets are both set: give each secret a label, or none",
		}},
		{"a secret without a label, and one as a label", events.Config{LabeledSecrets: []stripeapps.LabeledSecret{{Secret: "whsec_a"}, {Label: "whsec_b", Secret: "whsec_b"}}, Accept: events.TestOnly, Other: nothing}, []string{
			"events: Config.LabeledSecrets[0] has no label: give it one, or use Config.Secrets",
			"events: Config.LabeledSecrets[1] has what looks like a secret as its label, which is shown",
		}},
		{"times and sizes below zero", events.Config{Secrets: []string{testSecret}, Accept: 4, Other: nothing, HandlerTimeout: -1, Remember: -1, Tolerance: -1, BodyTimeout: -1, MaxBodyBytes: -1}, []string{
			"events: Config.Accept is not one of LiveOnly, TestOnly and LiveAndTest: choose one, as test events can reach a live endpoint",
			"events: Config.HandlerTimeout is -1ns: it must be 0 (meaning 30s) or from 1ns to 1h0m0s",
			"events: Config.Remember is -1ns: it must be 0 (meaning 96h0m0s) or from 1ns to 8760h0m0s",
			"events: Config.Tolerance is -1ns: it must be 0 (meaning 5m0s) or from 1ns to 24h0m0s",
			"events: Config.BodyTimeout is -1ns: it must be 0 (meaning 30s) or from 1ns to 24h0m0s",
			"events: Config.MaxBodyBytes is -1: it must be 0 (meaning 1048576) or from 1 to 1073741824",
		}},
		{"times and sizes beyond the limits", events.Config{Secrets: []string{testSecret}, Accept: events.LiveOnly, Other: nothing, HandlerTimeout: time.Hour + 1, Remember: 8760*time.Hour + 1, Tolerance: 24*time.Hour + 1, BodyTimeout: 24*time.Hour + 1, MaxBodyBytes: 1<<30 + 1}, []string{
			"events: Config.HandlerTimeout is 1h0m0.000000001s: it must be 0 (meaning 30s) or from 1ns to 1h0m0s",
			"events: Config.Remember is 8760h0m0.000000001s: it must be 0 (meaning 96h0m0s) or from 1ns to 8760h0m0s",
			"events: Config.Tolerance is 24h0m0.000000001s: it must be 0 (meaning 5m0s) or from 1ns to 24h0m0s",
			"events: Config.BodyTimeout is 24h0m0.000000001s: it must be 0 (meaning 30s) or from 1ns to 24h0m0s",
			"events: Config.MaxBodyBytes is 1073741825: it must be 0 (meaning 1048576) or from 1 to 1073741824",
		}},
		{"handlers that would never be called", events.Config{Secrets: []string{testSecret}, Accept: events.LiveOnly, Installs: forget, Handlers: map[string]events.Handler{
			"": nothing, "invoice.*": nothing, "invoice.paid": nil, "account.application.deauthorized": nothing, "charge.succeeded": nothing,
		}}, []string{
			`events: Config.Handlers[""] is not for one type of event: name it in full, or use Other`,
			`events: Config.Handlers["account.application.deauthorized"] is for what Installs is called for: set one of them`,
			`events: Config.Handlers["invoice.*"] is not for one type of event: name it in full, or use Other`,
			`events: Config.Handlers["invoice.paid"] is nil`,
		}},
		{"an app with a space, and nothing that it is for", events.Config{Secrets: []string{testSecret}, Accept: events.LiveOnly, Other: nothing, App: "com.example "}, []string{
			"events: Config.App is not 0 to 255 bytes of printable ASCII without spaces",
			"events: Config.App is compared for Installs only: set Installs, or compare in the handler",
		}},
		{"an app of 256 bytes", events.Config{Secrets: []string{testSecret}, Accept: events.LiveOnly, Installs: forget, App: strings.Repeat("a", 256)}, []string{
			"events: Config.App is not 0 to 255 bytes of printable ASCII without spaces",
		}},
		{"a scope with a slash", events.Config{Secrets: []string{testSecret}, Accept: events.LiveOnly, Other: nothing, Scope: "a/b"}, []string{
			"events: Config.Scope is not 0 to 64 letters, digits, - or _",
		}},
		{"a scope of 65 bytes", events.Config{Secrets: []string{testSecret}, Accept: events.LiveOnly, Other: nothing, Scope: strings.Repeat("s", 65)}, []string{
			"events: Config.Scope is not 0 to 64 letters, digits, - or _",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			endpoint, err := events.NewEndpoint(test.cfg)
			require.Error(t, err)
			assert.Equal(t, strings.Join(test.want, "\n"), err.Error())
			assert.NotContains(t, err.Error(), testSecret)
			assert.Nil(t, endpoint)
		})
	}
}

func TestTheLimitsOfAConfigurationAreAllowed(t *testing.T) {
	for _, cfg := range []events.Config{
		{HandlerTimeout: 1, Remember: 1, Tolerance: 1, BodyTimeout: 1, MaxBodyBytes: 1, Scope: "a"},
		{HandlerTimeout: time.Hour, Remember: 8760 * time.Hour, Tolerance: 24 * time.Hour, BodyTimeout: 24 * time.Hour, MaxBodyBytes: 1 << 30, Scope: strings.Repeat("-", 64)},
	} {
		cfg.Secrets, cfg.Accept, cfg.Other = []string{testSecret}, events.LiveOnly, nothing
		_, err := events.NewEndpoint(cfg)
		assert.NoError(t, err)
	}
}

func TestAConfigurationIsCopied(t *testing.T) {
	cfg := events.Config{Secrets: []string{testSecret}, Handlers: map[string]events.Handler{testType: nothing}}
	endpoint := newEndpoint(t, cfg)
	cfg.Secrets[0] = "whsec_other"
	cfg.Handlers[testType] = func(context.Context, events.Event) error { return errors.New("changed") }
	assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)), 200, "")
}

func TestAnEndpointThatWasNotMadeTakesNothing(t *testing.T) {
	var endpoint events.Endpoint
	assertServes(t, &endpoint, newRequest(snapshot("evt_1", testType)), 500, "handler_failed")
	_, err := endpoint.Verify([]byte("{}"), "t=1,v1=0")
	assert.ErrorIs(t, err, events.ErrHandlerFailed)
	event, err := events.ParseUnverified([]byte(snapshot("evt_1", testType)))
	require.NoError(t, err)
	assert.ErrorIs(t, endpoint.Handle(t.Context(), event), events.ErrHandlerFailed)
}
