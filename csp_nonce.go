package stripeapps

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"
)

const (
	nonceBytes = 16 // CSP3 §7.1: at least 128 bits

	// minNonceLen is what 16 bytes in base64url have.
	minNonceLen = 22
	maxNonceLen = 128
)

type nonceKey struct{}

// NonceFrom returns the nonce of the response to the request with this context,
// for the nonce attributes of a page, or "" if NewCSP has not made one: outside
// it, or where its policies do not have CSPNonce. It needs no escaping.
func NonceFrom(ctx context.Context) string {
	nonce, _ := ctx.Value(nonceKey{}).(string)
	return nonce
}

// ContextWithNonce returns a context from which NonceFrom gets nonce, for unit
// tests of templates and of handlers that stand behind NewCSP. It checks
// nothing. Never use it to give responses a nonce that is not new: a NewCSP
// behind it sends this one.
func ContextWithNonce(ctx context.Context, nonce string) context.Context {
	return context.WithValue(ctx, nonceKey{}, nonce)
}

// newNonce makes a nonce of base64url, which has nothing that HTML escapes.
func newNonce() string {
	var random [nonceBytes]byte
	rand.Read(random[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// isNonce reports whether s can stand in a policy and has the length of a nonce
// that cannot be guessed.
func isNonce(s string) bool {
	return minNonceLen <= len(s) && len(s) <= maxNonceLen &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isIDByte(r) && r != '-' })
}
