package stripeapps

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/seed-8a2ffb75/stripeapps/internal/response"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// Middleware wraps an http.Handler. It is an alias, so that every part of this
// package fits chi, alice and anything else that composes net/http handlers.
type Middleware = func(http.Handler) http.Handler

// Config configures New. Set either Secrets or Verifier.
type Config struct {
	// Secrets are the app's signing secrets (absec_…); see
	// VerifierConfig.Secrets. Everything else about the verification is as
	// VerifierConfig's zero value says.
	Secrets []string

	// Verifier, made by NewVerifier, is used instead of Secrets: where the
	// verification needs other settings, or where you keep it, to call its
	// SetSecrets later.
	Verifier *Verifier

	// CORS says who may read the responses. Its zero value fits a Stripe App.
	CORS CORSConfig

	// CSP is the policy that is sent with the responses. Its zero value is
	// APIPolicy, for responses that are not pages.
	CSP CSPConfig
}

// New returns the whole chain as one Middleware, or an error that names all that is
// wrong with cfg. From the outside in, it is CSP, CORS and verification: the policy
// is on every response, preflights are responded to before anything is verified, and
// refusals carry the CORS headers, without which a browser hides them. Each part
// also works alone: NewCSP, NewCORS, Verifier.Handler.
//
// Put it around the mux, or around a subtree of one, not on a route whose
// pattern has a method: "POST /x" does not match the OPTIONS request that a
// browser sends first.
func New(cfg Config) (Middleware, error) {
	verifier, err := cfg.verifier()
	withCORS, corsErr := NewCORS(cfg.CORS)
	withCSP, cspErr := NewCSP(cfg.CSP)
	if err := errors.Join(err, corsErr, cspErr); err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return withCSP(withCORS(verifier.Handler(next)))
	}, nil
}

func (cfg Config) verifier() (*Verifier, error) {
	switch {
	case cfg.Verifier == nil:
		return NewVerifier(VerifierConfig{Secrets: cfg.Secrets})
	case cfg.Secrets != nil:
		return nil, errors.New("stripeapps: Config.Secrets and Config.Verifier are both set: give the secrets to NewVerifier only")
	case cfg.Verifier.now == nil:
		return nil, errors.New("stripeapps: Config.Verifier was not made by NewVerifier")
	default:
		return cfg.Verifier, nil
	}
}

// Requirement is a condition on a verified request, for Require. It gets the
// request with its verified context, from which IdentityFrom, SignedPayload and
// DecodePayload read; nothing else in the request is signed. nil means that the
// condition is met. An *Error is sent as it is, any other error with
// ErrRequirementNotMet, without its text: return an *Error with status 503 where
// the backend could not tell. It is called concurrently.
type Requirement func(r *http.Request) error

// Require returns a Middleware for single routes inside the chain. It calls the
// next handler only if every requirement is met, and responds with 403
// requirement_not_met otherwise, in the way of the chain's ErrorHandler. Used
// outside the chain it lets nothing pass: it responds with 500 not_verified.
//
// It panics if there is no requirement, or one is nil.
func Require(requirements ...Requirement) Middleware {
	if len(requirements) == 0 {
		panic("stripeapps: Require needs a requirement")
	}
	for _, met := range requirements {
		if met == nil {
			panic("stripeapps: Require was given a nil requirement")
		}
	}
	requirements = append([]Requirement(nil), requirements...)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			response.Keep(w)
			if fromContext(r.Context()) == nil {
				Refuse(w, r, ErrNotVerified)
				return
			}
			for _, met := range requirements {
				if err := met(r); err != nil {
					Refuse(w, r, ErrRequirementNotMet.orUsers(err))
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

var (
	errNotLive = ErrRequirementNotMet.because("this endpoint is for live mode: sign livemode: true in the payload given to fetchStripeSignature")
	errNotTest = ErrRequirementNotMet.because("this endpoint is for test mode: sign livemode: false in the payload given to fetchStripeSignature")
)

// LiveMode requires the signed payload to have a member livemode that is live.
// Stripe signs the same for live and test mode, with the same secret: without
// this, a request signed in test mode passes for a live one.
//
// The member is what the extension put there (environment.mode === 'live'), and
// so what the user's browser says: it protects against confusion, not against
// a user who means to deceive. A sandbox is not test mode, though mode is "test" in
// it: userContext.account.isSandbox says so to the extension, which can sign that
// too, and each sandbox has a signing secret of its own (LabeledSecrets). Where only the ids are signed (IDsInHeaders,
// IDsInQuery), it cannot be met.
func LiveMode(live bool) Requirement {
	want, unmet := "true", errNotLive
	if !live {
		want, unmet = "false", errNotTest
	}
	return func(r *http.Request) error {
		if string(signedMember(r.Context(), "livemode")) != want {
			return unmet
		}
		return nil
	}
}

// Action requires the signed payload to have a member action that is the string
// name. Stripe does not sign the method and the path: without this, a signature
// made for one route can be used on another that takes the same payload.
//
// It panics if name is empty.
func Action(name string) Requirement {
	if name == "" {
		panic("stripeapps: Action needs a name")
	}
	unmet := ErrRequirementNotMet.because("this endpoint is for another action: sign action: " + strconv.Quote(name) + " in the payload given to fetchStripeSignature")
	return func(r *http.Request) error {
		var action any
		if json.Unmarshal(signedMember(r.Context(), "action"), &action) != nil || action != any(name) {
			return unmet
		}
		return nil
	}
}

// Role requires the signed payload to have a member stripe_roles with the built-in
// role of this id ("admin", "view_only", …). The extension signs userContext.roles
// under that name; unlike everything else in a payload, Stripe checks it, and signs
// nothing where it is not true. A custom role never meets it, since accounts give
// those their ids: read them with StripeRoles. It panics if id is empty.
//
// https://docs.stripe.com/stripe-apps/build-backend
func Role(id string) Requirement {
	if id == "" {
		panic("stripeapps: Role needs an id")
	}
	needs := "this endpoint is for users with the built-in role " + strconv.Quote(id)
	unsigned := ErrRequirementNotMet.because(needs + ": sign stripe_roles: userContext.roles in the payload given to fetchStripeSignature")
	unmet := ErrRequirementNotMet.because(needs + ", which is not among the roles that are signed")
	return func(r *http.Request) error {
		roles, err := StripeRoles(r.Context())
		if err != nil {
			return unsigned
		}
		if !slices.ContainsFunc(roles, func(role StripeRole) bool { return role.ID == id && role.Type == "builtIn" }) {
			return unmet
		}
		return nil
	}
}

// signedMember returns a top-level member of the signed payload as it is
// written, or nil.
func signedMember(ctx context.Context, name string) []byte {
	return signed.Member(SignedPayload(ctx), name)
}
