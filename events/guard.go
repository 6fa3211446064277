package events

import (
	"context"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// Guard lets each event be handled once, by remembering keys in one of two states:
// running, while one attempt handles the event, and handled.
//
// Stripe takes an event for delivered with the first 2xx that it gets. So an event must
// not be remembered as handled before it is, or what fails in between loses it; and
// while it is running, no other delivery of it may be acknowledged. A Guard therefore
// has two steps, with a time in the first: an attempt whose process dies is over then,
// and Stripe's next delivery begins another. Handled twice is possible, where a process
// dies between the end of the handler and Finish, or a handler goes on after its
// context has ended; lost is not.
//
// An implementation MUST:
//   - let exactly one of any number of Begin calls of a key that overlap in their time
//     have Begun, across all processes that share the Guard (Begin is atomic);
//   - return Running while an attempt has begun whose time is not over and which has
//     not ended, Handled once Finish has been called for the key, and Begun otherwise;
//   - let Finish make a key handled, whoever has begun it, and even if its time is over;
//   - let Abandon end the attempt of that name only: one that another has followed, or
//     a key that is handled, stays as it is, and it is no error;
//   - be safe for concurrent use;
//   - take any key of 1 to MaxKeyBytes bytes, and any attempt of 1 to 64, as opaque
//     bytes: no two keys are the same, however alike;
//   - return an error if it could not tell or do what it was asked for: if it is not
//     reachable or full, ctx has ended, or the key of Begin or Finish has a wrong length.
//     With an error, the State of Begin MUST be 0.
//
// It SHOULD remember a handled key until its time, and forget it soon after: an event
// whose key is forgotten earlier can be handled twice.
//
// eventstest.Run holds an implementation to this. In PostgreSQL, its methods can be:
//
//	CREATE TABLE stripe_events (
//		key bytea PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 320),
//		attempt bytea NOT NULL,
//		until timestamptz NOT NULL
//	)
//
//	-- Begin ($4 is now): Begun if it touches a row
//	INSERT INTO stripe_events AS e VALUES ($1, $2, $3)
//	ON CONFLICT (key) DO UPDATE SET attempt = $2, until = $3 WHERE e.until < $4
//	-- and if not: Handled if this is '', and Running otherwise; where it is gone, begin again
//	SELECT attempt FROM stripe_events WHERE key = $1
//	-- Finish
//	INSERT INTO stripe_events VALUES ($1, '', $2)
//	ON CONFLICT (key) DO UPDATE SET attempt = '', until = $2
//	-- Abandon
//	DELETE FROM stripe_events WHERE key = $1 AND attempt = $2
//	-- and now and then
//	DELETE FROM stripe_events WHERE until < $1
//
// Keys and attempts are []byte there, as not all of them are text; the transactions are
// those of READ COMMITTED, the default. They are the methods of SQLite too, with the times
// as integers, since it compares text.
type Guard interface {
	// Begin begins an attempt at a key, which is running until a time, unless another
	// is running, or the key is handled.
	Begin(ctx context.Context, key, attempt string, until time.Time) (State, error)
	// Finish makes a key handled, until a time.
	Finish(ctx context.Context, key string, until time.Time) error
	// Abandon ends an attempt, so that the next Begin of the key has Begun.
	Abandon(ctx context.Context, key, attempt string) error
}

// State is what Guard.Begin has found.
type State uint8

const (
	// Begun: the attempt has begun, and is to be ended with Finish or Abandon.
	Begun State = iota + 1
	// Running: another attempt is running.
	Running
	// Handled: the event has been handled.
	Handled
)

// MaxKeyBytes is how long a key may be: a Scope, a slash, and the id of an event.
const MaxKeyBytes = maxScopeBytes + 1 + signed.MaxIDBytes

const maxAttemptBytes = 64

// The Guard's calls are bounded, and an attempt stays running a little longer than its
// handler may take: clocks differ, and Finish takes time too.
const (
	guardTimeout = 5 * time.Second
	guardSlack   = 30 * time.Second
)

// keyOf is the same for an event and a scope, and differs from those of all others:
// neither has a slash in it.
func keyOf(scope, eventID string) string {
	if scope == "" {
		return eventID
	}
	return scope + "/" + eventID
}
