package redisreplay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrPolicyUnknown is what the error of Check wraps if all is well, but the server does
// not say what it does when its memory is full, as some managed ones. Look it up where
// the server is configured: maxmemory-policy must be noeviction. Then go on.
var ErrPolicyUnknown = errors.New("redisreplay: the server does not tell its maxmemory-policy")

// Check asks the server whether it can be used. Call it once, when the program starts;
// ctx bounds it. It makes a claim that is over after ten seconds, and reads INFO of
// each master. The error says what to change if
//
//   - the server cannot be reached, or does not let the client in;
//   - it does not know the command (it is older than Redis 7.0), is a replica, is full,
//     or does not let the user write to these keys: the permissions needed are
//     +set +info ~stripeapps:replay:*, and those that the client needs in a Cluster;
//   - it evicts keys when its memory is full, and so forgets claims: its
//     maxmemory-policy must be noeviction, with which claims fail then;
//   - it does not say so: ErrPolicyUnknown.
//
// It does not see replication and persistence.
func (g *Guard) Check(ctx context.Context) error {
	if first, err := g.set(ctx, "check:"+rand.Text(), 10_000); err != nil {
		return fmt.Errorf("redisreplay: the server cannot be used: %w", explained(err))
	} else if !first {
		return errors.New("redisreplay: the server cannot be used: it says that a new key is claimed already")
	}
	cluster, ok := g.client.(*redis.ClusterClient)
	if !ok {
		return checkInfo(ctx, g.client)
	}
	return cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error {
		return checkInfo(ctx, master)
	})
}

// checkInfo reads INFO and not CONFIG GET, which most managed servers forbid.
func checkInfo(ctx context.Context, client redis.UniversalClient) error {
	info, err := client.Info(ctx, "replication", "memory").Result()
	if reply := redis.Error(nil); errors.As(err, &reply) {
		return fmt.Errorf("%w: %w", ErrPolicyUnknown, explained(err))
	} else if err != nil {
		return fmt.Errorf("redisreplay: the server's INFO cannot be read: %w", explained(err))
	}
	told := make(map[string]string)
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		told[name] = value
	}
	// One that can be written to (replica-read-only no) is worse: the primary does not
	// hear of its claims.
	if told["role"] == "slave" {
		return errors.New("redisreplay: the server is a replica: give the client the primary's address")
	}
	switch policy := told["maxmemory_policy"]; policy {
	case "noeviction":
		return nil
	case "":
		return ErrPolicyUnknown
	default:
		return fmt.Errorf("redisreplay: the server's maxmemory-policy is %q, so that it forgets claims when its memory is full: set it to noeviction", policy)
	}
}

// advice is what to do about an error that the server replies, by how it begins.
var advice = []struct{ begins, change string }{
	{"ERR syntax error", "it does not know SET with NX and GET together: Redis 7.0 or newer is needed, or Valkey"},
	{"ERR unknown command", "it is disabled or has another name there"},
	{"NOAUTH", "give the client a password"},
	{"WRONGPASS", "the client's user name or password is wrong"},
	{"NOPERM", "the user needs +set +info, and the prefix of the keys"},
	{"READONLY", "it is a replica: give the client the primary's address"},
	{"OOM", "its memory is full: raise maxmemory"},
	{"MISCONF", "it cannot write to its disk"},
}

// explained is an error of the client, with what to do about it. What a server says of
// a command that it does not know repeats the command's arguments: the key, or, if it
// is HELLO, the password. That is left out.
func explained(err error) error {
	reply := redis.Error(nil)
	if !errors.As(err, &reply) {
		return err
	}
	if text, _, repeats := strings.Cut(err.Error(), ", with args"); repeats {
		err = errors.New(text)
	}
	for _, a := range advice {
		if strings.HasPrefix(reply.Error(), a.begins) {
			return fmt.Errorf("%w: %s", err, a.change)
		}
	}
	return err
}
