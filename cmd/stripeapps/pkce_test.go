package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps"
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
		"pkce check says what is wrong": {
			code: 1,
			args: words("pkce check -verifier dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk -challenge " +
				"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM="),
			out: "does not fit: invalid_grant: code_verifier does not match the code_challenge of the authorization request\n" +
				"the challenge has padding, a = at its end: " + sendS256 + "\n",
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

func TestPKCEAdvice(t *testing.T) {
	// https://www.rfc-editor.org/rfc/rfc7636#appendix-B
	const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	sum := func(text string) []byte { hash := sha256.Sum256([]byte(text)); return hash[:] }
	hash := sum(verifier)
	inHex, right := hex.EncodeToString(hash), stripeapps.S256Challenge(verifier)
	assert.Contains(t, right, "-", "base64 has another character there")
	std := base64.StdEncoding.EncodeToString(hash)
	other := stripeapps.S256Challenge("another")
	inBytes, err := base64.RawURLEncoding.DecodeString(verifier)
	assert.NoError(t, err)

	for name, test := range map[string]struct{ verifier, challenge, advice string }{
		"padding":                   {verifier, right + "=", "the challenge has padding, a = at its end"},
		"base64":                    {verifier, strings.TrimRight(std, "="), "is in base64, whose + and / are not base64url's - and _"},
		"base64 with padding":       {verifier, std, "is in base64, whose + and / are not base64url's - and _, with padding"},
		"hex":                       {verifier, inHex, "the challenge is the hash in hex"},
		"hex in capitals":           {verifier, strings.ToUpper(inHex), "the challenge is the hash in hex"},
		"base64 of the hex":         {verifier, base64.StdEncoding.EncodeToString([]byte(inHex)), "is the base64 of the hash in hex"},
		"base64url of the hex":      {verifier, base64.RawURLEncoding.EncodeToString([]byte(inHex)), "is the base64 of the hash in hex"},
		"plain":                     {verifier, verifier, "the challenge is the verifier itself"},
		"a line break":              {verifier, stripeapps.S256Challenge(verifier + "\n"), "is that of the verifier with a line break at its end, as echo writes it: send"},
		"a line break, in hex":      {verifier, hex.EncodeToString(sum(verifier + "\n")), "with a line break at its end, as echo writes it, and is the hash in hex"},
		"CRLF":                      {verifier, stripeapps.S256Challenge(verifier + "\r\n"), "is that of the verifier with a line break at its end: "},
		"a verifier with one":       {verifier + "\n", right, "is that of the verifier without the white space around it"},
		"the bytes":                 {verifier, stripeapps.S256Challenge(string(inBytes)), "is that of the bytes that the verifier stands for"},
		"the bytes of hex":          {inHex, stripeapps.S256Challenge(string(hash)), "is that of the bytes that the verifier stands for"},
		"a padded verifier":         {verifier + "=", right, "is that of the verifier without its padding"},
		"white space":               {verifier, right + "\n", "the challenge has white space around it: send"},
		"swapped":                   {right, verifier, "the two are swapped, -verifier is the challenge of -challenge"},
		"swapped, and padded":       {right + "=", verifier, "the two are swapped, and -verifier, which is the challenge then, has padding"},
		"swapped, and hex":          {inHex, verifier, "the two are swapped, and -verifier, which is the challenge then, is the hash in hex"},
		"another":                   {verifier, other, "has the right form and is that of another verifier"},
		"another, padded":           {verifier, other + "=", "the challenge has padding, a =, and is that of another verifier"},
		"another, in hex":           {verifier, hex.EncodeToString(sum("another")), "the challenge is in hex, and is that of another verifier"},
		"another, in base64":        {verifier, "+" + other[1:], "the challenge has + or /"},
		"another, with white space": {verifier, " " + other, "has white space around it, and is that of another verifier"},
		"percent-encoded":           {verifier, url.QueryEscape("a=" + other), "the challenge is percent-encoded"},
		"odd characters":            {verifier, "é" + other, "a character other than letters, digits, - and _"},
		"cut":                       {verifier, right[:42], "the challenge has 42 characters instead of 43"},
		"changed at its end":        {verifier, other[:42] + "B", "its last character stands for bits that are left over"},
		"a short verifier":          {"short", other, "the verifier has 5 characters instead of 43 to 128"},
		"a long verifier":           {strings.Repeat("x", 129), other, "the verifier has 129 characters"},
		"an odd verifier":           {verifier + "/", other, "the verifier has a character other than"},
		"a padded verifier alone":   {verifier + "==", other, "the verifier has padding"},
		"white space alone":         {verifier + " ", other, "the verifier has white space around it"},
	} {
		t.Run(name, func(t *testing.T) {
			advice := pkceAdvice(test.verifier, test.challenge)
			assert.Contains(t, advice, test.advice)
			assert.NotContains(t, advice, test.verifier)
			_, change, _ := strings.Cut(advice, ": ")
			assert.NotEmpty(t, change)
		})
	}
}
