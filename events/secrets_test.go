package events_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
)

// label verifies an event that is signed with a secret, and returns the secret's label.
func label(endpoint *events.Endpoint, secret string) (string, error) {
	payload := snapshot("evt_1", testType)
	event, err := endpoint.Verify([]byte(payload), sign(payload, secret, testNow))
	return event.SecretLabel, err
}

func TestASecretIsRolledWithoutARestart(t *testing.T) {
	endpoint := newEndpoint(t, events.Config{Secrets: []string{"whsec_old"}})
	require.NoError(t, endpoint.SetSecrets("whsec_new", "whsec_old"))
	for _, secret := range []string{"whsec_new", "whsec_old"} {
		_, err := label(endpoint, secret)
		assert.NoError(t, err)
	}
	require.NoError(t, endpoint.SetLabeledSecrets(stripeapps.LabeledSecret{Label: "sandbox", Secret: "whsec_new"}))
	_, err := label(endpoint, "whsec_old")
	assert.ErrorIs(t, err, stripeapps.ErrNoMatch)
	got, err := label(endpoint, "whsec_new")
	assert.NoError(t, err)
	assert.Equal(t, "sandbox", got)
}

func TestSecretsThatAreRefusedLeaveTheFormerOnesInForce(t *testing.T) {
	endpoint := newEndpoint(t, events.Config{})
	assert.EqualError(t, endpoint.SetSecrets(), "events: Secrets is empty: give the webhook endpoint's signing secret (whsec_…), shown on the endpoint's page in the Stripe Dashboard, or by stripe listen")
	assert.EqualError(t, endpoint.SetSecrets("whsec_new", "whsec_new"), "events: Secrets[1] equals Secrets[0]: give each secret once")
	assert.ErrorContains(t, endpoint.SetLabeledSecrets(), "events: LabeledSecrets is empty")
	assert.EqualError(t, endpoint.SetLabeledSecrets(stripeapps.LabeledSecret{Secret: "whsec_new"}), "events: LabeledSecrets[0] has no label: give it one, or use SetSecrets")
	_, err := label(endpoint, testSecret)
	assert.NoError(t, err)
	_, err = label(endpoint, "whsec_new")
	assert.ErrorIs(t, err, stripeapps.ErrNoMatch)
}

// It has neither modes nor handlers: it would acknowledge what nobody handles.
func TestSecretsDoNotMakeAnEndpoint(t *testing.T) {
	var endpoint events.Endpoint
	assert.ErrorIs(t, endpoint.SetSecrets(testSecret), events.ErrHandlerFailed)
	assert.ErrorIs(t, endpoint.SetLabeledSecrets(stripeapps.LabeledSecret{Label: "a", Secret: testSecret}), events.ErrHandlerFailed)
	assertServes(t, &endpoint, newRequest(snapshot("evt_1", testType)), 500, "handler_failed")
}

func TestSecretsAreReplacedWhileEventsAreServed(t *testing.T) {
	endpoint := newEndpoint(t, events.Config{})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				if i%2 == 0 {
					assert.NoError(t, endpoint.SetSecrets(testSecret))
					assert.NoError(t, endpoint.SetLabeledSecrets(stripeapps.LabeledSecret{Label: "a", Secret: "whsec_a"}, stripeapps.LabeledSecret{Label: "b", Secret: testSecret}))
				} else {
					got, err := label(endpoint, testSecret)
					assert.NoError(t, err)
					assert.Contains(t, []string{"", "b"}, got)
				}
			}
		})
	}
	all.Wait()
}
