// Package redisreplay is a replay.Guard that several processes share, in Valkey or
// Redis 7.0 or newer:
//
//	client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
//	guard, err := redisreplay.New(client, redisreplay.Config{})
//	…
//	if err := guard.Check(ctx); err != nil { // once, when the program starts
//		return err
//	}
//	once, err := replay.Once(replay.Config{Guard: guard})
//
// A claim is one command, and one round trip:
//
//	SET stripeapps:replay:<key> <random token> NX PX <milliseconds> GET
//
// It stores the token unless there is one, and returns the one that was there. The
// client sends a command again whose reply was lost (redis.Options.MaxRetries, 3
// times by default): a claim that meets its own token is still the first.
//
// # What it does not protect from
//
// A claim is as safe as the server's memory of it. A signature can be used again, for
// what is left of its time, when the server forgets:
//
//   - by a failover to a replica that the claim had not reached. Replication is
//     asynchronous, in a Cluster and with Sentinel too; WAIT makes that rarer, not
//     impossible, and costs a second round trip, so that Claim does not use it.
//   - by a restart without persistence. With appendonly yes and appendfsync always it
//     forgets nothing; with everysec what it was told in the last second or two.
//   - by eviction, which Check looks for; and by FLUSHALL, FLUSHDB, DEL, or whoever
//     else writes to these keys.
//   - when its clock is set forward. The clocks of the clients count too: see
//     replay.Config.ClockSkew.
//
// When it cannot be asked, or does not respond in time, Claim fails, and Once refuses
// the request with replay.ErrUnavailable.
//
// A redis.Ring is refused: it takes a shard that does not respond out, and asks another,
// which has not heard of the claims, in its place.
//
// # Sources
//
//   - SET: https://redis.io/docs/latest/commands/set/ (NX together with GET since 7.0.0),
//     https://valkey.io/commands/set/
//   - Eviction: https://redis.io/docs/latest/develop/reference/eviction/
//   - Persistence: https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
//   - What a Cluster loses: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#write-safety
package redisreplay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-8a2ffb75/stripeapps/replay"
)

// Config configures New. Its zero value is ready to use.
type Config struct {
	// Prefix is what the names of all keys begin with. "" means DefaultPrefix. Guards
	// share their claims if they share the server, its database and the prefix. In a
	// Cluster, a prefix with a hash tag ({…}) puts all claims on one node.
	Prefix string

	// Timeout is how long a claim takes at most, with all that the client repeats.
	// 0 means DefaultTimeout; negative values and values over a minute are errors.
	// An earlier deadline of the context holds too.
	Timeout time.Duration

	// Now returns the current time. nil means time.Now. It must be safe for
	// concurrent use.
	Now func() time.Time
}

const (
	// DefaultPrefix is what keys begin with, unless Config.Prefix says otherwise.
	DefaultPrefix = "stripeapps:replay:"

	// DefaultTimeout is how long a claim takes at most, unless Config.Timeout says
	// otherwise.
	DefaultTimeout = 500 * time.Millisecond
)

// Guard is a replay.Guard. It is safe for concurrent use, and has no goroutines but
// the client's.
type Guard struct {
	client  redis.UniversalClient
	prefix  string
	timeout time.Duration
	now     func() time.Time
}

var _ replay.Guard = (*Guard)(nil)

// New returns a Guard that uses client, which stays the caller's to close. It sends
// nothing: see Check.
//
// The client needs ContextTimeoutEnabled in its options. Without, it ignores the
// deadlines of contexts, and a server that does not respond holds a request up for
// ReadTimeout, 3 seconds by default, again and again. New refuses a redis.Client and a
// redis.ClusterClient without it; of a type of your own it cannot tell. A redis.Ring
// is refused, since it forgets claims.
//
// A client may have other uses too. The error names everything that is wrong.
func New(client redis.UniversalClient, cfg Config) (*Guard, error) {
	errs := []error{checkClient(client)}
	if cfg.Prefix == "" {
		cfg.Prefix = DefaultPrefix
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Timeout < 0 || cfg.Timeout > time.Minute {
		errs = append(errs, fmt.Errorf("redisreplay: Config.Timeout is %v: it must be 0 (meaning %v) or from 1ns to 1m", cfg.Timeout, DefaultTimeout))
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Guard{client, cfg.Prefix, cfg.Timeout, cfg.Now}, nil
}

func checkClient(client redis.UniversalClient) error {
	var deadlines bool
	switch client := client.(type) {
	case nil:
		return errNoClient
	case *redis.Client:
		if client == nil {
			return errNoClient
		}
		deadlines = client.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		if client == nil {
			return errNoClient
		}
		deadlines = client.Options().ContextTimeoutEnabled
	case *redis.Ring:
		return errors.New("redisreplay: a redis.Ring forgets the claims of a shard that does not respond: give a redis.Client or a redis.ClusterClient")
	default:
		return nil
	}
	if !deadlines {
		return errors.New("redisreplay: the client ignores deadlines: set ContextTimeoutEnabled in its options")
	}
	return nil
}

var errNoClient = errors.New("redisreplay: the client is nil: give one of redis.NewClient or redis.NewClusterClient")

// Claim implements replay.Guard. Its error is replay.ErrOver, that of a key of the
// wrong length, that of a ctx that has ended, or what the client or the server says:
// context.DeadlineExceeded or a net.Error after Timeout, or a redis.Error. It does not
// have the key in it. After all but the first two, the key may be claimed.
func (g *Guard) Claim(ctx context.Context, key string, until time.Time) (first bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if key == "" || len(key) > replay.MaxKeyBytes {
		return false, fmt.Errorf("redisreplay: a key of %d bytes: it must have 1 to %d", len(key), replay.MaxKeyBytes)
	}
	now := g.now()
	if !until.After(now) {
		return false, replay.ErrOver
	}
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	first, err = g.set(ctx, key, milliseconds(now, until))
	if err != nil {
		return false, fmt.Errorf("redisreplay: a claim: %w", explained(err))
	}
	return first, nil
}

// set sends the command, and reports whether the key was not there before.
func (g *Guard) set(ctx context.Context, key string, milliseconds int64) (first bool, err error) {
	token := rand.Text()
	before, err := g.client.Do(ctx, "set", g.prefix+key, token, "nx", "px", milliseconds, "get").Text()
	if errors.Is(err, redis.Nil) {
		return true, nil
	}
	return err == nil && before == token, err
}

// milliseconds are those from now until then, rounded up: 1 at least if then is after
// now. A server takes no more than an int64 of them has room for since 1970, so that
// what is further away than 100,000 years counts as that.
func milliseconds(now, then time.Time) int64 {
	const most = 100_000 * 365 * 24 * 60 * 60 // seconds
	if then.Unix()-now.Unix() > most {
		return most * 1000
	}
	return then.Add(time.Millisecond-1).UnixMilli() - now.UnixMilli()
}
