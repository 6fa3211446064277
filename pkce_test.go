package stripeapps_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"net/url"
	"regexp"
	"slices"
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

// assertSame holds err to be want itself and not one that wraps it: its text is
// constant, and nothing that was sent is in it.
func assertSame(t *testing.T, want, err error) {
	t.Helper()
	assert.True(t, err == want, "got: %v\nwant: %v", err, want)
}

func TestTheVectorOfRFC7636(t *testing.T) {
	assert.Equal(t, testCodeChallenge, stripeapps.S256Challenge(testCodeVerifier))
	stored, err := stripeapps.PKCE{}.ReadCodeChallenge(url.Values{"code_challenge": {testCodeChallenge}, "code_challenge_method": {"S256"}})
	require.NoError(t, err)
	assert.Equal(t, stripeapps.CodeChallenge{Challenge: testCodeChallenge, Method: "S256"}, stored)
	assert.NoError(t, stripeapps.PKCE{}.VerifyCodeVerifier(testCodeVerifier, stored))
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
	s256 := stripeapps.CodeChallenge{Challenge: testCodeChallenge, Method: stripeapps.CodeChallengeMethodS256}
	asPlain := func(challenge string) stripeapps.CodeChallenge {
		return stripeapps.CodeChallenge{Challenge: challenge, Method: stripeapps.CodeChallengeMethodPlain}
	}
	for _, test := range []struct {
		name          string
		params        url.Values
		want          stripeapps.CodeChallenge
		err           error
		wantAllowed   stripeapps.CodeChallenge // under InsecureAllowPlain
		errAllowed    error
		sameIfAllowed bool
	}{
		{name: "S256", params: url.Values{s: {testCodeChallenge}, m: {"S256"}}, want: s256, sameIfAllowed: true},
		{name: "S256 among other parameters", params: url.Values{s: {testCodeChallenge}, m: {"S256"}, "state": {"a", "b"}}, want: s256, sameIfAllowed: true},

		{name: "no parameters", params: nil, err: stripeapps.ErrNoCodeChallenge, sameIfAllowed: true},
		{name: "a challenge without a value", params: url.Values{s: {""}, m: {"S256"}}, err: stripeapps.ErrNoCodeChallenge, sameIfAllowed: true},
		{name: "a challenge without values", params: url.Values{s: {}, m: {"S256"}}, err: stripeapps.ErrNoCodeChallenge, sameIfAllowed: true},
		{name: "a method but no challenge", params: url.Values{m: {"S256"}}, err: stripeapps.ErrNoCodeChallenge, sameIfAllowed: true},
		{name: "an unknown method and no challenge", params: url.Values{m: {"S512"}}, err: stripeapps.ErrNoCodeChallenge, sameIfAllowed: true},
		{name: "a challenge under another case", params: url.Values{"Code_Challenge": {testCodeChallenge}, m: {"S256"}}, err: stripeapps.ErrNoCodeChallenge, sameIfAllowed: true},

		{name: "a repeated challenge", params: url.Values{s: {testCodeChallenge, testCodeChallenge}, m: {"S256"}}, err: stripeapps.ErrRepeatedCodeChallenge, sameIfAllowed: true},
		{name: "a challenge repeated without a value", params: url.Values{s: {testCodeChallenge, ""}, m: {"S256"}}, err: stripeapps.ErrRepeatedCodeChallenge, sameIfAllowed: true},
		{name: "a repeated method", params: url.Values{s: {testCodeChallenge}, m: {"S256", "S256"}}, err: stripeapps.ErrRepeatedCodeChallenge, sameIfAllowed: true},
		{name: "two methods", params: url.Values{s: {testCodeChallenge}, m: {"S256", "plain"}}, err: stripeapps.ErrRepeatedCodeChallenge, sameIfAllowed: true},
		{name: "a repeated method and no challenge", params: url.Values{m: {"", ""}}, err: stripeapps.ErrRepeatedCodeChallenge, sameIfAllowed: true},

		{name: "42 characters", params: url.Values{s: {cut}, m: {"S256"}}, err: stripeapps.ErrMalformedCodeChallenge, sameIfAllowed: true},
		{name: "44 characters", params: url.Values{s: {testCodeChallenge + "A"}, m: {"S256"}}, err: stripeapps.ErrMalformedCodeChallenge, sameIfAllowed: true},
		{name: "padding", params: url.Values{s: {testCodeChallenge + "="}, m: {"S256"}}, err: stripeapps.ErrMalformedCodeChallenge, sameIfAllowed: true},
		{name: "a line break behind", params: url.Values{s: {testCodeChallenge + "\n"}, m: {"S256"}}, err: stripeapps.ErrMalformedCodeChallenge, sameIfAllowed: true},
		{name: "bits left over that are not zero", params: url.Values{s: {cut + "N"}, m: {"S256"}}, err: stripeapps.ErrMalformedCodeChallenge, sameIfAllowed: true},
		{name: "43 characters outside ASCII", params: url.Values{s: {strings.Repeat("ä", 43)}, m: {"S256"}}, err: stripeapps.ErrMalformedCodeChallenge, sameIfAllowed: true},
		{name: "a hash in hex", params: url.Values{s: {strings.Repeat("0123456789abcdef", 4)}, m: {"S256"}}, err: stripeapps.ErrMalformedCodeChallenge, sameIfAllowed: true},
		{name: "a megabyte", params: url.Values{s: {strings.Repeat("A", 1<<20)}, m: {"S256"}}, err: stripeapps.ErrMalformedCodeChallenge, sameIfAllowed: true},

		{name: "S256 in another case", params: url.Values{s: {testCodeChallenge}, m: {"s256"}}, err: stripeapps.ErrUnsupportedCodeChallengeMethod, sameIfAllowed: true},
		{name: "an unknown method", params: url.Values{s: {testCodeChallenge}, m: {"S512"}}, err: stripeapps.ErrUnsupportedCodeChallengeMethod, sameIfAllowed: true},
		{name: "S256 behind a space", params: url.Values{s: {testCodeChallenge}, m: {" S256"}}, err: stripeapps.ErrUnsupportedCodeChallengeMethod, sameIfAllowed: true},
		{name: "plain in another case", params: url.Values{s: {testCodeChallenge}, m: {"Plain"}}, err: stripeapps.ErrUnsupportedCodeChallengeMethod, sameIfAllowed: true},
		{name: "an unknown method and a malformed challenge", params: url.Values{s: {cut}, m: {"S512"}}, err: stripeapps.ErrUnsupportedCodeChallengeMethod, sameIfAllowed: true},

		{name: "plain", params: url.Values{s: {testCodeVerifier}, m: {"plain"}}, err: stripeapps.ErrUnsupportedCodeChallengeMethod, wantAllowed: asPlain(testCodeVerifier)},
		{name: "no method, which is plain", params: url.Values{s: {testCodeVerifier}}, err: stripeapps.ErrUnsupportedCodeChallengeMethod, wantAllowed: asPlain(testCodeVerifier)},
		{name: "a method without a value, which is none", params: url.Values{s: {testCodeVerifier}, m: {""}}, err: stripeapps.ErrUnsupportedCodeChallengeMethod, wantAllowed: asPlain(testCodeVerifier)},
		{name: "plain of the longest verifier", params: url.Values{s: {strings.Repeat("~", 128)}, m: {"plain"}}, err: stripeapps.ErrUnsupportedCodeChallengeMethod, wantAllowed: asPlain(strings.Repeat("~", 128))},
		{name: "plain of 42 characters", params: url.Values{s: {testCodeVerifier[:42]}, m: {"plain"}}, err: stripeapps.ErrUnsupportedCodeChallengeMethod, errAllowed: stripeapps.ErrMalformedCodeChallenge},
		{name: "plain of 129 characters", params: url.Values{s: {strings.Repeat("~", 129)}, m: {"plain"}}, err: stripeapps.ErrUnsupportedCodeChallengeMethod, errAllowed: stripeapps.ErrMalformedCodeChallenge},
		{name: "plain of what is no verifier", params: url.Values{s: {testCodeVerifier + "="}}, err: stripeapps.ErrUnsupportedCodeChallengeMethod, errAllowed: stripeapps.ErrMalformedCodeChallenge},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := stripeapps.PKCE{}.ReadCodeChallenge(test.params)
			assertSame(t, test.err, err)
			assert.Equal(t, test.want, got)

			if test.sameIfAllowed {
				test.wantAllowed, test.errAllowed = test.want, test.err
			}
			got, err = stripeapps.PKCE{InsecureAllowPlain: true}.ReadCodeChallenge(test.params)
			assertSame(t, test.errAllowed, err)
			assert.Equal(t, test.wantAllowed, got)
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
			want := error(stripeapps.ErrMalformedCodeChallenge)
			if _, ok := decodeS256(challenge); ok {
				want = nil
				accepted++
			}
			if _, err := (stripeapps.PKCE{}).ReadCodeChallenge(url.Values{"code_challenge": {challenge}, "code_challenge_method": {"S256"}}); err != want {
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
		want   error
	}{
		{"43 characters", url.Values{"code_verifier": {testCodeVerifier}}, nil},
		{"128 characters", url.Values{"code_verifier": {long[:128]}}, nil},
		{"among other parameters", url.Values{"code_verifier": {testCodeVerifier}, "code": {"a", "b"}}, nil},
		{"no parameters", nil, stripeapps.ErrNoCodeVerifier},
		{"without a value", url.Values{"code_verifier": {""}}, stripeapps.ErrNoCodeVerifier},
		{"without values", url.Values{"code_verifier": {}}, stripeapps.ErrNoCodeVerifier},
		{"under another case", url.Values{"Code_Verifier": {testCodeVerifier}}, stripeapps.ErrNoCodeVerifier},
		{"repeated", url.Values{"code_verifier": {testCodeVerifier, testCodeVerifier}}, stripeapps.ErrRepeatedCodeVerifier},
		{"repeated without a value", url.Values{"code_verifier": {testCodeVerifier, ""}}, stripeapps.ErrRepeatedCodeVerifier},
		{"42 characters", url.Values{"code_verifier": {long[:42]}}, stripeapps.ErrMalformedCodeVerifier},
		{"129 characters", url.Values{"code_verifier": {long[:129]}}, stripeapps.ErrMalformedCodeVerifier},
		{"what is not unreserved", url.Values{"code_verifier": {testCodeVerifier + "="}}, stripeapps.ErrMalformedCodeVerifier},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := ""
			if test.want == nil {
				want = test.params.Get("code_verifier")
			}
			for _, allowPlain := range []bool{false, true} { // which is about challenges
				got, err := stripeapps.PKCE{InsecureAllowPlain: allowPlain}.ReadCodeVerifier(test.params)
				assertSame(t, test.want, err)
				assert.Equal(t, want, got)
			}
		})
	}
}

func TestVerifyCodeVerifier(t *testing.T) {
	s256 := func(verifier string) stripeapps.CodeChallenge {
		return stripeapps.CodeChallenge{Challenge: stripeapps.S256Challenge(verifier), Method: "S256"}
	}
	plainOf := func(verifier string) stripeapps.CodeChallenge {
		return stripeapps.CodeChallenge{Challenge: verifier, Method: "plain"}
	}
	long := strings.Repeat("-._~", 33)
	none := stripeapps.CodeChallenge{}
	mismatch, malformed := stripeapps.ErrCodeVerifierMismatch, stripeapps.ErrMalformedCodeVerifier
	for _, test := range []struct {
		name       string
		verifier   string
		stored     stripeapps.CodeChallenge
		allowPlain bool
		want       error
	}{
		{"the right one", testCodeVerifier, s256(testCodeVerifier), false, nil},
		{"the right one, with plain allowed", testCodeVerifier, s256(testCodeVerifier), true, nil},
		{"the right one of 43 characters", long[:43], s256(long[:43]), false, nil},
		{"the right one of 128 characters", long[:128], s256(long[:128]), false, nil},
		{"the right one of 42 characters", long[:42], s256(long[:42]), false, malformed},
		{"the right one of 129 characters", long[:129], s256(long[:129]), false, malformed},
		{"the right one of 43 characters outside ASCII", strings.Repeat("ä", 43), s256(strings.Repeat("ä", 43)), false, malformed},
		{"the right one with a line break behind", testCodeVerifier + "\n", s256(testCodeVerifier + "\n"), false, malformed},
		{"another one", stripeapps.NewCodeVerifier(), s256(testCodeVerifier), false, mismatch},
		{"one in another case", strings.ToLower(testCodeVerifier), s256(testCodeVerifier), false, mismatch},
		{"one with a character more", testCodeVerifier + "A", s256(testCodeVerifier), false, mismatch},
		{"none", "", s256(testCodeVerifier), false, stripeapps.ErrNoCodeVerifier},
		{"none, and its hash is stored", "", s256(""), false, stripeapps.ErrNoCodeVerifier},

		// RFC 9700, section 4.8.2: a token request with a verifier, for a code that
		// was asked for without a challenge.
		{"no challenge stored, and a verifier", testCodeVerifier, none, false, stripeapps.ErrNoStoredCodeChallenge},
		{"no challenge stored, and none", "", none, false, stripeapps.ErrNoStoredCodeChallenge},
		{"no challenge stored, and none, with plain allowed", "", none, true, stripeapps.ErrNoStoredCodeChallenge},
		{"no challenge stored, and what is no verifier", "=", none, false, stripeapps.ErrNoStoredCodeChallenge},

		{"only a method stored", testCodeVerifier, stripeapps.CodeChallenge{Method: "S256"}, false, mismatch},
		{"only a method stored, and none", "", stripeapps.CodeChallenge{Method: "S256"}, false, stripeapps.ErrNoCodeVerifier},
		{"only the method plain stored, and none", "", stripeapps.CodeChallenge{Method: "plain"}, true, stripeapps.ErrNoCodeVerifier},
		{"only the method plain stored", testCodeVerifier, stripeapps.CodeChallenge{Method: "plain"}, true, mismatch},
		{"only a challenge stored", testCodeVerifier, stripeapps.CodeChallenge{Challenge: testCodeChallenge}, false, mismatch},
		{"only a challenge stored, with plain allowed", testCodeVerifier, stripeapps.CodeChallenge{Challenge: testCodeVerifier}, true, mismatch},
		{"an unknown method stored", testCodeVerifier, stripeapps.CodeChallenge{Challenge: testCodeChallenge, Method: "s256"}, true, mismatch},
		{"only an unknown method stored", testCodeVerifier, stripeapps.CodeChallenge{Method: "s256"}, true, mismatch},
		{"only the method plain stored but not allowed", testCodeVerifier, stripeapps.CodeChallenge{Method: "plain"}, false, mismatch},
		{"an unknown method stored, and what is no verifier", "=", stripeapps.CodeChallenge{Challenge: testCodeChallenge, Method: "s256"}, true, malformed},
		{"a challenge that lost its end", testCodeVerifier, stripeapps.CodeChallenge{Challenge: testCodeChallenge[:42], Method: "S256"}, false, mismatch},
		{"a challenge with more behind it", testCodeVerifier, stripeapps.CodeChallenge{Challenge: testCodeChallenge + "=", Method: "S256"}, false, mismatch},

		// RFC 7636, section 7.2: whoever saw the challenge must not get by with it.
		{"the challenge itself", testCodeChallenge, s256(testCodeVerifier), false, mismatch},
		{"the challenge itself, with plain allowed", testCodeChallenge, s256(testCodeVerifier), true, mismatch},
		{"plain stored but not allowed", testCodeVerifier, plainOf(testCodeVerifier), false, mismatch},
		{"plain stored but not allowed, of its hash", testCodeVerifier, plainOf(testCodeChallenge), false, mismatch},
		{"plain", testCodeVerifier, plainOf(testCodeVerifier), true, nil},
		{"plain of another one", testCodeChallenge, plainOf(testCodeVerifier), true, mismatch},
		{"plain of its hash", testCodeVerifier, plainOf(testCodeChallenge), true, mismatch},
		{"plain of what is no verifier", "=", plainOf("="), true, malformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			assertSame(t, test.want, stripeapps.PKCE{InsecureAllowPlain: test.allowPlain}.VerifyCodeVerifier(test.verifier, test.stored))
		})
	}
}

func TestEveryByteOfAVerifierIsUnreserved(t *testing.T) {
	accepted := 0
	for i := range testCodeVerifier {
		for b := range 256 {
			verifier := replaceByte(testCodeVerifier, i, byte(b))
			want := error(stripeapps.ErrMalformedCodeVerifier)
			if verifierGrammar.MatchString(verifier) {
				want = nil
				accepted++
			}
			stored := stripeapps.CodeChallenge{Challenge: stripeapps.S256Challenge(verifier), Method: "S256"}
			if err := (stripeapps.PKCE{}).VerifyCodeVerifier(verifier, stored); err != want {
				t.Errorf("%q in place %d: %v", b, i, err)
			}
		}
	}
	assert.Equal(t, 43*66, accepted)
}

func TestEveryFlippedBitOfTheChallengeIsRefused(t *testing.T) {
	for bit := range 8 * len(testCodeChallenge) {
		flipped := replaceByte(testCodeChallenge, bit/8, testCodeChallenge[bit/8]^1<<(bit%8))
		stored := stripeapps.CodeChallenge{Challenge: flipped, Method: "S256"}
		assertSame(t, stripeapps.ErrCodeVerifierMismatch, stripeapps.PKCE{}.VerifyCodeVerifier(testCodeVerifier, stored))
	}
}

// pkceErrors are the errors of PKCE, with their codes.
var pkceErrors = map[string]struct {
	err  *stripeapps.PKCEError
	code string
}{
	"ErrNoCodeChallenge":                {stripeapps.ErrNoCodeChallenge, "invalid_request"},
	"ErrMalformedCodeChallenge":         {stripeapps.ErrMalformedCodeChallenge, "invalid_request"},
	"ErrUnsupportedCodeChallengeMethod": {stripeapps.ErrUnsupportedCodeChallengeMethod, "invalid_request"},
	"ErrRepeatedCodeChallenge":          {stripeapps.ErrRepeatedCodeChallenge, "invalid_request"},
	"ErrNoCodeVerifier":                 {stripeapps.ErrNoCodeVerifier, "invalid_request"},
	"ErrMalformedCodeVerifier":          {stripeapps.ErrMalformedCodeVerifier, "invalid_request"},
	"ErrRepeatedCodeVerifier":           {stripeapps.ErrRepeatedCodeVerifier, "invalid_request"},
	"ErrNoStoredCodeChallenge":          {stripeapps.ErrNoStoredCodeChallenge, "invalid_grant"},
	"ErrCodeVerifierMismatch":           {stripeapps.ErrCodeVerifierMismatch, "invalid_grant"},
}

func TestPKCEErrorsAreAnsweredAsRFC6749Says(t *testing.T) {
	descriptions := map[string]bool{}
	for name, test := range pkceErrors {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.code, test.err.Code())
			description := test.err.Description()
			// Sections 4.1.2.1 and 5.2: no quotation mark, no backslash, ASCII only.
			assert.Regexp(t, `^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`, description)
			assert.False(t, descriptions[description], "another one says the same")
			descriptions[description] = true
			assert.EqualError(t, test.err, "stripeapps: "+description+" ("+test.code+")")

			wrapped := fmt.Errorf("token: %w", test.err)
			for other := range pkceErrors {
				assert.Equal(t, other == name, errors.Is(wrapped, pkceErrors[other].err), other)
			}
			var found *stripeapps.PKCEError
			require.ErrorAs(t, wrapped, &found)
			assert.Same(t, test.err, found)
		})
	}
}

func TestPKCEMakesFewAllocations(t *testing.T) {
	if stripeapps.RaceEnabled {
		t.Skip("allocations cannot be counted under the race detector")
	}
	for _, test := range pkceBenchmarks {
		t.Run(test.name, func(t *testing.T) {
			assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { test.run(t) }), test.allocs)
		})
	}
}

// It can be used, and copied, without the rest of the package: it compiles alone,
// against the standard library.
func TestPKCEStandsAlone(t *testing.T) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "pkce.go", nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	for _, imported := range file.Imports {
		assert.NotContains(t, imported.Path.Value, ".", "a domain")
	}
	config := types.Config{Importer: importer.Default()}
	alone, err := config.Check("pkce", files, []*ast.File{file}, nil)
	require.NoError(t, err)

	var sentinels []string
	for _, name := range alone.Scope().Names() {
		if _, ok := alone.Scope().Lookup(name).(*types.Var); ok && token.IsExported(name) {
			sentinels = append(sentinels, name)
		}
	}
	for name := range pkceErrors {
		i := slices.Index(sentinels, name)
		require.GreaterOrEqual(t, i, 0, name)
		sentinels = slices.Delete(sentinels, i, i+1)
	}
	assert.Empty(t, sentinels, "pkceErrors does not have these")
}
