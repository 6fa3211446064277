package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
)

const (
	secret = "absec_benchmarks_secret"

	userID, accountID = "usr_123", "acct_123"
)

// payloadOf returns a payload of exactly size bytes, as an extension sends it.
func payloadOf(size int) []byte {
	const head, tail = `{"note":"`, `","user_id":"` + userID + `","account_id":"` + accountID + `"}`
	return []byte(head + strings.Repeat("x", size-len(head)-len(tail)) + tail)
}

// tampered returns a payload that differs by one letter of its note.
func tampered(payload []byte) []byte {
	return bytes.Replace(payload, []byte(`:"x`), []byte(`:"y`), 1)
}

// macOf is the HMAC-SHA256 of some texts after each other.
func macOf(key string, texts ...[]byte) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	for _, text := range texts {
		mac.Write(text)
	}
	return mac.Sum(nil)
}

// stripeSignature returns the value of the header Stripe-Signature.
func stripeSignature(payload []byte, at time.Time) string {
	return fmt.Sprintf("t=%d,v1=%x", at.Unix(), macOf(secret, fmt.Appendf(nil, "%d.", at.Unix()), payload))
}

// sizeOf tells a size as the page does.
func sizeOf(bytes int) string {
	if bytes < 1<<10 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%d KiB", bytes>>10)
}
