package explain_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/explain"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
	"github.com/seed-8a2ffb75/stripeapps/testdata/golden"
)

const signedInstall = `{"state":"a+b/c=","user_id":"usr_123","account_id":"acct_123"}`

// installURL is the address that Stripe leads to after it has signed text.
func installURL(text, secret, state string) string {
	return "https://app.example.com/installed?" + url.Values{
		"user_id": {"usr_123"}, "account_id": {"acct_123"}, "state": {state},
		"install_signature": {stripejs.Header([]byte(text), testNow, secret)},
	}.Encode()
}

func TestExplainFindsWhatIsWrongWithAnInstall(t *testing.T) {
	type c = []explain.Cause
	right := installURL(signedInstall, testSecret, "a+b/c=")
	address := func(address string) func(*explain.Received) {
		return func(r *explain.Received) { r.InstallURL = address }
	}
	replaced := func(oldnew ...string) func(*explain.Received) {
		return address(strings.NewReplacer(oldnew...).Replace(right))
	}
	state := func(state string) func(*explain.Received) {
		return address(installURL(signedInstall, testSecret, state))
	}
	signed := func(text string) func(*explain.Received) {
		return address(installURL(text, testSecret, "a+b/c="))
	}
	at := func(d time.Duration) func(*explain.Received) {
		return func(r *explain.Received) { r.Now = testNow.Add(d) }
	}
	for _, test := range []explanationTest{
		{"nothing", func(*explain.Received) {}, c{"nothing_wrong"}, []string{"whether the state is this browser's and unused, the backend has to tell"}},
		{"nothing, in test mode, without a host and with a fragment", address(strings.TrimPrefix(right, "https://app.example.com") + "&livemode=false#_=_"), c{"nothing_wrong"}, nil},

		{"cancelled", address("https://app.example.com/installed?error=access_denied&error_description=x"), c{"install_cancelled"}, []string{"show that, and change nothing"}},
		{"cancelled and signed", address(right + "&error=access_denied"), c{"install_cancelled"}, nil},
		{"failed", address("/installed?error=server_error"), c{"install_cancelled"}, []string{"let the person start again"}},
		{"begun in the Marketplace", address("https://app.example.com/installed"), c{"install_not_started"}, []string{"neither a state nor an install_signature, as where an install was begun in the Marketplace"}},
		{"signed without a state", replaced("state=", "x="), c{"install_not_started"}, []string{"an install_signature and no state"}},
		{"an OAuth install", address("/installed?code=ac_1&state=x"), c{"install_oauth"}, []string{"exchange the code at Stripe's token endpoint"}},
		{"an OAuth install that was begun at Stripe", address("/installed?code=ac_1"), c{"install_not_started"}, []string{"leave the code unused, and lead the person to StartPath"}},
		{"without a signature", replaced("install_signature", "signature"), c{"install_not_signed"}, nil},
		{"without a user", replaced("user_id", "stripe_user_id"), c{"install_query"}, nil},
		{"a livemode that is none", address(right + "&livemode=no"), c{"install_query"}, nil},
		{"an empty livemode", address(right + "&livemode="), c{"install_query"}, nil},
		{"a parameter twice", address(right + "&state=x"), c{"install_query"}, []string{`"state" is in the query more than once`}},
		{"a secret twice", address("/?absec_x=1&absec_x=2"), c{"install_query"}, []string{"a member whose name has 7 characters"}},
		{"a percent sign", address(right + "&x=%"), c{"install_query"}, []string{"a percent sign or a semicolon"}},
		{"over 16 KiB", address(right + "&x=" + strings.Repeat("x", 16<<10)), c{"install_query"}, []string{"more than 16384"}},

		{"a state that was decoded twice", state("a b/c="), c{"state_changed"}, []string{"decode the query once, and make states of letters, digits, - and _"}},
		{"a state that was encoded twice", state(url.QueryEscape("a+b/c=")), c{"state_changed"}, nil},
		{"a state without its padding", state("a+b/c"), c{"state_changed"}, nil},
		{"another state", state("other"), c{"unknown"}, []string{"arrive as Stripe has put them into the address"}},
		{"swapped ids", signed(`{"state":"a+b/c=","user_id":"acct_123","account_id":"usr_123"}`), c{"ids_swapped"}, nil},
		{"the ids in another order", signed(`{"state":"a+b/c=","account_id":"acct_123","user_id":"usr_123"}`), c{"reordered"}, nil},
		{"the state last", signed(`{"user_id":"usr_123","account_id":"acct_123","state":"a+b/c="}`), c{"reordered"}, nil},
		{"signed over the ids alone", signed(onlyIDs), c{"install_not_started"}, []string{"or as fetchStripeSignature makes it"}},
		{"signed over a state of null", signed(`{"state":null,"user_id":"usr_123","account_id":"acct_123"}`), c{"install_not_started"}, nil},
		{"signed over an empty state", signed(`{"state":"","user_id":"usr_123","account_id":"acct_123"}`), c{"install_not_started"}, nil},

		{"too old", at(time.Hour), c{"too_old"}, []string{"do not keep the address, or, if the person has just come back, set this server's clock back"}},
		{"from the future", at(-time.Hour), c{"clock_behind"}, nil},
		{"a signature that was encoded twice", replaced("%3D1700000000", "%253D1700000000"), c{"header_changed"}, []string{"the parameter install_signature was changed on its way (percent-encoded)"}},
		{"a signature with a digit too many", replaced("v1%3D", "v1%3D0"), c{"header_malformed"}, []string{"the parameter install_signature is not t=…,v1=…"}},
		{"no secret", func(r *explain.Received) { r.Secrets = nil }, c{"secret_kind"}, nil},
		{"an endpoint's secret in place of the app's", func(r *explain.Received) { r.Secrets = unlabeled(endpointSecret) }, c{"secret_kind"}, nil},
		{"an endpoint's signature", func(r *explain.Received) {
			r.InstallURL, r.EndpointSecrets = installURL(signedInstall, endpointSecret, "a+b/c="), unlabeled(endpointSecret)
		}, c{"other_secret"}, []string{"EndpointSecrets[0], which is a webhook endpoint's: Stripe signs no install with it"}},
		{"another app's signature", func(r *explain.Received) {
			r.InstallURL = installURL(signedInstall, "absec_other", "a+b/c=")
			r.OtherSecrets = []stripeapps.LabeledSecret{{Label: "b", Secret: "absec_other"}}
		}, c{"other_secret"}, []string{"see which app's install link was used"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.run(t, explain.Received{InstallURL: right, Secrets: unlabeled(testSecret), Now: testNow})
		})
	}
}

// What only the backend knows, it has to judge: the state's key, age, browser and use.
func TestExplainAgreesWithTheGoldenInstalls(t *testing.T) {
	installs := golden.InstallVectors()
	for _, vector := range installs.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			var causes []explain.Cause
			for _, x := range explain.Explain(explain.Received{
				InstallURL: installs.RedirectURI + "?" + vector.Query, Secrets: unlabeled(vector.Secrets...), Now: time.Unix(vector.Clock, 0),
			}) {
				causes = append(causes, x.Cause)
				assertOneSentence(t, x.Text)
			}
			switch vector.Expect {
			case "accepted":
				assert.Equal(t, []explain.Cause{"nothing_wrong"}, causes)
			case "install_cancelled", "install_failed":
				assert.Equal(t, []explain.Cause{"install_cancelled"}, causes)
			case "install_not_started":
				assert.Equal(t, []explain.Cause{"install_not_started"}, causes)
			case "install_malformed":
				assert.Equal(t, []explain.Cause{"install_query"}, causes)
			case "install_signature_refused":
				assert.NotContains(t, causes, explain.NothingWrong)
			}
		})
	}
}
