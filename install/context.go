package install

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

type contextKey struct{}

// ContextWithID returns a context in which a Transport calls Stripe for an install,
// without a verified request: for jobs, event handlers, and pages of a site that has
// stored whose install it is, which all know it from what was verified before. Never call
// it with an account that a request names.
//
// In the context of a verified request, the account must be the request's own; the mode is
// the one given here.
func ContextWithID(ctx context.Context, id ID) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// ID returns the install that calls with this context are for: the one of ContextWithID, or
// the account of the verified identity in the mode of TransportConfig.Mode. Store what
// belongs to an install by it.
//
// To refuse a request whose mode is not known before the handler begins, and in the
// chain's own way, make a stripeapps.Requirement of it. Beside ErrNoMode and what
// TransportConfig.Mode returns, the error is stripeapps.ErrNotVerified where there is
// neither of the two.
func (t *Transport) ID(ctx context.Context) (ID, error) {
	if t.base == nil {
		return ID{}, errTransportNotMade
	}
	identity, verified := stripeapps.IdentityFrom(ctx)
	id, given := ctx.Value(contextKey{}).(ID)
	switch {
	case !given && !verified:
		return ID{}, errNobody
	case given && verified && id.Account != identity.AccountID:
		return ID{}, errOtherIdentity
	case !given:
		mode, err := t.mode(ctx)
		if err != nil {
			return ID{}, fmt.Errorf("stripeapps/install: the mode of the request: %w", err)
		}
		id = ID{Account: identity.AccountID, Mode: mode}
	}
	if !id.valid() {
		return ID{}, errNoInstall
	}
	return id, nil
}

// signedMode returns what tells the mode by what is signed.
func signedMode(sandboxLabels []string) func(context.Context) (Mode, error) {
	sandboxLabels = slices.Clone(sandboxLabels)
	return func(ctx context.Context) (Mode, error) {
		identity, _ := stripeapps.IdentityFrom(ctx)
		sandbox := slices.Contains(sandboxLabels, identity.SecretLabel)
		livemode := string(signed.Member(stripeapps.SignedPayload(ctx), "livemode"))
		switch {
		case sandbox && (livemode == "" || livemode == "false"):
			return Sandbox, nil
		case sandbox:
			return "", errNoSandbox
		case livemode == "true":
			return Live, nil
		case livemode == "false":
			return Test, nil
		}
		return "", ErrNoMode
	}
}

// The reasons for which Stripe is not called, to compare with errors.Is. They can be
// responded with, by stripeapps.Refuse.
var (
	// ErrNoMode: the signed payload does not say the mode.
	ErrNoMode = stripeapps.NewError("no_mode", http.StatusBadRequest,
		"the signed payload does not say whether the app is used in live or in test mode: "+
			"sign livemode: environment.mode === 'live' in the payload given to fetchStripeSignature")

	// ErrModeNotServed: TransportConfig.Keys, or TokensConfig.Keys, has no key for the mode.
	ErrModeNotServed = stripeapps.NewError("mode_not_served", http.StatusForbidden,
		"this app's backend has no key for the mode that the app is used in: use it in another mode")
)

var (
	errNoSandbox = stripeapps.NewError(ErrNoMode.Code(), ErrNoMode.Status(),
		"the payload is signed with the secret of a sandbox, and its livemode is not false: sign livemode: environment.mode === 'live'")
	errNobody = fmt.Errorf("stripeapps/install: the call's context has neither a verified identity nor an ID: "+
		"use the request's context, or ContextWithID: %w", stripeapps.ErrNotVerified)
	errOtherIdentity = stripeapps.NewError("other_identity", http.StatusInternalServerError,
		"ContextWithID was given another account than that of the verified request in whose context it was called: "+
			"what a request causes is for its own account")
	errNoInstall = stripeapps.NewError("no_install", http.StatusInternalServerError,
		"the call's ID has an account that is not 1 to 255 letters, digits or underscores, or a mode that is not live, test or sandbox")
)
