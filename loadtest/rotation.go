package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// halfARoll makes two rolls a second.
const halfARoll = 250 * time.Millisecond

// The kinds of requests while a secret is rolled.
const (
	kindCurrent = "current"  // signed with the secret in force alone
	kindNext    = "next"     // with the one that replaces it
	kindBoth    = "both"     // with both, as Stripe does from the beginning of a roll to its end
	kindRetired = "retired"  // with one that was taken out before the request was made
	kindTwoGone = "two-gone" // with two of those
)

// ring is Stripe's side of the rolls. A request must be accepted whenever it arrives,
// if Stripe has signed it: so a secret is retired only once no request that is signed
// with it alone is under way.
//
// It must be refused whenever it arrives, if its secret was retired before it was
// made. One that is signed before, and arrives after, could be judged either way; there
// is none.
type ring struct {
	mu      sync.Mutex
	made    int
	current *secret
	next    *secret // or nil
	known   bool    // next, to the backend
	last    bool    // current is not used alone any more
	retired []string
	alone   map[string]*secret // by the nonce of a request that is signed with it alone
}

type secret struct {
	text     string
	underWay sync.WaitGroup // requests that are signed with it alone
}

// pick returns the secrets of the next request, and its kind. One in five is wrong.
func (r *ring) pick() (kind string, secrets []string, alone *secret) {
	r.made++
	n := r.made
	if gone := len(r.retired); n%5 == 0 && gone > 0 {
		last := r.retired[gone-1] // most likely to be accepted wrongly
		if n%2 == 0 && gone > 1 {
			return kindTwoGone, []string{r.retired[n%(gone-1)], last}, nil
		}
		return kindRetired, []string{last}, nil
	}
	switch {
	case r.next == nil:
		return kindCurrent, []string{r.current.text}, r.current
	case n%3 == 0 && !r.last:
		return kindCurrent, []string{r.current.text}, r.current
	case n%3 == 1 && r.known:
		return kindNext, []string{r.next.text}, r.next
	}
	return kindBoth, []string{r.next.text, r.current.text}, nil
}

func (r *ring) target(make func(kind string, secrets ...string) vegeta.Target) vegeta.Target {
	r.mu.Lock()
	defer r.mu.Unlock()
	kind, secrets, alone := r.pick()
	t := make(kind, secrets...)
	if alone != nil {
		alone.underWay.Add(1)
		_, nonce := about(&vegeta.Result{URL: t.URL})
		r.alone[nonce] = alone
	}
	return t
}

// finished is called with the nonce of a request that has got its response.
func (r *ring) finished(nonce string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if alone := r.alone[nonce]; alone != nil {
		delete(r.alone, nonce)
		alone.underWay.Done()
	}
}

func (r *ring) change(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// roll rolls the secret once. Requests that are signed with both are under way while
// the backend gets the new one, and while it loses the old one.
func (r *ring) roll(setSecrets func(secrets ...string) error, wait func()) error {
	next := &secret{text: newSecret()}
	r.change(func() { r.next = next })
	if err := setSecrets(next.text, r.current.text); err != nil {
		return err
	}
	r.change(func() { r.known = true })
	wait()
	r.change(func() { r.last = true })
	r.current.underWay.Wait()
	if err := setSecrets(next.text); err != nil {
		return err
	}
	r.change(func() {
		r.retired = append(r.retired, r.current.text)
		r.current, r.next, r.known, r.last = next, nil, false, false
	})
	wait()
	return nil
}

// rotationResult is what came of it.
type rotationResult struct {
	rolls       int
	good, wrong tally // those that must be accepted, and those that must be refused

	current, next, both int // of the former
}

func (x *rotationResult) add(result *vegeta.Result) {
	kind, nonce := about(result)
	switch kind {
	case kindRetired, kindTwoGone:
		x.wrong.add(refusedFault(result, http.StatusUnauthorized, "no_match"))
		return
	case kindCurrent:
		x.current++
	case kindNext:
		x.next++
	case kindBoth:
		x.both++
	}
	x.good.add(acceptedFault(result, answerTo(nonce)))
}

func (x *rotationResult) row() row {
	figures := fmt.Sprintf("%d rolls; signed with the old %d, the new %d, both %d: accepted; with a retired one %d: refused",
		x.rolls, x.current, x.next, x.both, x.wrong.tried)
	verdict := worst(x.good.verdict(), x.wrong.verdict())
	if x.current == 0 || x.next == 0 || x.both == 0 || x.rolls < 2 {
		figures, verdict = figures+"; NOT ALL WAS TRIED", fail
	}
	return row{"secret rolled twice a second", figures + x.good.complaint() + x.wrong.complaint(), verdict}
}

func (b *bench) rotation(ctx context.Context, duration time.Duration) (*rotationResult, error) {
	b.progress("secrets are rolled")
	r := &ring{current: &secret{text: b.first}, alone: map[string]*secret{}}
	x := &rotationResult{}
	rolling := b.startRolling(ctx, r)
	target := func(kind string, secrets ...string) vegeta.Target { return b.target(rotatingPath, kind, secrets...) }
	enough := func(sent int) bool {
		return rolling.failed.Load() || sent >= count(b.rate, duration) && rolling.rolls.Load() >= int64(duration/(2*b.halfARoll))
	}
	attack(b.client, func() vegeta.Target { return r.target(target) }, b.rate, enough, func(result *vegeta.Result) {
		_, nonce := about(result)
		r.finished(nonce)
		x.add(result)
	})
	err := rolling.stop()
	x.rolls, b.first = int(rolling.rolls.Load()), r.current.text
	return x, err
}

// rolling goes on until it is stopped, or fails.
type rolling struct {
	rolls  atomic.Int64
	failed atomic.Bool
	over   chan struct{}
	ended  chan error
}

func (r *rolling) stop() error {
	close(r.over)
	return <-r.ended
}

func (b *bench) startRolling(ctx context.Context, r *ring) *rolling {
	rolling := &rolling{over: make(chan struct{}), ended: make(chan error, 1)}
	go func() {
		ticks := time.NewTicker(b.halfARoll)
		defer ticks.Stop()
		wait := func() {
			select {
			case <-ticks.C:
			case <-rolling.over:
			}
		}
		setSecrets := func(secrets ...string) error { return b.backend.setSecrets(ctx, secrets...) }
		for {
			select {
			case <-rolling.over:
				rolling.ended <- nil
				return
			default:
			}
			if err := r.roll(setSecrets, wait); err != nil {
				rolling.failed.Store(true)
				rolling.ended <- err
				return
			}
			rolling.rolls.Add(1)
		}
	}()
	return rolling
}
