package install

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/internal/response"
)

// flight is a refresh that is going on in this process, for all who wait for it.
type flight struct {
	done  chan struct{} // closed when grant and err are there
	grant grant
	err   error
}

// join returns the refresh of an install that is going on, or starts one. It goes on when
// ctx ends: what Stripe has given by then must not be lost.
func (t *Tokens) join(ctx context.Context, id ID) *flight {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f, ok := t.flights[id]; ok {
		return f
	}
	f := &flight{done: make(chan struct{}), err: caused{ErrTokensUnavailable, errors.New("install: the refresh did not come to its end")}}
	t.flights[id] = f
	go func() {
		defer func() {
			if value := recover(); value != nil { // of the Store, the Transport or Now: it must not end the program
				f.grant, f.err = grant{}, caused{ErrTokensUnavailable, errors.New("install: the refresh panicked: see the log")}
				response.Logf((&http.Request{}).WithContext(ctx), "stripeapps/install: panic in a refresh: %v\n%s", value, debug.Stack())
			}
			t.mu.Lock()
			delete(t.flights, id)
			t.mu.Unlock()
			close(f.done)
		}()
		f.grant, f.err = t.refresh(context.WithoutCancel(ctx), id)
	}()
	return f
}

// turn is that this process may ask Stripe for the next tokens of an install.
type turn struct {
	grant   grant // what was kept when the turn began
	version int64
	until   time.Time // nobody else takes over before this
}

// refresh returns tokens that are not due: the next ones, if need be. If those that it
// comes to are in doubt by then, it goes on with them.
func (t *Tokens) refresh(ctx context.Context, id ID) (g grant, err error) {
	for range 4 {
		if g, err = t.attempt(ctx, id); err != nil || !g.Unproven {
			break
		}
	}
	return g, err
}

// attempt gets the next tokens from Stripe, if it is this process's turn, and else waits
// until another one has them.
func (t *Tokens) attempt(ctx context.Context, id ID) (grant, error) {
	waiting, cancel := context.WithTimeout(ctx, 3*t.lease)
	defer cancel()
	mine, g, err := t.take(waiting, id)
	if mine == nil {
		return g, err
	}
	asked := t.now().Unix()
	asking, cancel := context.WithDeadline(ctx, mine.until)
	defer cancel()
	got, err := t.endpoint.refresh(asking, id, mine.grant.RefreshToken, t.lease/2)
	if err != nil {
		return t.failed(ctx, id, mine, err)
	}
	next := grant{AccessToken: got.access, RefreshToken: got.refresh, Installed: mine.grant.Installed, Obtained: asked, Lifetime: got.lifetime}
	if got.flaw != nil { // the refresh token is the only one that is good all the same
		next.AccessToken, next.Unproven, next.Failed = "", true, asked
	}
	g, err = t.keep(ctx, id, mine, next)
	if err == nil && got.flaw != nil && g.RefreshToken == got.refresh {
		return grant{}, caused{ErrTokenResponse, got.flaw}
	}
	return g, err
}

// take returns tokens that are not due, or makes this process the one that refreshes
// them: by writing its name into the record, which only one process can do. Another
// one's name stands until it is taken out, or has stood unchanged for a Lease, by the clock
// of this process. Its own is left over from a refresh that came to nothing: there is one
// at a time in a process.
//
// Of others, nobody has seen the name before it was saved. If that took so long that
// Stripe's half of the Lease, and an eighth to store the tokens, do not fit in before
// they take over, it does not count.
func (t *Tokens) take(ctx context.Context, id ID) (*turn, grant, error) {
	var seen int64
	var since time.Time
	for wait := newBackoff(); ; {
		g, version, err := t.load(ctx, id)
		now := t.now()
		switch {
		case err != nil:
			return nil, grant{}, err
		case g.refused(now):
			return nil, grant{}, ErrInstallAgain
		case !g.due(now):
			return nil, g, nil
		case within(g.Failed, moment, now):
			return nil, grant{}, caused{ErrTokensUnavailable, errors.New("install: a refresh failed a moment ago")}
		}
		if version != seen {
			seen, since = version, time.Now()
		}
		if g.Holder == "" || g.Holder == t.name || time.Since(since) >= t.lease {
			g.Holder = t.name
			until := time.Now().Add(t.lease - t.lease/8)
			taken, err := t.save(ctx, id, g, version)
			switch {
			case err == nil && time.Until(until) >= t.lease/2:
				return &turn{g, taken, until}, grant{}, nil
			case err != nil && !errors.Is(err, ErrConflict):
				return nil, grant{}, caused{ErrTokensUnavailable, err}
			}
		}
		if err := wait.next(ctx); err != nil {
			return nil, grant{}, caused{ErrTokensUnavailable, err}
		}
	}
}

// keep stores the tokens that Stripe has given for the refresh token used. It tries for
// some minutes: they are the only ones that are good by now.
//
// Who has the turn does not matter here. What is stored is replaced if it has the refresh
// token that was used, of which next is the successor, even if another process has
// since taken the refresh over; and left alone if it has another one. What has been stored
// beside it meanwhile, or against it, is for the next refresh to decide. That there is no
// record any more is believed after three Leases: a Store must not say so while its database
// is away, but if it does, the install would be lost.
func (t *Tokens) keep(ctx context.Context, id ID, mine *turn, next grant) (grant, error) {
	ctx, cancel := context.WithTimeout(ctx, keepFor)
	defer cancel()
	used, put, version := mine.grant.RefreshToken, next, mine.version
	var gone time.Time // since when there is no record
	for wait := newBackoff(); ; {
		_, err := t.save(ctx, id, put, version)
		if err == nil {
			return put, nil
		}
		stored, found, loadErr := t.load(ctx, id)
		if missing := errors.Is(loadErr, ErrNotInstalled); !missing {
			gone = time.Time{}
		} else if gone.IsZero() {
			gone = time.Now()
		} else if time.Since(gone) >= 3*t.lease {
			return grant{}, ErrNotInstalled // uninstalled meanwhile
		}
		switch {
		case loadErr == nil && stored.RefreshToken == used:
			put, version = next, found
			put.Unproven = next.Unproven || stored.Unproven // the doubt may be younger than next
			if stored.Rival != mine.grant.Rival {
				put.Rival = stored.Rival
			}
		case loadErr == nil && stored.Rival == used:
			put, version = stored, found
			put.Rival, put.Holder = next.RefreshToken, ""
		case loadErr == nil:
			return stored, nil // installed again, or refreshed by who took over
		}
		if wait.next(ctx) != nil {
			return grant{}, caused{ErrTokensUnavailable, err}
		}
	}
}

const keepFor = 10 * time.Minute

// failed takes this process's name out of the record after Stripe has not given tokens,
// and says so in it. That the install is to be done again is said only if it was this
// process's turn to the end: otherwise the refresh token may be none any more because
// another one has refreshed it.
func (t *Tokens) failed(ctx context.Context, id ID, mine *turn, reason error) (grant, error) {
	ctx, cancel := context.WithTimeout(ctx, t.lease/2)
	defer cancel()
	unsure := reason
	if errors.Is(reason, ErrInstallAgain) {
		unsure = caused{ErrTokensUnavailable, errors.New("install: another process has taken the refresh over, or the Store does not respond")}
	}
	g, version := mine.grant, mine.version
	for wait := newBackoff(); ; {
		put := g
		put.Holder, put.Failed = "", t.now().Unix()
		if errors.Is(reason, ErrInstallAgain) {
			put = g.afterRefusal(t.now())
		}
		_, err := t.save(ctx, id, put, version)
		switch {
		case err == nil && errors.Is(reason, ErrInstallAgain) && put.Refused == 0:
			return put, nil // its rival is next
		case err == nil:
			return grant{}, reason
		}
		stored, found, err := t.load(ctx, id)
		switch {
		case errors.Is(err, ErrNotInstalled):
			return grant{}, ErrNotInstalled
		case err == nil && stored.RefreshToken != mine.grant.RefreshToken:
			return stored, nil // there are other ones
		case err == nil && stored.Holder != t.name:
			return grant{}, unsure // somebody else's turn
		case err == nil:
			g, version = stored, found
		}
		if wait.next(ctx) != nil {
			return grant{}, unsure
		}
	}
}

// backoff waits longer each time, and not in step with others.
type backoff struct{ delay time.Duration }

func newBackoff() *backoff { return &backoff{25 * time.Millisecond} }

func (b *backoff) next(ctx context.Context) error {
	timer := time.NewTimer(b.delay/2 + rand.N(b.delay))
	defer timer.Stop()
	b.delay = min(2*b.delay, time.Second)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
