package main

import (
	"testing"
)

func TestPKCE(t *testing.T) {
	testCommands(t, nil, map[string]commandTest{
		"pkce prints a pair": {args: words("pkce"), out: "code_verifier         *"},
		"pkce check finds that a pair fits": {
			args: words("pkce check -verifier dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk -challenge " +
				"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
			out: "fits: the verifier is that of the challenge\n",
		},
		"pkce check finds that it does not": {
			code: 1,
			args: words("pkce check -json -verifier sk_jftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk -challenge " +
				"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
			out: `{"fits":false,"code":"invalid_grant","detail":"*`,
		},
		"pkce check needs both": {
			args: words("pkce check -verifier x"), code: 2,
			err: "stripeapps: -verifier and -challenge are both needed (see stripeapps pkce check -h)\n",
		},
		"pkce suggests its subcommand": {
			args: words("pkce chek"), code: 2,
			err: "stripeapps: there is no command \"chek\": did you mean \"check\"? (see stripeapps pkce -h)\n",
		},
	})
}
