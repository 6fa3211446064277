package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestUsage(t *testing.T) {
	testCommands(t, nil, map[string]commandTest{
		"a command is needed": {
			code: 2,
			err: "stripeapps: which command? one of sign, verify, explain, serve, pkce, manifest, completion " +
				"(see stripeapps -h)\n",
		},
		"an unknown command is corrected": {
			args: words("verfy"), code: 2,
			err: "stripeapps: there is no command \"verfy\": did you mean \"verify\"? (see stripeapps -h)\n",
		},
		"another word than a command is refused": {
			args: words("frobnicate"), code: 2,
			err: "stripeapps: there is no command \"frobnicate\" (see stripeapps -h)\n",
		},
		"an unknown flag is corrected": {
			args: words("sign -paylod x"), code: 2,
			err: "stripeapps: there is no flag -paylod: did you mean -payload? (see stripeapps sign -h)\n",
		},
		"a flag of all commands is corrected": {
			args: words("manifest check --no-colour"), code: 2,
			err: "stripeapps: there is no flag -no-colour: did you mean -no-color? (see stripeapps manifest check -h)\n",
		},
		"the beginning of a flag is corrected": {
			args: words("sign -secret x"), code: 2,
			err: "stripeapps: there is no flag -secret: did you mean -secret-file? (see stripeapps sign -h)\n",
		},
		"a flag's value is needed": {
			args: words("sign -payload"), code: 2,
			err: "stripeapps: flag needs an argument: -payload (see stripeapps sign -h)\n",
		},
		"a flag's value is needed, with two dashes": {
			args: words("sign --url"), code: 2,
			err: "stripeapps: flag needs an argument: --url (see stripeapps sign -h)\n",
		},
		"help is -h":                 {args: words("help"), out: "NAME:\n   stripeapps - *"},
		"help after a flag is -h":    {args: words("-json help"), out: "NAME:\n   stripeapps - *"},
		"help COMMAND is COMMAND -h": {args: words("help sign"), out: "NAME:\n   stripeapps sign - *"},
		"help COMMAND COMMAND is about the first": {
			args: words("help manifest check"),
			out:  "NAME:\n   stripeapps manifest - *",
		},
		"COMMAND help COMMAND too": {
			args: words("manifest help check"),
			out:  "NAME:\n   stripeapps manifest check - *",
		},
		"COMMAND help too":    {args: words("pkce help"), out: "NAME:\n   stripeapps pkce - *"},
		"completion help too": {args: words("completion help"), out: "NAME:\n   stripeapps completion - *"},
		"help of nothing is corrected": {
			args: words("help verfy"), code: 2,
			err: "stripeapps: No help topic for 'verfy'. verify (see stripeapps -h)\n",
		},
		"help as a value is a value": {
			args: words("sign -payload help"), env: []string{secretEnv}, code: 2,
			err: "stripeapps: the payload is not a JSON object: *",
		},
		"a file can be called help": {
			args: words("manifest check help"), code: 2,
			err: "stripeapps: help: cannot be read: *",
		},
		"help can stand behind an argument": {
			args: words("manifest check foo -h"),
			out:  "NAME:\n   stripeapps manifest check - *",
		},
		"an unknown flag without a command is corrected": {
			args: words("-v"), code: 2,
			err: "stripeapps: there is no flag -v: did you mean -version? (see stripeapps -h)\n",
		},
		"an unknown flag with a value is refused": {
			args: words("sign --frobnicate=x"), code: 2,
			err: "stripeapps: there is no flag -frobnicate (see stripeapps sign -h)\n",
		},
		"the version is printed":         {args: words("--version"), out: "stripeapps *"},
		"the version is printed as JSON": {args: words("-version -json"), out: `{"version":"*`},
		"a duration is one": {
			args: words("verify -tolerance 5"), code: 2,
			err: "stripeapps: invalid value \"5\" for flag -tolerance: time: missing unit in duration \"5\" " +
				"(see stripeapps verify -h)\n",
		},
		"a switch has no value": {
			args: words("sign -json=maybe"), code: 2,
			err: "stripeapps: invalid value \"maybe\" for flag -json: parse error (see stripeapps sign -h)\n",
		},
		"completion is for a shell that it knows": {
			args: words("completion foo"), code: 2,
			err: "stripeapps: there is no command \"foo\" (see stripeapps completion -h)\n",
		},
		"an escape is not printed": {
			args: []string{"\x1b[31m"}, code: 2,
			err: "stripeapps: there is no command \"\\x1b[31m\" (see *",
		},
		"completion is there":           {args: words("completion bash"), out: "# This is a shell completion script*"},
		"completion completes commands": {args: words("manifest --generate-shell-completion"), out: "check*"},
	})
}

func TestHelpOnEachLevelHasAnExampleAndTheExitCodes(t *testing.T) {
	for _, command := range []string{
		"", "sign", "verify", "explain", "serve", "pkce", "pkce check", "manifest", "manifest check", "manifest allows",
	} {
		t.Run("stripeapps "+command, func(t *testing.T) {
			got := execute(t, "", nil, append(words(command), "-h")...)
			assert.Equal(t, 0, got.code)
			assert.Contains(t, got.out, "Example: ")
			assert.Contains(t, got.out, "--help, -h")
			assert.Contains(t, got.out, exitCodesText)
			assert.Empty(t, got.err)
		})
	}
}
