package csp

import (
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

// NewNonce makes a nonce of base64url, which has nothing that HTML escapes.
func NewNonce() string {
	var random [nonceBytes]byte
	rand.Read(random[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// IsNonce reports whether s can stand in a policy and has the length of a nonce
// that cannot be guessed.
func IsNonce(s string) bool {
	const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return minNonceLen <= len(s) && len(s) <= maxNonceLen && strings.Trim(s, base64url) == ""
}
