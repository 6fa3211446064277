package stripeapps

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/seed-8a2ffb75/stripeapps/internal/body"
	"github.com/seed-8a2ffb75/stripeapps/internal/decode"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// Identity says whose request it is, as signed by Stripe.
type Identity struct {
	// UserID is the id of the Dashboard user (usr_…). It is empty only under
	// VerifierConfig.InsecureAllowMissingUser.
	UserID string
	// AccountID is the id of the Stripe account that the user is looking at
	// (acct_…).
	AccountID string
	// Signature says when Stripe signed, and with which of the secrets.
	Signature
}

// verified is what the context of a verified request holds.
type verified struct {
	identity Identity
	payload  []byte
	verifier *Verifier // nil: ContextWithIdentity has made this
	body     body.Again
}

type contextKey struct{}

func fromContext(ctx context.Context) *verified {
	v, _ := ctx.Value(contextKey{}).(*verified)
	return v
}

// IdentityFrom returns the identity that was verified for the request with this
// context; ok is false outside the chain, and id is then nobody's: do not go on
// with it. Where there is always one, MustIdentity cannot be misread.
func IdentityFrom(ctx context.Context) (id Identity, ok bool) {
	v := fromContext(ctx)
	if v == nil {
		return Identity{}, false
	}
	return v.identity, true
}

// MustIdentity returns the identity that was verified for the request with this
// context. It is for handlers that stand behind the chain. Anywhere else, and with
// another context than the request's, as some frameworks have, it panics with
// ErrNotVerified, so that no handler acts for an empty account. (Behind NewCORS
// that is a 500 that the caller can read.)
func MustIdentity(ctx context.Context) Identity {
	id, ok := IdentityFrom(ctx)
	if !ok {
		panic(ErrNotVerified)
	}
	return id
}

// SignedPayload returns the exact bytes that were signed, or nil outside the
// chain. Under SignedBody they are the whole body, under IDsInHeaders
// and IDsInQuery just {"user_id":…,"account_id":…}. The slice is shared
// with r.Body: do not modify it.
func SignedPayload(ctx context.Context) []byte {
	v := fromContext(ctx)
	if v == nil {
		return nil
	}
	return v.payload
}

// DecodePayload decodes the signed payload into a T, from the signed bytes only.
// Members that a struct T does not have are refused, but user_id, account_id,
// action, livemode, stripe_roles and the nonce of package replay may always be
// there; T can have fields for them or not.
// Members that are missing leave their fields zero: check what must be there.
//
// The error is ErrUnexpectedPayload, for Refuse to respond with, and wraps the
// one of encoding/json; or it is ErrNotVerified, outside the chain.
//
// A T that is no struct, or has an UnmarshalJSON of its own, is decoded twice, first
// without those members: it must accept that. A map's values must fit the ids,
// which are strings.
//
// NOT checked: equal keys inside nested objects, of which encoding/json takes
// the last. (Equal keys at the top level never get this far.)
func DecodePayload[T any](ctx context.Context) (T, error) {
	v := fromContext(ctx)
	if v == nil {
		return *new(T), ErrNotVerified
	}
	value, detail, err := decode.Strictly[T](v.payload, "user_id", "account_id", "action", "livemode", "stripe_roles", "nonce")
	if err != nil {
		return *new(T), ErrUnexpectedPayload.because(cmp.Or(detail, ErrUnexpectedPayload.detail)).causedBy(err)
	}
	return value, nil
}

// StripeRole is a role that the user has in the Dashboard.
type StripeRole struct {
	ID   string `json:"id"`   // "admin", "view_only", …; "" before SDK 9.2
	Type string `json:"type"` // "builtIn" or "custom"
	Name string `json:"name"` // what people read: it can change
}

// StripeRoles returns the roles that the extension has had signed as the member
// stripe_roles (userContext.roles), which Stripe checks. The error is
// ErrUnexpectedPayload, where there is no such member or it is no list of roles that
// every decoder reads alike: that says nothing about the user's roles, not that there
// are none; or it is ErrNotVerified, outside the chain.
//
// https://docs.stripe.com/stripe-apps/build-backend
func StripeRoles(ctx context.Context) ([]StripeRole, error) {
	if fromContext(ctx) == nil {
		return nil, ErrNotVerified
	}
	read, ok := signed.ReadRoles(signedMember(ctx, "stripe_roles"))
	if !ok {
		return nil, errNoRoles
	}
	roles := make([]StripeRole, len(read))
	for i, role := range read {
		roles[i] = StripeRole(role)
	}
	return roles, nil
}

var errNoRoles = ErrUnexpectedPayload.because(
	"the signed payload has no list of roles: sign stripe_roles: userContext.roles in the payload given to fetchStripeSignature")

// ContextWithIdentity returns a context as the chain would make it for a request
// of id with the given payload, for unit tests of handlers that stand behind
// the chain. The payload is what the extension would give to
// fetchStripeSignature, a JSON object without the ids, or nil for none.
//
// It verifies nothing: never call it with anything that came from a request. In
// it, Refuse and Require respond with WriteProblem. The ids are left out of the
// payload; UserID may be empty, as under VerifierConfig.InsecureAllowMissingUser.
// It panics if the payload and the ids do not make a payload that the chain
// would accept.
func ContextWithIdentity(ctx context.Context, id Identity, payload []byte) context.Context {
	if !signed.IsID(id.AccountID) || id.UserID != "" && !signed.IsID(id.UserID) {
		panic("stripeapps: ContextWithIdentity: the ids must be 1 to 255 letters, digits or underscores")
	}
	text := signed.IDsPayload(id.UserID, id.AccountID)
	if own, ok := bytes.CutSuffix(bytes.TrimSpace(payload), []byte("}")); ok {
		own = bytes.TrimSpace(own)
		if !bytes.Equal(own, []byte("{")) {
			own = append(bytes.Clone(own), ',')
		}
		text = append(bytes.Clone(own), text[1:]...)
	} else if payload != nil {
		panic("stripeapps: ContextWithIdentity: the payload must be a JSON object")
	}
	v, err := newVerified(text, id.Signature, id.UserID == "")
	if err != nil {
		panic("stripeapps: ContextWithIdentity: " + asError(err).detail)
	}
	return context.WithValue(ctx, contextKey{}, v)
}

// newVerified reads the identity out of a payload whose signature has been
// verified.
func newVerified(payload []byte, signature Signature, allowNoUser bool) (*verified, error) {
	ids, fault := signed.ReadIDs(payload, allowNoUser)
	if fault != signed.OK {
		return nil, refusalOf(fault)
	}
	both := make([]byte, 0, 2*signed.MaxIDBytes) // on the stack: one string for both ids
	text := string(append(append(both, ids.User...), ids.Account...))
	return &verified{
		identity: Identity{UserID: text[:len(ids.User)], AccountID: text[len(ids.User):], Signature: signature},
		payload:  slices.Clip(payload),
	}, nil
}
