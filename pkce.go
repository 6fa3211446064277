package stripeapps

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
)

// s256ChallengeLength is that of 32 bytes, the hash, in base64url.
const s256ChallengeLength = 43

// A code verifier has 43 to 128 characters (RFC 7636, section 4.1).
const (
	minCodeVerifierLength = 43
	maxCodeVerifierLength = 128
)

// NewCodeVerifier returns a new code_verifier: 32 bytes of crypto/rand in
// base64url, 43 characters. It is a secret for one flow: keep it, send
// S256Challenge of it with the authorization request, and itself with the token
// request only. It is safe for concurrent use.
//
// https://www.rfc-editor.org/rfc/rfc7636#section-4.1
func NewCodeVerifier() string {
	var random [32]byte
	rand.Read(random[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// S256Challenge returns the code_challenge of a verifier: its SHA-256 in
// base64url without padding, 43 characters. Send it with
// code_challenge_method=S256. It does not check the verifier's grammar.
//
// https://www.rfc-editor.org/rfc/rfc7636#section-4.2
func S256Challenge(verifier string) string {
	hash := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(hash[:])
}

// ReadCodeChallenge reads code_challenge and code_challenge_method from the
// parameters of an authorization request: r.URL.Query(). Keep the challenge with
// the code that you issue, for VerifyCodeVerifier.
//
// The method must be S256, which Stripe's Dashboard sends. A request without a
// challenge is refused, and so is the method plain, with which whoever sees the
// authorization request has the verifier; a request that names no method means
// plain. The error is a *PKCEError. A provider that has checked the client and
// the redirect URI sends it there, as error=Code() and
// error_description=Description().
//
// PKCE binds a code to the client that asked for it, and no more. It does NOT
// check the client, the redirect URI or the state, does not make a code usable
// only once, and does not limit the rate of requests: see examples/oauth.
//
// https://www.rfc-editor.org/rfc/rfc7636#section-4.3
// https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1
func ReadCodeChallenge(params url.Values) (challenge string, err error) {
	if len(params["code_challenge"]) > 1 || len(params["code_challenge_method"]) > 1 {
		return "", errRepeatedCodeChallenge // RFC 6749, section 3.1
	}
	challenge = params.Get("code_challenge")
	if challenge == "" {
		return "", errNoCodeChallenge
	}
	if params.Get("code_challenge_method") != "S256" {
		return "", errCodeChallengeMethod
	}
	if !isS256Challenge(challenge) {
		return "", errMalformedCodeChallenge
	}
	return challenge, nil
}

// ReadCodeVerifier reads code_verifier from the parameters of a token request:
// r.Form after r.ParseForm, which has those of the body and, where an extension
// follows the sample in Stripe's documentation, of the query. The error is a
// *PKCEError: invalid_grant for a verifier that is missing (also from a form that
// was not parsed), invalid_request for one that is sent more than once or is not 43
// to 128 of [A-Za-z0-9-._~]. Refuse such a request before you look at its code,
// which stays as good as it was: nothing has been tried on it.
//
// https://www.rfc-editor.org/rfc/rfc7636#section-4.5
func ReadCodeVerifier(params url.Values) (string, error) {
	if len(params["code_verifier"]) > 1 {
		return "", errRepeatedCodeVerifier // RFC 6749, section 3.2
	}
	verifier := params.Get("code_verifier")
	if err := checkCodeVerifier(verifier); err != nil {
		return "", err
	}
	return verifier, nil
}

// VerifyCodeVerifier checks the code_verifier of a token request against what
// ReadCodeChallenge returned when the code was asked for. nil means that the
// client is the one that asked.
//
// The error is a *PKCEError: that of ReadCodeVerifier for a verifier that it would
// refuse, and invalid_grant for one whose challenge is another. It is invalid_grant too where no challenge is stored (""), with a
// verifier or without one: either is how PKCE is stripped from a flow. The
// comparison takes constant time.
//
// Call ReadCodeVerifier first, then take the code out of use, so that nobody can
// try twice, and then call this.
//
// https://www.rfc-editor.org/rfc/rfc7636#section-4.6
// https://www.rfc-editor.org/rfc/rfc9700#section-4.8
func VerifyCodeVerifier(verifier, challenge string) error {
	if challenge == "" {
		return errNoStoredCodeChallenge
	}
	if err := checkCodeVerifier(verifier); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(S256Challenge(verifier)), []byte(challenge)) != 1 {
		return errCodeVerifierMismatch
	}
	return nil
}

// isS256Challenge reports whether challenge can be that of a verifier: 32 bytes
// in base64url. Its last character stands for four bits, and the two that are
// left over are zero.
func isS256Challenge(challenge string) bool {
	if len(challenge) != s256ChallengeLength {
		return false
	}
	for i := range len(challenge) {
		if !isAlphanumeric(challenge[i]) && challenge[i] != '-' && challenge[i] != '_' {
			return false
		}
	}
	return strings.IndexByte("AEIMQUYcgkosw048", challenge[s256ChallengeLength-1]) >= 0
}

func checkCodeVerifier(verifier string) error {
	if verifier == "" {
		return errNoCodeVerifier
	}
	if !isCodeVerifier(verifier) {
		return errMalformedCodeVerifier
	}
	return nil
}

// isCodeVerifier reports whether verifier is 43*128unreserved.
func isCodeVerifier(verifier string) bool {
	if len(verifier) < minCodeVerifierLength || len(verifier) > maxCodeVerifierLength {
		return false
	}
	for i := range len(verifier) {
		if !isAlphanumeric(verifier[i]) && strings.IndexByte("-._~", verifier[i]) < 0 {
			return false
		}
	}
	return true
}

func isAlphanumeric(b byte) bool {
	return 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z' || '0' <= b && b <= '9'
}

// PKCEError is every error of ReadCodeChallenge, ReadCodeVerifier and
// VerifyCodeVerifier. Find it with errors.As, and send it to the client as RFC 6749
// says, without asking which one it is:
//
//	{"error": e.Code(), "error_description": e.Description()}
//
// It is not an Error: Refuse and WriteProblem would respond with 500. Its text is
// constant and holds no input. A PKCEError is immutable, and safe for concurrent
// use.
type PKCEError struct {
	code, description string
}

// Those about a challenge belong to the authorization request, and those about a
// verifier to the token request.
var (
	errNoCodeChallenge     = &PKCEError{"invalid_request", "code_challenge is missing: PKCE is required"}
	errCodeChallengeMethod = &PKCEError{"invalid_request", "code_challenge_method is not accepted: send S256"}

	errMalformedCodeChallenge = &PKCEError{"invalid_request",
		"code_challenge does not fit its code_challenge_method: for S256 it is 43 characters of base64url"}
	errRepeatedCodeChallenge = &PKCEError{"invalid_request",
		"code_challenge and code_challenge_method must not be sent more than once"}

	// RFC 6749, section 5.2, would have invalid_request for a parameter that is
	// missing; RFC 7636, section 4.6, has invalid_grant for a verifier that does not
	// fit, and where every code has a challenge, none does not fit either. It is
	// what the OpenID Foundation's test of FAPI 2.0 demands
	// (ensure-pkce-code-verifier-required), and it tells a client what helps, as the
	// verifier is gone: to start again.
	errNoCodeVerifier        = &PKCEError{"invalid_grant", "code_verifier is missing"}
	errMalformedCodeVerifier = &PKCEError{"invalid_request", "code_verifier must be 43 to 128 letters, digits, -, ., _ or ~"}
	errRepeatedCodeVerifier  = &PKCEError{"invalid_request", "code_verifier must not be sent more than once"}

	errNoStoredCodeChallenge = &PKCEError{"invalid_grant", "the code was asked for without a code_challenge"}
	errCodeVerifierMismatch  = &PKCEError{"invalid_grant",
		"code_verifier does not match the code_challenge of the authorization request"}
)

// Code returns the error code of RFC 6749: invalid_request (sections 4.1.2.1 and
// 5.2) or invalid_grant (section 5.2).
func (e *PKCEError) Code() string { return e.code }

// Description returns what is wrong, for error_description and a developer to
// read.
func (e *PKCEError) Description() string { return e.description }

// Error returns the description and the code.
func (e *PKCEError) Error() string {
	return "stripeapps: " + e.description + " (" + e.code + ")"
}

// RedirectURIs returns the redirect URIs under which an OAuth provider registers
// a Stripe App whose extension starts a flow with createOAuthState: the Dashboard
// takes the code there in live mode, and in test mode.
//
//	https://dashboard.stripe.com/apps-oauth/<app id>
//	https://dashboard.stripe.com/test/apps-oauth/<app id>
//
// Compare the redirect_uri of a request with them as a whole, by ==. The app id is
// "id" in stripe-app.json: letters, digits, _, - and ., or else there is an error
// that does not hold it. Stripe does not say what the URI is in a sandbox.
//
// https://docs.stripe.com/stripe-apps/pkce-oauth-flow
func RedirectURIs(appID string) (live, test string, err error) {
	if !isAppID(appID) {
		return "", "", errors.New("stripeapps: an app id is one or more letters, digits, _, - and ., " +
			`but not . or .. alone (see "id" in stripe-app.json)`)
	}
	const dashboard = "https://dashboard.stripe.com/"
	return dashboard + "apps-oauth/" + appID, dashboard + "test/apps-oauth/" + appID, nil
}

// isAppID is ^[a-zA-Z0-9_\-\.]+$ of the manifest's schema, without . and ..,
// which a URL cannot end in: they mean another path.
func isAppID(id string) bool {
	for i := range len(id) {
		if !isAlphanumeric(id[i]) && strings.IndexByte("_-.", id[i]) < 0 {
			return false
		}
	}
	return id != "" && id != "." && id != ".."
}
