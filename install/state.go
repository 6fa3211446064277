package install

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/replay"
)

// DefaultStateLifetime is how long a person has from Start until they are back,
// unless StateLifetime says otherwise.
const DefaultStateLifetime = 30 * time.Minute

const (
	leastStateLifetime = time.Minute
	mostStateLifetime  = 24 * time.Hour
	stateKeyBytes      = 32
	mostStateKeys      = 16

	// stateClockSkew is how far the clocks of processes may be apart: a state is
	// remembered for so much longer than it is good.
	stateClockSkew = replay.DefaultClockSkew
)

// states makes the states of installs and takes them back. A state is one that was
// made with one of the keys, for the same purpose, in this browser, not too long ago,
// and has not been taken before.
//
// It is the base64url of
//
//	mode (1 byte) | Unix time of its end (8, big endian) | SHA-256 of the cookie's value (32) | HMAC-SHA256 of all that (32)
//
// and needs no escaping, neither in a URL nor in JSON. The cookie's value is 32
// random bytes in base64url, which nobody else sees; its name has the first 8
// characters of the hash's base64url, so that several installs can be under way in
// one browser. Where session has something to say of a request, that is hashed too.
type states struct {
	keys     [][]byte // the first one signs
	guard    replay.Guard
	lifetime time.Duration
	now      func() time.Time
	purpose  string // is part of what is signed: a state is good for no other
	session  func(r *http.Request) string
}

// newStates returns states for a purpose, or an error that names all that is wrong, by
// the names of the fields that configure it. A lifetime of 0 means DefaultStateLifetime, a
// nil now time.Now, and a nil session that sessions do not matter.
func newStates(
	purpose string, keys [][]byte, guard replay.Guard, lifetime time.Duration, now func() time.Time, session func(r *http.Request) string,
) (*states, error) {
	errs := []error{checkStateKeys(keys)}
	if guard == nil {
		errs = append(errs, errors.New("stripeapps/install: Guard is nil: give replay.NewMemory, or one that several processes share"))
	}
	if lifetime == 0 {
		lifetime = DefaultStateLifetime
	}
	if lifetime < leastStateLifetime || lifetime > mostStateLifetime {
		errs = append(errs, fmt.Errorf("stripeapps/install: StateLifetime is %v: it must be 0 (meaning %v) or from %v to %v",
			lifetime, DefaultStateLifetime, leastStateLifetime, mostStateLifetime))
	}
	if now == nil {
		now = time.Now
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if session == nil {
		session = func(*http.Request) string { return "" }
	}
	s := &states{guard: guard, lifetime: lifetime, now: now, purpose: purpose, session: session}
	for _, key := range keys {
		s.keys = append(s.keys, slices.Clone(key))
	}
	return s, nil
}

func checkStateKeys(keys [][]byte) error {
	if len(keys) == 0 {
		return errors.New("stripeapps/install: StateKeys is empty: give a key of 32 random bytes")
	}
	if len(keys) > mostStateKeys {
		return fmt.Errorf("stripeapps/install: StateKeys has %d keys: it may have at most %d", len(keys), mostStateKeys)
	}
	var errs []error
	for i, key := range keys {
		switch {
		case len(key) != stateKeyBytes:
			errs = append(errs, fmt.Errorf("stripeapps/install: StateKeys[%d] has %d bytes: it must be 32 random bytes, not their text", i, len(key)))
		case isOneByte(key):
			errs = append(errs, fmt.Errorf("stripeapps/install: StateKeys[%d] is one byte over and over: it must be 32 random bytes", i))
		case slices.ContainsFunc(keys[:i], func(other []byte) bool { return subtle.ConstantTimeCompare(other, key) == 1 }):
			errs = append(errs, fmt.Errorf("stripeapps/install: StateKeys[%d] is there already", i))
		}
	}
	return errors.Join(errs...)
}

func isOneByte(key []byte) bool {
	return !slices.ContainsFunc(key, func(b byte) bool { return b != key[0] })
}

// start begins an install: it sets the cookie on w, and returns the state. mode comes
// back from take. The error is about mode.
func (s *states) start(w http.ResponseWriter, r *http.Request, mode Mode) (state string, err error) {
	index := slices.Index(stateModes, mode)
	if index < 0 {
		return "", errors.New("stripeapps/install: there is no such mode")
	}
	secret := make([]byte, cookieSecretBytes)
	rand.Read(secret) // never fails
	value := base64.RawURLEncoding.EncodeToString(secret)
	expires := s.now().Add(s.lifetime).Unix()

	hash := hashOf(value, s.session(r))
	b := make([]byte, 0, stateBytes)
	b = append(b, byte(index))
	b = binary.BigEndian.AppendUint64(b, uint64(expires))
	b = append(b, hash[:]...)
	b = append(b, s.mac(s.keys[0], b)...)

	forgetOldCookies(w, r)
	setCookie(w, cookieName(hash[:]), value, int(s.lifetime/time.Second))
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// flow is an install that is under way.
type flow struct {
	mode    Mode
	expires time.Time
	hash    []byte // of the cookie's value
}

var stateModes = []Mode{"", Live, Test, Sandbox}

const (
	stateBytes = 1 + 8 + sha256.Size + sha256.Size
	stateChars = (stateBytes*8 + 5) / 6
)

// find returns the flow of a state, if it is this browser's, and the session the same,
// without taking it. The
// error is ErrInvalidState, ErrExpired or ErrOtherBrowser.
func (s *states) find(r *http.Request, state string) (flow, error) {
	if len(state) != stateChars {
		return flow{}, ErrInvalidState
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(state)
	if err != nil || len(b) != stateBytes { // it skips line breaks
		return flow{}, ErrInvalidState
	}
	text, sum := b[:stateBytes-sha256.Size], b[stateBytes-sha256.Size:]
	if !s.hasMade(text, sum) || int(text[0]) >= len(stateModes) {
		return flow{}, ErrInvalidState
	}
	f := flow{
		mode:    stateModes[text[0]],
		expires: time.Unix(int64(binary.BigEndian.Uint64(text[1:])), 0),
		hash:    text[9:],
	}
	if s.now().After(f.expires) {
		return flow{}, ErrExpired
	}
	if !hasCookie(r, f.hash, s.session(r)) {
		return flow{}, ErrOtherBrowser
	}
	return f, nil
}

// hasMade reports whether sum is the MAC of text with one of the keys. All are
// tried.
func (s *states) hasMade(text, sum []byte) bool {
	equal := 0
	for _, key := range s.keys {
		equal |= subtle.ConstantTimeCompare(s.mac(key, text), sum)
	}
	return equal == 1
}

func (s *states) mac(key, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("stripeapps/install state 1\n" + strconv.Itoa(len(s.purpose)) + ":" + s.purpose + "\n"))
	mac.Write(text)
	return mac.Sum(nil)
}

// claim takes a flow, which can be done once, and deletes its cookie. The error is
// ErrUsed or ErrUnavailable.
func (s *states) claim(ctx context.Context, w http.ResponseWriter, f flow) error {
	key := "stripe_install." + base64.RawURLEncoding.EncodeToString(f.hash)
	first, err := s.guard.Claim(ctx, key, f.expires.Add(stateClockSkew))
	switch {
	case err != nil:
		return caused{ErrUnavailable, err}
	case !first:
		return ErrUsed
	}
	setCookie(w, cookieName(f.hash), "", -1)
	return nil
}
