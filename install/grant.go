package install

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"
)

// grant is what an install has given to the app: the Data of a Record, before it is
// sealed. Times are Unix seconds.
type grant struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	Installed    int64  `json:"installed"` // when the code was exchanged
	Obtained     int64  `json:"obtained"`  // when the tokens were asked for
	Lifetime     int64  `json:"lifetime"`  // of the access token, in seconds

	// Unproven: the account may have uninstalled the app since. The access token is not used
	// before Stripe has taken the refresh token.
	Unproven bool `json:"unproven,omitempty"`

	Holder  string `json:"holder,omitempty"`  // who is refreshing: a Tokens's name
	Failed  int64  `json:"failed,omitempty"`  // when a refresh of these tokens failed last
	Refused int64  `json:"refused,omitempty"` // when Stripe said that the refresh token is no longer good
}

const (
	early   = 5 * time.Minute  // before its end, a token is refreshed
	spare   = 30 * time.Second // before its end, a token is no longer used
	pause   = 30 * time.Second // between refreshes that fail, while the token can be used
	moment  = 2 * time.Second  // between refreshes that fail, when it cannot
	again   = time.Hour        // between refreshes of a token that was refused
	skewed  = 10 * time.Minute // apart: times of two clocks do not say what came first
	hour    = time.Hour        // of an access token, if Stripe does not say so
	longest = 24 * time.Hour   // of an access token, whatever Stripe says
)

// usable reports whether the access token is good for some time.
func (g grant) usable(now time.Time) bool {
	return !g.Unproven && !g.obtained().After(now.Add(skewed)) && now.Before(g.end().Add(-min(spare, g.lifetime()/8)))
}

// due reports whether the tokens are to be refreshed.
func (g grant) due(now time.Time) bool {
	if !g.usable(now) {
		return true
	}
	if now.Before(g.end().Add(-min(early, g.lifetime()/4))) {
		return false
	}
	return !within(g.Failed, pause, now)
}

// refused reports whether there is no use in asking Stripe. Once in an hour there is: a
// refresh token is also refused if the secret key is another app's, or of another mode,
// which is mended here and not by the account.
func (g grant) refused(now time.Time) bool { return within(g.Refused, again, now) }

// within reports whether a time, if there is one, is less than d away.
func within(at int64, d time.Duration, now time.Time) bool {
	return at != 0 && now.Sub(time.Unix(at, 0)).Abs() < d
}

func (g grant) installed() time.Time    { return time.Unix(g.Installed, 0) }
func (g grant) obtained() time.Time     { return time.Unix(g.Obtained, 0) }
func (g grant) lifetime() time.Duration { return time.Duration(g.Lifetime) * time.Second }
func (g grant) end() time.Time          { return g.obtained().Add(g.lifetime()) }

// load returns what is kept of an install, and its version.
func (t *Tokens) load(ctx context.Context, id ID) (grant, int64, error) {
	r, err := t.store.Load(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return grant{}, 0, ErrNotInstalled
	} else if err != nil {
		return grant{}, 0, caused{ErrTokensUnavailable, err}
	}
	g, err := t.open(id, r)
	return g, r.Version, err
}

func (t *Tokens) open(id ID, r Record) (grant, error) {
	var g grant
	plain, err := t.sealer.open(id, r.Data)
	if err != nil {
		return grant{}, caused{ErrTokensUnavailable, err}
	}
	if json.Unmarshal(plain, &g) != nil || g.RefreshToken == "" {
		return grant{}, caused{ErrTokensUnavailable, errSealed}
	}
	return g, nil
}

// save keeps g in the place of what has the version old, and returns its version. Its
// error is or wraps ErrConflict, or is the Store's.
func (t *Tokens) save(ctx context.Context, id ID, g grant, old int64) (int64, error) {
	plain, err := json.Marshal(g)
	if err != nil {
		return 0, err
	}
	r := Record{ID: id, Version: newVersion(), Data: t.sealer.seal(id, plain)}
	if err = t.store.Save(ctx, r, old); err != nil {
		// A database that was cut off may have saved it and not have been able to say so.
		if found, lookErr := t.store.Load(ctx, id); lookErr != nil || found.Version != r.Version {
			return 0, err
		}
	}
	return r.Version, nil
}

// newVersion returns a number from 1 up that no other record has had.
func newVersion() int64 {
	var random [8]byte
	rand.Read(random[:]) // never fails
	return int64(max(1, binary.BigEndian.Uint64(random[:])>>1))
}
