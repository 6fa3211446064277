package stripeapps_test

import (
	"encoding/base64"
	"fmt"
	"go/parser"
	"go/token"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

// https://www.rfc-editor.org/rfc/rfc7636#appendix-B
const (
	testCodeVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	testCodeChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// verifierGrammar is 43*128unreserved of RFC 7636, section 4.1. Without (?m), ^ and
// $ are the ends of the text.
var verifierGrammar = regexp.MustCompile(`^[A-Za-z0-9\-._~]{43,128}$`)

// decodeS256 returns the hash that challenge is the base64url of, and whether it is.
// encoding/base64 ignores line breaks, and without Strict the bits that are left over.
func decodeS256(challenge string) (hash []byte, ok bool) {
	hash, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	return hash, err == nil && len(hash) == 32 && !strings.ContainsAny(challenge, "\r\n")
}

// replaceByte returns s with b in place of its byte i.
func replaceByte(s string, i int, b byte) string {
	return s[:i] + string([]byte{b}) + s[i+1:]
}

// What PKCE's functions return, each with its code in RFC 6749.
const (
	noChallenge        = "stripeapps: code_challenge is missing: PKCE is required (invalid_request)"
	malformedChallenge = "stripeapps: code_challenge does not fit its code_challenge_method: " +
		"for S256 it is 43 characters of base64url (invalid_request)"
	unsupportedMethod = "stripeapps: code_challenge_method is not accepted: send S256 (invalid_request)"
	repeatedChallenge = "stripeapps: code_challenge and code_challenge_method must not be sent more than once (invalid_request)"
	noVerifier        = "stripeapps: code_verifier is missing (invalid_grant)"
	malformedVerifier = "stripeapps: code_verifier must be 43 to 128 letters, digits, -, ., _ or ~ (invalid_request)"
	repeatedVerifier  = "stripeapps: code_verifier must not be sent more than once (invalid_request)"
	noStoredChallenge = "stripeapps: the code was asked for without a code_challenge (invalid_grant)"
	verifierMismatch  = "stripeapps: code_verifier does not match the code_challenge of the authorization request (invalid_grant)"
)

// assertPKCEError holds err to be a PKCEError with this text, and not one that
// wraps it: its text is constant, and nothing that was sent is in it. "" is none.
func assertPKCEError(t *testing.T, want string, err error) {
	t.Helper()
	if want == "" {
		assert.NoError(t, err)
		return
	}
	assert.IsType(t, (*stripeapps.PKCEError)(nil), err)
	assert.EqualError(t, err, want)
}

// text is that of err, "" if there is none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestTheVectorOfRFC7636(t *testing.T) {
	assert.Equal(t, testCodeChallenge, stripeapps.S256Challenge(testCodeVerifier))
	stored, err := stripeapps.ReadCodeChallenge(url.Values{"code_challenge": {testCodeChallenge}, "code_challenge_method": {"S256"}})
	require.NoError(t, err)
	assert.Equal(t, testCodeChallenge, stored)
	assert.NoError(t, stripeapps.VerifyCodeVerifier(testCodeVerifier, stored))
}

// Made by openssl dgst -sha256 -binary | basenc --base64url. Two of them are no
// verifiers: the grammar is not checked.
func TestS256ChallengeIsThatOfOpenSSL(t *testing.T) {
	for verifier, want := range map[string]string{
		" " + testCodeVerifier + "\n": "2q2vGtMmabh9ClNAyzLHfKTpC3scyzVoJ6_jeYY8njM",
		strings.Repeat("~", 128):      "zNhOm5Jyonenca7bQzzpjUpwFDVrfhrbbOGCqgWA6HU",
		strings.Repeat(".", 128):      "AB3_9uXylOCTdhIwsenvLFoWMmlhzpOvwpg5N-6Lo4k",
		"":                            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
	} {
		assert.Equal(t, want, stripeapps.S256Challenge(verifier), "%q", verifier)
	}
}

func TestEveryCodeVerifierIsNewAndHas256RandomBits(t *testing.T) {
	var lock sync.Mutex
	seen := map[string]bool{}
	var ones, zeros [32]byte // the bits that were ever so
	var makers sync.WaitGroup
	for range 8 {
		makers.Go(func() {
			for range 125 {
				verifier := stripeapps.NewCodeVerifier()
				assert.Len(t, verifier, 43)
				assert.Regexp(t, verifierGrammar, verifier)
				random, ok := decodeS256(verifier)
				if !assert.True(t, ok, "32 bytes") {
					return
				}
				lock.Lock()
				assert.False(t, seen[verifier])
				seen[verifier] = true
				for i, b := range random {
					ones[i] |= b
					zeros[i] |= ^b
				}
				lock.Unlock()
			}
		})
	}
	makers.Wait()
	assert.Len(t, seen, 1000)
	all := [32]byte([]byte(strings.Repeat("\xff", 32)))
	assert.Equal(t, all, ones)
	assert.Equal(t, all, zeros)
}

func TestReadCodeChallenge(t *testing.T) {
	const s, m = "code_challenge", "code_challenge_method"
	cut := testCodeChallenge[:42]
	for _, test := range []struct {
		name   string
		params url.Values
		want   string
	}{
		{"S256", url.Values{s: {testCodeChallenge}, m: {"S256"}}, ""},
		{"S256 among other parameters", url.Values{s: {testCodeChallenge}, m: {"S256"}, "state": {"a", "b"}}, ""},

		{"no parameters", nil, noChallenge},
		{"a challenge without a value", url.Values{s: {""}, m: {"S256"}}, noChallenge},
		{"a challenge without values", url.Values{s: {}, m: {"S256"}}, noChallenge},
		{"a method but no challenge", url.Values{m: {"S256"}}, noChallenge},
		{"an unknown method and no challenge", url.Values{m: {"S512"}}, noChallenge},
		{"a challenge under another case", url.Values{"Code_Challenge": {testCodeChallenge}, m: {"S256"}}, noChallenge},

		{"a repeated challenge", url.Values{s: {testCodeChallenge, testCodeChallenge}, m: {"S256"}}, repeatedChallenge},
		{"a challenge repeated without a value", url.Values{s: {testCodeChallenge, ""}, m: {"S256"}}, repeatedChallenge},
		{"a repeated method", url.Values{s: {testCodeChallenge}, m: {"S256", "S256"}}, repeatedChallenge},
		{"two methods", url.Values{s: {testCodeChallenge}, m: {"S256", "plain"}}, repeatedChallenge},
		{"a repeated method and no challenge", url.Values{m: {"", ""}}, repeatedChallenge},

		{"42 characters", url.Values{s: {cut}, m: {"S256"}}, malformedChallenge},
		{"44 characters", url.Values{s: {testCodeChallenge + "A"}, m: {"S256"}}, malformedChallenge},
		{"padding", url.Values{s: {testCodeChallenge + "="}, m: {"S256"}}, malformedChallenge},
		{"a line break behind", url.Values{s: {testCodeChallenge + "\n"}, m: {"S256"}}, malformedChallenge},
		{"bits left over that are not zero", url.Values{s: {cut + "N"}, m: {"S256"}}, malformedChallenge},
		{"43 characters outside ASCII", url.Values{s: {strings.Repeat("ä", 43)}, m: {"S256"}}, malformedChallenge},
		{"a hash in hex", url.Values{s: {strings.Repeat("0123456789abcdef", 4)}, m: {"S256"}}, malformedChallenge},
		{"a megabyte", url.Values{s: {strings.Repeat("A", 1<<20)}, m: {"S256"}}, malformedChallenge},

		{"S256 in another case", url.Values{s: {testCodeChallenge}, m: {"s256"}}, unsupportedMethod},
		{"an unknown method", url.Values{s: {testCodeChallenge}, m: {"S512"}}, unsupportedMethod},
		{"S256 behind a space", url.Values{s: {testCodeChallenge}, m: {" S256"}}, unsupportedMethod},
		{"plain in another case", url.Values{s: {testCodeChallenge}, m: {"Plain"}}, unsupportedMethod},
		{"an unknown method and a malformed challenge", url.Values{s: {cut}, m: {"S512"}}, unsupportedMethod},

		{"plain", url.Values{s: {testCodeVerifier}, m: {"plain"}}, unsupportedMethod},
		{"no method, which is plain", url.Values{s: {testCodeVerifier}}, unsupportedMethod},
		{"a method without a value, which is none", url.Values{s: {testCodeVerifier}, m: {""}}, unsupportedMethod},
		{"plain of the longest verifier", url.Values{s: {strings.Repeat("~", 128)}, m: {"plain"}}, unsupportedMethod},
		{"plain of 42 characters", url.Values{s: {testCodeVerifier[:42]}, m: {"plain"}}, unsupportedMethod},
		{"plain of 129 characters", url.Values{s: {strings.Repeat("~", 129)}, m: {"plain"}}, unsupportedMethod},
		{"plain of what is no verifier", url.Values{s: {testCodeVerifier + "="}}, unsupportedMethod},
	} {
		t.Run(test.name, func(t *testing.T) {
			challenge := ""
			if test.want == "" {
				challenge = testCodeChallenge
			}
			got, err := stripeapps.ReadCodeChallenge(test.params)
			assertPKCEError(t, test.want, err)
			assert.Equal(t, challenge, got)
		})
	}
}

// What a decoder would let through: padding, line breaks, the standard alphabet,
// and a last character that no hash encodes to.
func TestEveryByteOfAChallengeIsOfBase64URL(t *testing.T) {
	accepted := 0
	for i := range testCodeChallenge {
		for b := range 256 {
			challenge := replaceByte(testCodeChallenge, i, byte(b))
			want := malformedChallenge
			if _, ok := decodeS256(challenge); ok {
				want = ""
				accepted++
			}
			if _, err := stripeapps.ReadCodeChallenge(url.Values{"code_challenge": {challenge}, "code_challenge_method": {"S256"}}); text(err) != want {
				t.Errorf("%q in place %d: %v", b, i, err)
			}
		}
	}
	assert.Equal(t, 42*64+16, accepted)
}

func TestReadCodeVerifier(t *testing.T) {
	long := strings.Repeat("-._~", 33)
	for _, test := range []struct {
		name   string
		params url.Values
		want   string
	}{
		{"43 characters", url.Values{"code_verifier": {testCodeVerifier}}, ""},
		{"128 characters", url.Values{"code_verifier": {long[:128]}}, ""},
		{"among other parameters", url.Values{"code_verifier": {testCodeVerifier}, "code": {"a", "b"}}, ""},
		{"no parameters", nil, noVerifier},
		{"without a value", url.Values{"code_verifier": {""}}, noVerifier},
		{"without values", url.Values{"code_verifier": {}}, noVerifier},
		{"under another case", url.Values{"Code_Verifier": {testCodeVerifier}}, noVerifier},
		{"repeated", url.Values{"code_verifier": {testCodeVerifier, testCodeVerifier}}, repeatedVerifier},
		{"repeated without a value", url.Values{"code_verifier": {testCodeVerifier, ""}}, repeatedVerifier},
		{"42 characters", url.Values{"code_verifier": {long[:42]}}, malformedVerifier},
		{"129 characters", url.Values{"code_verifier": {long[:129]}}, malformedVerifier},
		{"what is not unreserved", url.Values{"code_verifier": {testCodeVerifier + "="}}, malformedVerifier},
	} {
		t.Run(test.name, func(t *testing.T) {
			verifier := ""
			if test.want == "" {
				verifier = test.params.Get("code_verifier")
			}
			got, err := stripeapps.ReadCodeVerifier(test.params)
			assertPKCEError(t, test.want, err)
			assert.Equal(t, verifier, got)
		})
	}
}

func TestVerifyCodeVerifier(t *testing.T) {
	s256 := stripeapps.S256Challenge
	long := strings.Repeat("-._~", 33)
	for _, test := range []struct{ name, verifier, stored, want string }{
		{"the right one", testCodeVerifier, testCodeChallenge, ""},
		{"the right one of 43 characters", long[:43], s256(long[:43]), ""},
		{"the right one of 128 characters", long[:128], s256(long[:128]), ""},
		{"the right one of 42 characters", long[:42], s256(long[:42]), malformedVerifier},
		{"the right one of 129 characters", long[:129], s256(long[:129]), malformedVerifier},
		{"the right one of 43 characters outside ASCII", strings.Repeat("ä", 43), s256(strings.Repeat("ä", 43)), malformedVerifier},
		{"the right one with a line break behind", testCodeVerifier + "\n", s256(testCodeVerifier + "\n"), malformedVerifier},
		{"another one", stripeapps.NewCodeVerifier(), testCodeChallenge, verifierMismatch},
		{"one in another case", strings.ToLower(testCodeVerifier), testCodeChallenge, verifierMismatch},
		{"one with a character more", testCodeVerifier + "A", testCodeChallenge, verifierMismatch},
		{"none", "", testCodeChallenge, noVerifier},
		{"none, and its hash is stored", "", s256(""), noVerifier},

		// RFC 9700, section 4.8.2: a token request with a verifier, for a code that
		// was asked for without a challenge.
		{"no challenge stored, and a verifier", testCodeVerifier, "", noStoredChallenge},
		{"no challenge stored, and none", "", "", noStoredChallenge},
		{"no challenge stored, and what is no verifier", "=", "", noStoredChallenge},

		{"a challenge that lost its end", testCodeVerifier, testCodeChallenge[:42], verifierMismatch},
		{"a challenge with more behind it", testCodeVerifier, testCodeChallenge + "=", verifierMismatch},
		{"what is no challenge stored, and what is no verifier", "=", "=", malformedVerifier},

		// RFC 7636, section 7.2: whoever saw the challenge must not get by with it,
		// as with the method plain.
		{"the challenge itself", testCodeChallenge, testCodeChallenge, verifierMismatch},
		{"the verifier itself stored", testCodeVerifier, testCodeVerifier, verifierMismatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			assertPKCEError(t, test.want, stripeapps.VerifyCodeVerifier(test.verifier, test.stored))
		})
	}
}

func TestEveryByteOfAVerifierIsUnreserved(t *testing.T) {
	accepted := 0
	for i := range testCodeVerifier {
		for b := range 256 {
			verifier := replaceByte(testCodeVerifier, i, byte(b))
			want := malformedVerifier
			if verifierGrammar.MatchString(verifier) {
				want = ""
				accepted++
			}
			if err := stripeapps.VerifyCodeVerifier(verifier, stripeapps.S256Challenge(verifier)); text(err) != want {
				t.Errorf("%q in place %d: %v", b, i, err)
			}
		}
	}
	assert.Equal(t, 43*66, accepted)
}

func TestEveryFlippedBitOfTheChallengeIsRefused(t *testing.T) {
	for bit := range 8 * len(testCodeChallenge) {
		flipped := replaceByte(testCodeChallenge, bit/8, testCodeChallenge[bit/8]^1<<(bit%8))
		assertPKCEError(t, verifierMismatch, stripeapps.VerifyCodeVerifier(testCodeVerifier, flipped))
	}
}

func TestPKCEErrorsAreSentAsRFC6749Says(t *testing.T) {
	read := func(name string, values ...string) error {
		params := url.Values{name: values}
		if name == "code_verifier" {
			_, err := stripeapps.ReadCodeVerifier(params)
			return err
		}
		params.Set("code_challenge_method", "S256")
		if name == "code_challenge_method" {
			params = url.Values{name: values, "code_challenge": {testCodeChallenge}}
		}
		_, err := stripeapps.ReadCodeChallenge(params)
		return err
	}
	descriptions := map[string]bool{}
	for _, test := range []struct {
		err        error
		code, text string
	}{
		{read("code_challenge"), "invalid_request", noChallenge},
		{read("code_challenge", "x"), "invalid_request", malformedChallenge},
		{read("code_challenge_method", "plain"), "invalid_request", unsupportedMethod},
		{read("code_challenge", "x", "y"), "invalid_request", repeatedChallenge},
		{read("code_verifier"), "invalid_grant", noVerifier},
		{read("code_verifier", "x"), "invalid_request", malformedVerifier},
		{read("code_verifier", "x", "y"), "invalid_request", repeatedVerifier},
		{stripeapps.VerifyCodeVerifier(testCodeVerifier, ""), "invalid_grant", noStoredChallenge},
		{stripeapps.VerifyCodeVerifier(testCodeVerifier, "x"), "invalid_grant", verifierMismatch},
	} {
		t.Run(test.text, func(t *testing.T) {
			var e *stripeapps.PKCEError
			require.ErrorAs(t, fmt.Errorf("token: %w", test.err), &e)
			assert.Same(t, test.err, e)
			assert.Equal(t, test.code, e.Code())
			description := e.Description()
			// Sections 4.1.2.1 and 5.2: no quotation mark, no backslash, ASCII only.
			assert.Regexp(t, `^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`, description)
			assert.False(t, descriptions[description], "another one says the same")
			descriptions[description] = true
			assert.Equal(t, "stripeapps: "+description+" ("+test.code+")", test.text)
			assert.EqualError(t, e, test.text)
		})
	}
}

// It can be used, and copied, without the rest of the package.
func TestPKCEStandsAlone(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "pkce.go", nil, parser.ImportsOnly)
	require.NoError(t, err)
	for _, imported := range file.Imports {
		assert.NotContains(t, imported.Path.Value, ".", "a domain")
	}
}

func TestRedirectURIs(t *testing.T) {
	live, test, err := stripeapps.RedirectURIs("com.example.my-app_2")
	require.NoError(t, err)
	assert.Equal(t, "https://dashboard.stripe.com/apps-oauth/com.example.my-app_2", live)
	assert.Equal(t, "https://dashboard.stripe.com/test/apps-oauth/com.example.my-app_2", test)
}

// assertNoRedirectURIs holds what is returned for id to be an error that is the
// same for all, and so does not hold it.
func assertNoRedirectURIs(t *testing.T, id string) {
	t.Helper()
	live, test, err := stripeapps.RedirectURIs(id)
	assert.EqualError(t, err, `stripeapps: an app id is one or more letters, digits, _, - and ., but not . or .. alone (see "id" in stripe-app.json)`, "%q", id)
	assert.Empty(t, live)
	assert.Empty(t, test)
}

func TestRedirectURIsRefuseWhatIsNoAppID(t *testing.T) {
	for name, id := range map[string]string{
		"none":                     "",
		"this folder":              ".",
		"the folder above":         "..",
		"a path":                   "a/b",
		"a way up":                 "../a",
		"a path for Windows":       `a\b`,
		"a space":                  "a b",
		"a query":                  "a?b",
		"a fragment":               "a#b",
		"percent-encoding":         "a%2e",
		"outside ASCII":            "ä",
		"a digit outside ASCII":    "a٣",
		"invalid UTF-8":            "a\xff",
		"a line break":             "a\n",
		"a line break in front":    "\na",
		"NUL":                      "a\x00",
		"a user, and another host": "a@b.example",
	} {
		t.Run(name, func(t *testing.T) { assertNoRedirectURIs(t, id) })
	}
}

// Of the schema of stripe-app.json.
var appIDGrammar = regexp.MustCompile(`^[a-zA-Z0-9_\-\.]+$`)

func TestRedirectURIsAcceptTheManifestsIDs(t *testing.T) {
	ids := []string{"com.example.app", "...", ".a", "a.", "-", "_"}
	for b := range 256 {
		ids = append(ids, "a"+string([]byte{byte(b)})+"b")
	}
	for _, id := range ids {
		if !appIDGrammar.MatchString(id) {
			assertNoRedirectURIs(t, id)
			continue
		}
		live, test, err := stripeapps.RedirectURIs(id)
		require.NoError(t, err, id)
		for _, uri := range []string{live, test} {
			// Nothing that reads the URI writes it in another way.
			u, err := url.Parse(uri)
			require.NoError(t, err)
			assert.Equal(t, uri, u.JoinPath().String())
			assert.Equal(t, id, path.Base(u.Path))
			assert.Equal(t, "dashboard.stripe.com", u.Host)
		}
	}
}
