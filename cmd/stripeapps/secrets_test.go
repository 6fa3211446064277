package main

import (
	"testing"
)

func TestSecretsOnTheCommandLineAreRefused(t *testing.T) {
	testCommands(t, nil, map[string]commandTest{
		"an app's secret is refused and not shown": {
			args: words("sign -secret absec_9"), code: 2,
			err: "stripeapps: " + secretRefusal + "\n",
		},
		"the secret that is configured is refused, whatever it looks like": {
			args: words("verify -tolerance=hunter2hunter2"), env: []string{"STRIPE_APP_SECRET=x,hunter2hunter2"},
			code: 2,
			err:  "stripeapps: " + secretRefusal + "\n",
		},
		"a webhook's secret is refused": {
			args: words("verify --secret=whsec_9"), code: 2,
			err: "stripeapps: " + secretRefusal + "\n",
		},
		"an API key is refused": {
			args: words("verify -secret sk_abc"), code: 2,
			err: "stripeapps: " + secretRefusal + "\n",
		},
		"an organization's API key within a URL is refused": {
			args: words("sign -url https://h/?k=sk_org_live_1"), code: 2,
			err: "stripeapps: " + secretRefusal + "\n",
		},
		"an API key within a URL is refused": {
			args: words("sign -url https://h/?k=rk_test_1"), code: 2,
			err: "stripeapps: " + secretRefusal + "\n",
		},
	})
}
