package stripeapps

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"strings"
)

// The transformations of a code verifier into a code challenge.
//
// https://www.rfc-editor.org/rfc/rfc7636#section-4.2
const (
	CodeChallengeMethodS256  = "S256"
	CodeChallengeMethodPlain = "plain"
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

// CodeChallenge is what a provider keeps with an authorization code: both fields,
// since without its method no verifier fits a challenge. Its zero value means that
// there is none.
type CodeChallenge struct {
	// Challenge is the code_challenge, as it was sent.
	Challenge string
	// Method is the code_challenge_method: CodeChallengeMethodS256, or, where that
	// is allowed, CodeChallengeMethodPlain.
	Method string
}

// PKCE is the provider's half of RFC 7636. Its zero value is ready to use, and
// demands a challenge of the method S256 from every client. It is safe for
// concurrent use.
//
// PKCE binds a code to the client that asked for it, and no more. It does NOT
// check the client, the redirect URI or the state, does not make a code usable
// only once, and does not limit the rate of requests: see examples/oauth.
type PKCE struct {
	// InsecureAllowPlain also accepts the method plain, and a request without
	// a method, which means plain: the challenge is then the verifier itself,
	// and protects nothing from someone who sees the authorization request.
	// Stripe's Dashboard sends S256.
	InsecureAllowPlain bool
}

// ReadCodeChallenge reads code_challenge and code_challenge_method from the
// parameters of an authorization request: r.URL.Query(). Keep what it returns with
// the code.
//
// The error is ErrNoCodeChallenge, ErrMalformedCodeChallenge,
// ErrUnsupportedCodeChallengeMethod or ErrRepeatedCodeChallenge. A provider that has checked
// the client and the redirect URI sends it back to there, as error=Code() and
// error_description=Description().
//
// https://www.rfc-editor.org/rfc/rfc7636#section-4.3
func (p PKCE) ReadCodeChallenge(params url.Values) (CodeChallenge, error) {
	if len(params["code_challenge"]) > 1 || len(params["code_challenge_method"]) > 1 {
		return CodeChallenge{}, ErrRepeatedCodeChallenge // RFC 6749, section 3.1
	}
	c := CodeChallenge{Challenge: params.Get("code_challenge"), Method: params.Get("code_challenge_method")}
	if c.Challenge == "" {
		return CodeChallenge{}, ErrNoCodeChallenge
	}
	if c.Method == "" {
		c.Method = CodeChallengeMethodPlain // "defaults to "plain" if not present"
	}
	switch {
	case c.Method == CodeChallengeMethodS256:
		if !isS256Challenge(c.Challenge) {
			return CodeChallenge{}, ErrMalformedCodeChallenge
		}
	case c.Method == CodeChallengeMethodPlain && p.InsecureAllowPlain:
		if !isCodeVerifier(c.Challenge) {
			return CodeChallenge{}, ErrMalformedCodeChallenge
		}
	default:
		return CodeChallenge{}, ErrUnsupportedCodeChallengeMethod
	}
	return c, nil
}

// ReadCodeVerifier reads code_verifier from the parameters of a token request:
// r.Form after r.ParseForm, which has those of the body and, where an extension
// follows the sample in Stripe's documentation, of the query. The error is
// ErrNoCodeVerifier (a form that was not parsed has none), ErrRepeatedCodeVerifier
// or ErrMalformedCodeVerifier: refuse such a request before you look at its code,
// which stays as good as it was.
//
// https://www.rfc-editor.org/rfc/rfc7636#section-4.5
func (p PKCE) ReadCodeVerifier(params url.Values) (string, error) {
	if len(params["code_verifier"]) > 1 {
		return "", ErrRepeatedCodeVerifier // RFC 6749, section 3.2
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
// A missing verifier ("") is ErrNoCodeVerifier, one that is not 43 to 128 of
// [A-Za-z0-9-._~] is ErrMalformedCodeVerifier, and one whose challenge is
// another is ErrCodeVerifierMismatch; so is any verifier if stored is not
// complete, or has a method that p does not allow. Without a stored challenge it
// is ErrNoStoredCodeChallenge, with a verifier or without one: either is how PKCE
// is stripped from a flow. The comparison takes constant time.
//
// Call ReadCodeVerifier first, then take the code out of use, so that nobody can
// try twice, and then call this.
//
// https://www.rfc-editor.org/rfc/rfc7636#section-4.6
// https://www.rfc-editor.org/rfc/rfc9700#section-4.8
func (p PKCE) VerifyCodeVerifier(verifier string, stored CodeChallenge) error {
	if stored == (CodeChallenge{}) {
		return ErrNoStoredCodeChallenge
	}
	if err := checkCodeVerifier(verifier); err != nil {
		return err
	}
	var challenge string
	switch {
	case stored.Method == CodeChallengeMethodS256:
		challenge = S256Challenge(verifier)
	case stored.Method == CodeChallengeMethodPlain && p.InsecureAllowPlain:
		challenge = verifier
	default:
		return ErrCodeVerifierMismatch
	}
	if subtle.ConstantTimeCompare([]byte(challenge), []byte(stored.Challenge)) != 1 {
		return ErrCodeVerifierMismatch
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
		return ErrNoCodeVerifier
	}
	if !isCodeVerifier(verifier) {
		return ErrMalformedCodeVerifier
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

// PKCEError is every error of PKCE's methods. It is answered to the client as
// RFC 6749 says, without asking which one it is:
//
//	{"error": e.Code(), "error_description": e.Description()}
//
// It is not an Error: Refuse and WriteProblem would answer with 500. Its text is
// constant and holds no input. A PKCEError is immutable, and safe for concurrent
// use. Compare it with errors.Is.
type PKCEError struct {
	code, description string
}

// The errors of PKCE. Those about a challenge belong to the authorization
// request, and those about a verifier to the token request.
var (
	ErrNoCodeChallenge                = &PKCEError{"invalid_request", "code_challenge is missing: PKCE is required"}
	ErrMalformedCodeChallenge         = &PKCEError{"invalid_request", "code_challenge does not fit its code_challenge_method: for S256 it is 43 characters of base64url"}
	ErrUnsupportedCodeChallengeMethod = &PKCEError{"invalid_request", "code_challenge_method is not accepted: send S256"}
	ErrRepeatedCodeChallenge          = &PKCEError{"invalid_request", "code_challenge and code_challenge_method must not be sent more than once"}
	ErrNoCodeVerifier                 = &PKCEError{"invalid_request", "code_verifier is missing"}
	ErrMalformedCodeVerifier          = &PKCEError{"invalid_request", "code_verifier must be 43 to 128 letters, digits, -, ., _ or ~"}
	ErrRepeatedCodeVerifier           = &PKCEError{"invalid_request", "code_verifier must not be sent more than once"}
	ErrNoStoredCodeChallenge          = &PKCEError{"invalid_grant", "the code was asked for without a code_challenge"}
	ErrCodeVerifierMismatch           = &PKCEError{"invalid_grant", "code_verifier does not match the code_challenge of the authorization request"}
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
