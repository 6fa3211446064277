package install

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/replay"
)

var testNow = time.Unix(1700000000, 0)

// testKey is 32 bytes that begin with n.
func testKey(n byte) []byte {
	key := sha256.Sum256([]byte{n})
	return key[:]
}

// testClock is a clock that tests set.
type testClock struct{ now time.Time }

func (c *testClock) Now() time.Time { return c.now }

func newTestStates(t testing.TB, clock *testClock, keys ...[]byte) *states {
	t.Helper()
	if keys == nil {
		keys = [][]byte{testKey(1)}
	}
	guard := replay.NewMemory(replay.MemoryConfig{Now: clock.Now})
	s, err := newStates("", keys, guard, 0, clock.Now, nil)
	require.NoError(t, err)
	return s
}

// browser keeps cookies as a browser does.
type browser struct{ cookies []*http.Cookie }

func (b *browser) keep(w *httptest.ResponseRecorder) {
	for _, set := range w.Result().Cookies() {
		kept := b.cookies[:0:0]
		for _, cookie := range b.cookies {
			if cookie.Name != set.Name {
				kept = append(kept, cookie)
			}
		}
		if set.MaxAge >= 0 {
			kept = append(kept, set)
		}
		b.cookies = kept
	}
}

func (b *browser) request(target string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for _, cookie := range b.cookies {
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	}
	return r
}

func (b *browser) start(t testing.TB, s *states, mode Mode) string {
	t.Helper()
	w := httptest.NewRecorder()
	state, err := s.start(w, b.request("/install"), mode)
	require.NoError(t, err)
	b.keep(w)
	return state
}

func (b *browser) take(s *states, state string) (Mode, error) {
	w := httptest.NewRecorder()
	mode, err := s.take(w, b.request("/installed?state="+url.QueryEscape(state)))
	b.keep(w)
	return mode, err
}

// take does with a state what the callbacks do.
func (s *states) take(w http.ResponseWriter, r *http.Request) (Mode, error) {
	query, err := readReturn(r)
	if err != nil {
		return "", err
	}
	state := query.Get("state")
	if state == "" {
		return "", ErrNotStarted
	}
	f, err := s.find(r, state)
	if err != nil {
		return "", err
	}
	return f.mode, s.claim(r.Context(), w, f)
}

func TestAStateIsTakenOnceWithItsMode(t *testing.T) {
	for _, mode := range []Mode{"", Live, Test, Sandbox} {
		s, b := newTestStates(t, &testClock{testNow}), &browser{}
		state := b.start(t, s, mode)
		cookies := b.cookies
		require.Len(t, cookies, 1)

		got, err := b.take(s, state)
		require.NoError(t, err)
		assert.Equal(t, mode, got)
		assert.Empty(t, b.cookies, "the cookie is deleted")

		_, err = b.take(s, state)
		assert.ErrorIs(t, err, ErrOtherBrowser)
		b.cookies = cookies // who has copied it
		_, err = b.take(s, state)
		assert.ErrorIs(t, err, ErrUsed)
	}
	w := httptest.NewRecorder()
	_, err := newTestStates(t, &testClock{testNow}).start(w, httptest.NewRequest("GET", "/", nil), "other")
	assert.EqualError(t, err, "stripeapps/install: there is no such mode")
	assert.Empty(t, w.Header())
}

func TestWhatTheBrowserGets(t *testing.T) {
	s := newTestStates(t, &testClock{testNow})
	w := httptest.NewRecorder()
	state, err := s.start(w, httptest.NewRequest("GET", "/install", nil), Live)
	require.NoError(t, err)
	assert.Regexp(t, `^[A-Za-z0-9_-]{98}$`, state)
	assert.Len(t, w.Header(), 1)
	require.Len(t, w.Header()["Set-Cookie"], 1)
	assert.Regexp(t, `^__Host-stripe_install_[A-Za-z0-9_-]{8}=[A-Za-z0-9_-]{43}; Path=/; Max-Age=1800; HttpOnly; Secure; SameSite=Lax$`, w.Header()["Set-Cookie"][0])

	again := httptest.NewRecorder()
	other, err := s.start(again, httptest.NewRequest("GET", "/install", nil), Live)
	require.NoError(t, err)
	assert.NotEqual(t, state, other)
	assert.NotEqual(t, w.Header(), again.Header())
}

func TestAStateEndsWithItsLifetime(t *testing.T) {
	for after, want := range map[time.Duration]error{30 * time.Minute: nil, 30*time.Minute + 1: ErrExpired, -time.Hour: nil} {
		clock, b := &testClock{testNow}, &browser{}
		s := newTestStates(t, clock)
		state := b.start(t, s, Live)
		clock.now = testNow.Add(after)
		_, err := b.take(s, state)
		assert.ErrorIs(t, err, want, after)
	}
}

func TestSeveralInstallsAreUnderWayInOneBrowser(t *testing.T) {
	s, b := newTestStates(t, &testClock{testNow}), &browser{}
	first, second := b.start(t, s, Live), b.start(t, s, Test)
	require.Len(t, b.cookies, 2)
	mode, err := b.take(s, second)
	require.NoError(t, err)
	assert.Equal(t, Test, mode)
	mode, err = b.take(s, first)
	require.NoError(t, err)
	assert.Equal(t, Live, mode)
}

func TestABrowserKeepsTheNewestEightInstalls(t *testing.T) {
	s, b := newTestStates(t, &testClock{testNow}), &browser{}
	b.cookies = []*http.Cookie{{Name: "session", Value: "1"}, {Name: cookiePrefix + "other", Value: "1"}, {Name: cookiePrefix + "AAAA", Value: "1"}, {Name: cookiePrefix + "AAAAAAAAAAAA", Value: "1"}}
	var states []string
	for range 20 {
		states = append(states, b.start(t, s, Live))
	}
	require.Len(t, b.cookies, 4+8)
	_, err := b.take(s, states[11])
	assert.ErrorIs(t, err, ErrOtherBrowser)
	for _, state := range states[12:] {
		_, err := b.take(s, state)
		assert.NoError(t, err)
	}
}

// Who sends more than a browser would does not get as much back.
func TestManyCookiesAreNotAllForgotten(t *testing.T) {
	s := newTestStates(t, &testClock{testNow})
	for name, test := range map[string]struct{ cookies, want int }{
		"as a browser may have": {8, 1 + 1},
		"more":                  {500, 32 + 1},
		"more than is read":     {1500, 1},
	} {
		r := httptest.NewRequest("GET", "/install", nil)
		var line strings.Builder
		for i := range test.cookies {
			fmt.Fprintf(&line, "%s%08d=%020d; ", cookiePrefix, i, i)
		}
		r.Header.Set("Cookie", line.String())
		w := httptest.NewRecorder()
		_, err := s.start(w, r, Live)
		require.NoError(t, err)
		assert.Len(t, w.Header()["Set-Cookie"], test.want, name)
	}
}

func TestAStateIsThisBrowsers(t *testing.T) {
	s, b, attacker := newTestStates(t, &testClock{testNow}), &browser{}, &browser{}
	state, others := b.start(t, s, Live), attacker.start(t, s, Live)
	cookie := *b.cookies[0]
	for name, cookies := range map[string][]*http.Cookie{
		"no cookie":                       nil,
		"another flow's":                  attacker.cookies,
		"another flow's under this name":  {{Name: cookie.Name, Value: attacker.cookies[0].Value}},
		"an empty one":                    {{Name: cookie.Name}},
		"one cut short":                   {{Name: cookie.Name, Value: cookie.Value[:42]}},
		"its hash":                        {{Name: cookie.Name, Value: hashIn(state)}},
		"a name without the prefix":       {{Name: strings.TrimPrefix(cookie.Name, "__Host-"), Value: cookie.Value}},
		"a name in other letters":         {{Name: strings.ToLower(cookie.Name) + "x", Value: cookie.Value}},
		"two, of which the first fits":    {&cookie, {Name: cookie.Name, Value: "x"}},
		"two, of which the last one fits": {{Name: cookie.Name, Value: "x"}, &cookie},
		"more than is read":               {{Name: "big", Value: strings.Repeat("x", 64<<10)}, &cookie},
	} {
		_, err := (&browser{cookies}).take(s, state)
		assert.ErrorIs(t, err, ErrOtherBrowser, name)
	}
	_, err := b.take(s, others)
	assert.ErrorIs(t, err, ErrOtherBrowser)
	_, err = b.take(s, state)
	assert.NoError(t, err, "what was refused has used nothing up")
}

// hashIn is the text of the hash in a state.
func hashIn(state string) string {
	b, _ := base64.RawURLEncoding.DecodeString(state)
	return base64.RawURLEncoding.EncodeToString(b[9:41])
}

func TestAStateIsMadeWithAKey(t *testing.T) {
	clock := &testClock{testNow}
	old, rolled, other := newTestStates(t, clock, testKey(1)), newTestStates(t, clock, testKey(2), testKey(1)), newTestStates(t, clock, testKey(3))
	b := &browser{}
	state := b.start(t, old, Live)
	_, err := b.take(other, state)
	assert.ErrorIs(t, err, ErrInvalidState)
	_, err = b.take(rolled, state)
	assert.NoError(t, err)
	_, err = b.take(old, b.start(t, rolled, Live))
	assert.ErrorIs(t, err, ErrInvalidState, "the first key signs")
	_, err = b.take(rolled, b.start(t, rolled, Live))
	assert.NoError(t, err)
}

func TestAStateIsForItsPurpose(t *testing.T) {
	clock := &testClock{testNow}
	one, two, b := newTestStates(t, clock), newTestStates(t, clock), &browser{}
	one.purpose, two.purpose = "link https://example.com/one", "link https://example.com/two"
	state := b.start(t, one, Live)
	_, err := b.take(two, state)
	assert.ErrorIs(t, err, ErrInvalidState)
	_, err = b.take(one, state)
	assert.NoError(t, err)
}

func TestKeysAreCopied(t *testing.T) {
	key, b := testKey(1), &browser{}
	s := newTestStates(t, &testClock{testNow}, key)
	state := b.start(t, s, Live)
	clear(key)
	_, err := b.take(s, state)
	assert.NoError(t, err)
}

func TestWhatIsNoState(t *testing.T) {
	s, b := newTestStates(t, &testClock{testNow}), &browser{}
	state := b.start(t, s, Live)
	unknownMode := make([]byte, 41)
	unknownMode[0] = 4
	unknownMode = append(unknownMode, s.mac(s.keys[0], unknownMode)...)
	for name, wrong := range map[string]string{
		"one character less":      state[:97],
		"one character more":      state + "A",
		"padding":                 state + "==",
		"a line break in it":      state[:50] + "\n" + state[51:],
		"a line break more":       state[:50] + "\n" + state[50:],
		"four line breaks in it":  state[:50] + "\n\n\n\n" + state[54:],
		"line breaks alone":       strings.Repeat("\n", 98),
		"a bit that is not used":  state[:97] + string(state[97]+1),
		"the alphabet of base64":  strings.Repeat("+", 98),
		"a megabyte":              strings.Repeat("A", 10<<10),
		"a mode that is unknown":  base64.RawURLEncoding.EncodeToString(unknownMode),
		"nothing but zeros":       strings.Repeat("A", 98),
		"a character that is not": state[:97] + "é",
	} {
		_, err := b.take(s, wrong)
		assert.ErrorIs(t, err, ErrInvalidState, name)
	}
	for i := range stateBytes {
		raw, _ := base64.RawURLEncoding.DecodeString(state)
		raw[i] ^= 1
		_, err := b.take(s, base64.RawURLEncoding.EncodeToString(raw))
		require.ErrorIs(t, err, ErrInvalidState, "byte %d", i)
	}
	_, err := b.take(s, state)
	assert.NoError(t, err)
}

func TestWhatAQuerySays(t *testing.T) {
	s, b := newTestStates(t, &testClock{testNow}), &browser{}
	state := b.start(t, s, Live)
	for query, want := range map[string]error{
		"":                            ErrNotStarted,
		"code=ac_1":                   ErrNotStarted,
		"State=" + state:              ErrNotStarted,
		"state=":                      ErrNotStarted,
		"state=%20":                   ErrInvalidState,
		"state=" + state + "&state=":  ErrMalformed,
		"state=&state=" + state:       ErrMalformed,
		"state=" + state + "&a=1&a=2": ErrMalformed,
		"state=" + state + "&st%61te": ErrMalformed,
		"state=" + state + "&%zz":     ErrMalformed,
		"state=" + state + ";a=1":     ErrMalformed,
		"state=" + state + "&error=access_denied":     ErrCancelled,
		"error=access_denied&error_description=x":     ErrCancelled,
		"error=access_denied&error=x":                 ErrMalformed,
		"error=":                                      ErrFailed,
		"error":                                       ErrFailed,
		"error=server_error":                          ErrFailed,
		"state=" + state + strings.Repeat("&", 16384): ErrMalformed,
	} {
		w := httptest.NewRecorder()
		_, err := s.take(w, b.request("/installed?"+query))
		assert.ErrorIs(t, err, want, "%.120s", query)
		assert.Empty(t, w.Header(), "%.120s", query)
	}
	_, err := b.take(s, state)
	assert.NoError(t, err)
}

// guardFunc is a replay.Guard.
type guardFunc func(ctx context.Context, key string, until time.Time) (bool, error)

func (f guardFunc) Claim(ctx context.Context, key string, until time.Time) (bool, error) {
	return f(ctx, key, until)
}

func TestAStateIsOfTheSessionThatBeganIt(t *testing.T) {
	s := newTestStates(t, &testClock{testNow})
	user := ""
	s.session = func(*http.Request) string { return user }
	for _, test := range []struct {
		name, begins, returns string
		taken                 bool
	}{
		{"the same user", "alice", "alice", true},
		{"nobody, twice", "", "", true},
		{"another user", "alice", "bob", false},
		{"nobody any more", "alice", "", false},
		{"somebody by now", "", "alice", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &browser{}
			user = test.begins
			state := b.start(t, s, Live)
			user = test.returns
			_, err := b.take(s, state)
			if test.taken {
				assert.NoError(t, err)
				return
			}
			assert.Equal(t, ErrOtherBrowser, err)
			user = test.begins
			_, err = b.take(s, state)
			assert.NoError(t, err, "it is not used up")
		})
	}
}

func TestWhatTheGuardIsAsked(t *testing.T) {
	var keys []string
	failure := errors.New("not reachable")
	s, err := newStates("test", [][]byte{testKey(1)}, guardFunc(func(_ context.Context, key string, until time.Time) (bool, error) {
		keys = append(keys, key)
		assert.Equal(t, testNow.Add(30*time.Minute+30*time.Second), until)
		return false, failure
	}), 0, (&testClock{testNow}).Now, nil)
	require.NoError(t, err)
	b := &browser{}
	state := b.start(t, s, Live)
	_, err = b.take(s, state)
	assert.ErrorIs(t, err, ErrUnavailable)
	assert.ErrorIs(t, err, failure)
	assert.Len(t, b.cookies, 1, "the person can load the page again")
	assert.Equal(t, []string{"stripe_install." + hashIn(state)}, keys)
	assert.NotContains(t, keys[0], b.cookies[0].Value)
}

func TestEachProblemOfAConfigurationIsNamed(t *testing.T) {
	_, err := newStates("test", nil, nil, time.Second, nil, nil)
	assert.EqualError(t, err, "stripeapps/install: StateKeys is empty: give a key of 32 random bytes\n"+
		"stripeapps/install: Guard is nil: give replay.NewMemory, or one that several processes share\n"+
		"stripeapps/install: StateLifetime is 1s: it must be 0 (meaning 30m0s) or from 1m0s to 24h0m0s")
	_, err = newStates("test", [][]byte{nil, testKey(1), []byte("short"), testKey(1), bytes.Repeat([]byte{7}, 32), []byte(strings.Repeat("0f", 32))},
		guardFunc(nil), -1, nil, nil)
	assert.EqualError(t, err, "stripeapps/install: StateKeys[0] has 0 bytes: it must be 32 random bytes, not their text\n"+
		"stripeapps/install: StateKeys[2] has 5 bytes: it must be 32 random bytes, not their text\n"+
		"stripeapps/install: StateKeys[3] is there already\n"+
		"stripeapps/install: StateKeys[4] is one byte over and over: it must be 32 random bytes\n"+
		"stripeapps/install: StateKeys[5] has 64 bytes: it must be 32 random bytes, not their text\n"+
		"stripeapps/install: StateLifetime is -1ns: it must be 0 (meaning 30m0s) or from 1m0s to 24h0m0s")
	var keys [][]byte
	for n := range byte(17) {
		keys = append(keys, testKey(n))
	}
	_, err = newStates("test", keys, guardFunc(nil), 24*time.Hour+1, nil, nil)
	assert.EqualError(t, err, "stripeapps/install: StateKeys has 17 keys: it may have at most 16\n"+
		"stripeapps/install: StateLifetime is 24h0m0.000000001s: it must be 0 (meaning 30m0s) or from 1m0s to 24h0m0s")
	_, err = newStates("test", keys[:16], guardFunc(nil), 24*time.Hour, nil, nil)
	assert.NoError(t, err)
}

// FuzzState holds what is accepted as a state against its format, written another
// way: by the regular expression of its alphabet, and slices of its bytes.
func FuzzState(f *testing.F) {
	clock := &testClock{testNow}
	s, b := newTestStates(f, clock), &browser{}
	for _, mode := range []Mode{"", Live, Test, Sandbox} {
		state := b.start(f, s, mode)
		for _, cookie := range b.cookies {
			f.Add(state, cookie.Name, cookie.Value, []byte(nil), int64(0))
			f.Add(state, cookie.Name, cookie.Value, []byte(nil), int64(1801))
		}
	}
	hash := sha256.Sum256([]byte("a"))
	text := append(binary.BigEndian.AppendUint64([]byte{1}, 1700000000), hash[:]...)
	f.Add("", cookieName(hash[:]), "a", text, int64(0))
	f.Add("", "x", "", append([]byte{4}, text[1:]...), int64(0))

	f.Fuzz(func(t *testing.T, state, name, value string, text []byte, seconds int64) {
		if text != nil { // a right MAC over whatever the fuzzer writes
			mac := hmac.New(sha256.New, testKey(1))
			mac.Write([]byte("stripeapps/install state 1\n0:\n"))
			mac.Write(text)
			state = base64.RawURLEncoding.EncodeToString(append(text, mac.Sum(nil)...))
		}
		clock.now = testNow.Add(time.Duration(seconds%1e6) * time.Second)
		r := httptest.NewRequest(http.MethodGet, "/installed", nil)
		r.AddCookie(&http.Cookie{Name: name, Value: value})
		mode, err := s.find(r, state)
		if got, want := err == nil, isGood(state, r.Header.Get("Cookie"), clock.now); got != want {
			t.Fatalf("found: %v, but is good: %v (%v)", got, want, err)
		}
		if err == nil && stateModes[fromBase64(state)[0]] != mode.mode {
			t.Fatal("another mode")
		}
	})
}

func isGood(state, cookies string, now time.Time) bool {
	raw := fromBase64(state)
	if len(raw) != 73 || base64.RawURLEncoding.EncodeToString(raw) != state || raw[0] > 3 {
		return false
	}
	mac := hmac.New(sha256.New, testKey(1))
	mac.Write([]byte("stripeapps/install state 1\n0:\n" + string(raw[:41])))
	if !bytes.Equal(mac.Sum(nil), raw[41:]) {
		return false
	}
	var end int64
	for _, b := range raw[1:9] {
		end = end<<8 | int64(b)
	}
	if now.Unix() > end {
		return false
	}
	name, value, _ := strings.Cut(cookies, "=")
	sum := sha256.Sum256([]byte(strings.Trim(value, `"`)))
	return name == "__Host-stripe_install_"+base64.RawURLEncoding.EncodeToString(raw[9:41])[:8] && bytes.Equal(sum[:], raw[9:41])
}

func fromBase64(text string) []byte {
	raw, _ := base64.URLEncoding.WithPadding(base64.NoPadding).DecodeString(text)
	return raw
}
