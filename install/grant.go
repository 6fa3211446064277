package install

import (
	"bytes"
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

	// Rival is the refresh token of another install at about the same time, which may be the
	// one that is good. Swapped: Stripe has refused it since it has become the rival.
	Rival   string `json:"rival,omitempty"`
	Swapped bool   `json:"swapped,omitempty"`

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

// over is what to store of g, for which a code was just exchanged, where stored is. If
// both were within some minutes, in two processes, nobody but Stripe knows which came
// last: what was asked for later is first, the other one stays its rival, and a refresh
// says which of them is good.
func (g grant) over(stored grant) grant {
	switch {
	case stored.RefreshToken == g.RefreshToken:
		return stored // g was saved, and nobody was told
	case stored.Refused != 0 || g.obtained().Sub(stored.installed()).Abs() > skewed:
		return g
	}
	first, rival := g, stored
	if stored.Obtained > g.Obtained {
		first, rival = stored, g
	}
	first.Rival, first.Swapped, first.Unproven = rival.RefreshToken, false, true
	first.Installed = max(g.Installed, stored.Installed)
	first.Holder = stored.Holder // may have asked Stripe already
	return first
}

// afterRefusal is what to store of g when Stripe has refused its refresh token.
func (g grant) afterRefusal(now time.Time) grant {
	g.Holder, g.Failed, g.Refused = "", now.Unix(), now.Unix()
	if g.Rival != "" {
		if !g.Swapped {
			g.Failed, g.Refused = 0, 0 // there is another one to ask for
		}
		g.AccessToken, g.Unproven = "", true
		g.RefreshToken, g.Rival, g.Swapped = g.Rival, g.RefreshToken, !g.Swapped
	}
	return g
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
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false) // or three tokens of the longest could have more than MaxDataBytes
	if err := encoder.Encode(g); err != nil {
		return 0, err
	}
	r := Record{ID: id, Version: newVersion(), Data: t.sealer.seal(id, plain.Bytes())}
	if err := t.store.Save(ctx, r, old); err != nil {
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
