package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps"
)

const sendS256 = "send the SHA-256 of the verifier's characters in base64url without padding (S256)"

// pkceAdvice says which of the usual mistakes was made with a verifier and a challenge
// that do not fit, and what to change. It tries them, and falls back on what the form
// of the two shows.
func pkceAdvice(verifier, challenge string) string {
	if challenge == verifier {
		return "the challenge is the verifier itself, as in the method plain: " + sendS256
	}
	if how := challengeMistake(verifier, challenge); how != "" {
		return "the challenge " + how + ": " + sendS256
	}
	if stripeapps.S256Challenge(challenge) == verifier {
		return "the two are swapped, -verifier is the challenge of -challenge: give each in the other's place"
	}
	if how := challengeMistake(challenge, verifier); how != "" {
		return "the two are swapped, and -verifier, which is the challenge then, " + how + ": give each in the other's place, and " + sendS256
	}
	if fault := verifierFault(verifier); fault != "" {
		return fault
	}
	return challengeFault(challenge)
}

// challengeMistake says how a challenge was made from a verifier, if not in the right way.
func challengeMistake(verifier, challenge string) string {
	for _, hashed := range []struct{ text, of string }{
		{verifier, ""},
		{verifier + "\n", "is that of the verifier with a line break at its end, as echo writes it"},
		{verifier + "\r\n", "is that of the verifier with a line break at its end"},
		{strings.TrimSpace(verifier), "is that of the verifier without the white space around it"},
		{strings.TrimRight(verifier, "="), "is that of the verifier without its padding"},
		{verifier + "=", "is that of the verifier with padding"},
		{decoded(verifier), "is that of the bytes that the verifier stands for, and not of its characters"},
	} {
		if how, is := hashForm(sha256.Sum256([]byte(hashed.text)), challenge); is {
			if hashed.of != "" && how != "" {
				return hashed.of + ", and " + how
			}
			return hashed.of + how
		}
	}
	return ""
}

// decoded is what a verifier stands for if it was made as base64url or hex.
func decoded(verifier string) string {
	if bytes, err := hex.DecodeString(verifier); err == nil {
		return string(bytes)
	}
	bytes, _ := base64.RawURLEncoding.DecodeString(verifier)
	return string(bytes)
}

// hashForm says how a hash is written, "" if it is as it should be.
func hashForm(hash [sha256.Size]byte, challenge string) (how string, is bool) {
	trimmed := strings.TrimSpace(challenge)
	around := ""
	if trimmed != challenge {
		around = "has white space around it"
	}
	inHex := hex.EncodeToString(hash[:])
	switch trimmed {
	case base64.RawURLEncoding.EncodeToString(hash[:]):
		return around, true
	case base64.URLEncoding.EncodeToString(hash[:]):
		return "has padding, a = at its end", true
	case base64.RawStdEncoding.EncodeToString(hash[:]):
		return "is in base64, whose + and / are not base64url's - and _", true
	case base64.StdEncoding.EncodeToString(hash[:]):
		return "is in base64, whose + and / are not base64url's - and _, with padding", true
	case inHex, strings.ToUpper(inHex):
		return "is the hash in hex", true
	}
	for _, digits := range []string{inHex, strings.ToUpper(inHex)} {
		if strings.TrimRight(trimmed, "=") == base64.RawURLEncoding.EncodeToString([]byte(digits)) {
			return "is the base64 of the hash in hex, and not of its bytes", true
		}
	}
	return "", false
}

// verifierFault says why something is no verifier.
func verifierFault(verifier string) string {
	const makeOne = ": make one of 32 random bytes in base64url, or by stripeapps pkce"
	switch wrong := firstOther(verifier, "-._~"); {
	case strings.TrimSpace(verifier) != verifier:
		return "the verifier has white space around it: remove it"
	case wrong == "=":
		return "the verifier has padding, a =, which no verifier may have: remove it before it is hashed, and sent"
	case wrong != "":
		return "the verifier has a character other than letters, digits, -, ., _ and ~" + makeOne
	case len(verifier) < 43 || len(verifier) > 128:
		return fmt.Sprintf("the verifier has %d characters instead of 43 to 128", len(verifier)) + makeOne
	}
	return ""
}

// challengeFault says why something is no challenge, or that it is another one's.
func challengeFault(challenge string) string {
	switch wrong := firstOther(challenge, "-_"); {
	case strings.TrimSpace(challenge) != challenge:
		return "the challenge has white space around it, and is that of another verifier: " + sendS256
	case wrong == "+" || wrong == "/":
		return "the challenge has + or /, which are not base64url, and is that of another verifier: " + sendS256
	case wrong == "=":
		return "the challenge has padding, a =, and is that of another verifier: " + sendS256
	case wrong == "%":
		return "the challenge is percent-encoded: give it as it is before that"
	case wrong != "":
		return "the challenge has a character other than letters, digits, - and _: " + sendS256
	case len(challenge) == 64 && isHex(challenge):
		return "the challenge is in hex, and is that of another verifier: " + sendS256
	case len(challenge) != 43:
		return fmt.Sprintf("the challenge has %d characters instead of 43: ", len(challenge)) + sendS256
	case !strings.Contains("AEIMQUYcgkosw048", challenge[42:]):
		return "the challenge is no hash in base64url, as its last character stands for bits that are left over: see that none of it was changed or cut off"
	}
	return "the challenge has the right form and is that of another verifier: keep the verifier of each flow with its state, and send that"
}

// firstOther returns the first character that is no letter, no digit and not one of
// others, or "".
func firstOther(s, others string) string {
	i := strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9') && !strings.ContainsRune(others, r)
	})
	if i < 0 {
		return ""
	}
	return s[i : i+1]
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil
}
