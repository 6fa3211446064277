package explain

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// Members' names are the caller's: keys of a map that became a member each can
// be tokens, or the customers' data. A name is shown only if it looks like one
// that a developer has chosen.

// shownName is a member's name for a sentence, or what can be said of it.
func shownName(name string) string {
	if looksLikeName(name) {
		return fmt.Sprintf("%q", name)
	}
	n := utf8.RuneCountInString(name)
	if n == 1 {
		return "a member whose name has 1 character"
	}
	return fmt.Sprintf("a member whose name has %d characters", n)
}

func looksLikeName(name string) bool {
	const most = 40
	if name == "" || len(name) > most || signed.HoldsSecret(name) {
		return false
	}
	if strings.ContainsFunc(name, func(r rune) bool { return classOf(r) == other && !strings.ContainsRune("_-.", r) }) {
		return false
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return classOf(r) == other })
	for i, word := range words {
		switch strings.ToLower(word) {
		case "sk", "rk", "absec", "whsec": // what follows can be a secret of Stripe's, of a form yet unknown
			if i+1 < len(words) {
				return false
			}
		}
		if looksRandom(word) {
			return false
		}
	}
	return !holdsHexOrDigits(strings.Join(words, ""))
}

type class uint8

const (
	other class = iota
	lower
	upper
	digit
)

func classOf(r rune) class {
	switch {
	case 'a' <= r && r <= 'z':
		return lower
	case 'A' <= r && r <= 'Z':
		return upper
	case '0' <= r && r <= '9':
		return digit
	}
	return other
}

// looksRandom reports whether a word changes between small letters, capitals and
// digits as often as base64 does, in which such runs have fewer than two characters
// on average. Those of billingAddressLine1 have four.
func looksRandom(word string) bool {
	const short = 10
	changes := 0
	for i := 1; i < len(word); i++ {
		if classOf(rune(word[i])) != classOf(rune(word[i-1])) {
			changes++
		}
	}
	return len(word) >= short && 5*changes >= 2*len(word)
}

// holdsHexOrDigits finds the hex of a hash or a UUID, and numbers of cards, of
// accounts and of telephones.
func holdsHexOrDigits(s string) bool {
	const longHex, longNumber = 16, 8
	hex, hexDigits, digits := 0, 0, 0
	for _, r := range strings.ToLower(s) {
		switch {
		case classOf(r) == digit:
			digits++
			hexDigits++
			hex++
		case r <= 'f':
			digits = 0
			hex++
		default:
			digits, hexDigits, hex = 0, 0, 0
		}
		if digits >= longNumber || hex >= longHex && hexDigits > 0 {
			return true
		}
	}
	return false
}
