package stripeapps

import (
	"slices"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// newVerified reads the identity out of a payload whose signature has been
// verified.
func newVerified(payload []byte, signedAt time.Time, allowNoUser bool) (*verified, error) {
	ids, fault := signed.ReadIDs(payload, allowNoUser)
	if fault != signed.OK {
		return nil, refusalOf(fault)
	}
	both := make([]byte, 0, 2*signed.MaxIDBytes) // on the stack: one string for both ids
	text := string(append(append(both, ids.User...), ids.Account...))
	return &verified{
		identity: Identity{UserID: text[:len(ids.User)], AccountID: text[len(ids.User):], SignedAt: signedAt},
		payload:  slices.Clip(payload),
	}, nil
}

// maxDiagnosedBytes bounds what a refusal costs only to say more: anyone can cause
// it. An ErrOnlyIDsSigned is an ErrNoMatch beyond it.
const maxDiagnosedBytes = 64 << 10

// noMatch says why no signature matches, as far as that can be told.
func (v *Verifier) noMatch(h *signed.Header, payload []byte) error {
	switch {
	case v.source.onlyIDs():
		return errNoMatchIDs
	case v.source != SignedBody:
		return ErrNoMatch
	case len(payload) == 0:
		return errNoBody
	case len(payload) <= maxDiagnosedBytes && v.onlyIDsSigned(h, payload):
		return ErrOnlyIDsSigned
	default:
		return ErrNoMatch
	}
}

// onlyIDsSigned reports whether the signature, which does not cover the body,
// covers the two ids that the body names.
func (v *Verifier) onlyIDsSigned(h *signed.Header, body []byte) bool {
	ids := signed.NamedIDs(body, v.allowNoUser)
	return ids != nil && v.keys.Load().Match(h, ids) >= 0
}

func isIDByte(c rune) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
