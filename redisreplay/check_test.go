package redisreplay_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/redisreplay"
	"github.com/seed-8a2ffb75/stripeapps/replay"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// backend is a handler behind a verifier and Once, which keeps the last refusal.
type backend struct {
	http.Handler
	refusal error
}

func newBackend(t *testing.T, guard replay.Guard) *backend {
	t.Helper()
	b := &backend{}
	verifier, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
		Secrets: []string{stripeappstest.DefaultSecret},
		Observe: func(v stripeapps.Verdict) { b.refusal = v.Err },
	})
	require.NoError(t, err)
	once, err := replay.Once(replay.Config{Guard: guard})
	require.NoError(t, err)
	b.Handler = verifier.Handler(once(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })))
	return b
}

// status is that of the response to a request with this nonce, signed at that time.
func (b *backend) status(nonce string, at time.Time) int {
	w := httptest.NewRecorder()
	b.ServeHTTP(w, stripeappstest.NewRequest("POST", "/api/payouts", map[string]any{"nonce": nonce}, stripeappstest.At(at)))
	return w.Code
}

const (
	nonce    = "6f1c9f3e-0d55-4c0e-8e57-4c6a1f1b1a11"
	password = "correct-horse-battery-staple"
)

// fake is what a server of another version replies.
type fake string

func (f fake) Error() string { return string(f) }
func (fake) RedisError()     {}

func TestAServerThatCannotBeUsed(t *testing.T) {
	withPassword := func(o *redis.Options) { o.Password = password }
	for _, test := range []struct {
		name   string
		client func(t *testing.T) redis.UniversalClient
		want   []string
	}{
		{"it is not there", func(t *testing.T) redis.UniversalClient {
			return (&server{addr: freeAddr(t)}).client(t, withPassword, func(o *redis.Options) { o.DialerRetries = 1 })
		}, []string{"connection refused"}},
		{"it has another password", func(t *testing.T) redis.UniversalClient {
			return newServer(t, "--requirepass", "another").client(t, withPassword)
		}, []string{"WRONGPASS", "user name or password is wrong"}},
		{"it has a password, and the client has none", func(t *testing.T) redis.UniversalClient {
			return newServer(t, "--requirepass", "another").client(t)
		}, []string{"NOAUTH", "give the client a password"}},
		{"it is full", func(t *testing.T) redis.UniversalClient {
			return newServer(t, "--maxmemory", "1", "--maxmemory-policy", "noeviction").client(t)
		}, []string{"OOM", "raise maxmemory"}},
		{"it is a replica", func(t *testing.T) redis.UniversalClient {
			primary := newServer(t)
			host, port := split(t, primary.addr)
			replica := newServer(t)
			replica.do(t, "replicaof "+host+" "+port)
			return replica.client(t)
		}, []string{"READONLY", "the primary's address"}},
		{"it does not let the user write to these keys", func(t *testing.T) redis.UniversalClient {
			server := newServer(t)
			server.do(t, "acl setuser app on >"+password+" +set +info ~other:*")
			return server.client(t, withPassword, func(o *redis.Options) { o.Username = "app" })
		}, []string{"NOPERM", "+set +info, and the prefix"}},
		{"it does not let the user read these keys", func(t *testing.T) redis.UniversalClient {
			server := newServer(t)
			server.do(t, "acl setuser app on >"+password+" +set +info %W~stripeapps:replay:*")
			return server.client(t, withPassword, func(o *redis.Options) { o.Username = "app" })
		}, []string{"NOPERM"}},
		{"it does not have the command", func(t *testing.T) redis.UniversalClient {
			return newServer(t, "--rename-command", "SET", "").client(t)
		}, []string{"ERR unknown command 'set': it is disabled"}},
		{"it is too old for a client's HELLO, and repeats it", func(t *testing.T) redis.UniversalClient {
			return spied(t, &spy{reply: fake("ERR unknown command `hello`, with args beginning with: `3`, `auth`, `default`, `" + password + "`")})
		}, []string{"ERR unknown command `hello`"}},
		{"it says something new that repeats the arguments", func(t *testing.T) redis.UniversalClient {
			return spied(t, &spy{reply: fake("NEW thing, with args beginning with: `" + password + "`")})
		}, []string{"NEW thing"}},
		{"it is older than 7.0", func(t *testing.T) redis.UniversalClient {
			return spied(t, &spy{reply: fake("ERR syntax error")})
		}, []string{"ERR syntax error", "Redis 7.0 or newer is needed"}},
		{"it cannot write to its disk", func(t *testing.T) redis.UniversalClient {
			return spied(t, &spy{reply: fake("MISCONF Errors writing to the AOF file: No space left on device")})
		}, []string{"MISCONF", "cannot write to its disk"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			guard := newGuard(t, test.client(t), redisreplay.Config{})
			first, err := guard.Claim(context.Background(), nonce, later())
			assert.False(t, first)
			require.Error(t, err)
			checked := guard.Check(context.Background())
			require.Error(t, checked)
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
				assert.ErrorContains(t, checked, want)
			}
			assert.NotErrorIs(t, checked, redisreplay.ErrPolicyUnknown)

			backend := newBackend(t, guard)
			assert.Equal(t, http.StatusServiceUnavailable, backend.status(nonce, time.Now()))
			assert.ErrorIs(t, backend.refusal, replay.ErrUnavailable)
			for _, err := range append(causes(backend.refusal), append(causes(err), causes(checked)...)...) {
				for _, secret := range []string{nonce, password, "replay:" + nonce[:4], "check:"} {
					assert.NotContains(t, err.Error(), secret)
				}
			}
		})
	}
}

// causes are an error and all that it wraps.
func causes(err error) []error {
	all := []error{err}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		if cause := err.Unwrap(); cause != nil {
			all = append(all, causes(cause)...)
		}
	case interface{ Unwrap() []error }:
		for _, cause := range err.Unwrap() {
			all = append(all, causes(cause)...)
		}
	}
	return all
}

func TestCheckLooksForEviction(t *testing.T) {
	server := newServer(t)
	guard := newGuard(t, server.client(t), redisreplay.Config{})
	for _, policy := range []string{"noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"} {
		server.do(t, "config set maxmemory-policy "+policy)
		err := guard.Check(context.Background())
		if policy == "noeviction" {
			assert.NoError(t, err)
			continue
		}
		assert.ErrorContains(t, err, `maxmemory-policy is "`+policy+`"`)
		assert.ErrorContains(t, err, "set it to noeviction")
		assert.NotErrorIs(t, err, redisreplay.ErrPolicyUnknown)
	}
}

// A claim there is not heard of by the primary, nor by another replica.
func TestCheckFindsAReplicaThatCanBeWrittenTo(t *testing.T) {
	server := newServer(t)
	guard := newGuard(t, server.client(t), redisreplay.Config{})
	server.do(t, "config set replica-read-only no")
	require.NoError(t, guard.Check(context.Background()))
	server.do(t, "replicaof 127.0.0.1 1") // where there is none
	first, err := guard.Claim(context.Background(), "key", later())
	require.NoError(t, err)
	require.True(t, first)
	assert.ErrorContains(t, guard.Check(context.Background()), "is a replica: give the client the primary's address")
}

func TestCheckOfAServerThatDoesNotTellItsPolicy(t *testing.T) {
	for _, test := range []struct {
		name, rights string
		unknown      bool
	}{
		{"it lets nobody read INFO", "+set ~stripeapps:replay:*", true},
		{"no more than what is documented is allowed", "+set +info ~stripeapps:replay:*", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := newServer(t)
			server.do(t, "acl setuser app on >"+password+" "+test.rights)
			client := server.client(t, func(o *redis.Options) { o.Username, o.Password = "app", password })
			guard := newGuard(t, client, redisreplay.Config{})
			err := guard.Check(context.Background())
			if !test.unknown {
				assert.NoError(t, err)
				return
			}
			assert.ErrorIs(t, err, redisreplay.ErrPolicyUnknown)
			assert.NotContains(t, err.Error(), password)
			first, err := guard.Claim(context.Background(), "key", later())
			assert.NoError(t, err, "claims are possible")
			assert.True(t, first)
		})
	}

	t.Run("its INFO has no such line", func(t *testing.T) {
		guard := newGuard(t, spied(t, &spy{reply: redis.Nil, info: "# Memory\r\nused_memory:1\r\n"}), redisreplay.Config{})
		assert.ErrorIs(t, guard.Check(context.Background()), redisreplay.ErrPolicyUnknown)
	})
}

// As a server of another make might.
func TestCheckOfAServerThatSaysOfANewKeyThatItIsClaimed(t *testing.T) {
	guard := newGuard(t, spied(t, &spy{}), redisreplay.Config{})
	assert.ErrorContains(t, guard.Check(context.Background()), "a new key is claimed already")
}

// What Check does leaves nothing behind, and it ends with its context.
func TestCheck(t *testing.T) {
	server := newServer(t)
	client := server.client(t)
	guard := newGuard(t, client, redisreplay.Config{Prefix: "p:"})
	require.NoError(t, guard.Check(context.Background()))
	require.NoError(t, guard.Check(context.Background()), "again")
	keys, err := client.Keys(context.Background(), "*").Result()
	require.NoError(t, err)
	assert.Len(t, keys, 2)
	for _, key := range keys {
		assert.Regexp(t, `^p:check:\w{26}$`, key)
		left, err := client.PTTL(context.Background(), key).Result()
		require.NoError(t, err)
		assert.Positive(t, left)
		assert.LessOrEqual(t, left, 10*time.Second)
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.ErrorIs(t, guard.Check(ctx), context.Canceled)
}

func TestACluster(t *testing.T) {
	nodes := []*server{newNode(t), newNode(t)}
	nodes[0].do(t, "cluster addslotsrange 0 8191")
	nodes[1].do(t, "cluster addslotsrange 8192 16383")
	host, port := split(t, nodes[1].addr)
	nodes[0].do(t, "cluster meet "+host+" "+port+" "+nodes[1].bus)
	for _, node := range nodes {
		node.waitFor(t, "cluster info", "cluster_state:ok")
	}
	newClient := func() *redis.ClusterClient {
		client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{nodes[0].addr}, ContextTimeoutEnabled: true})
		t.Cleanup(func() { client.Close() })
		return client
	}
	one, other := newGuard(t, newClient(), redisreplay.Config{}), newGuard(t, newClient(), redisreplay.Config{})
	require.NoError(t, one.Check(context.Background()))
	for i := range 20 { // on both nodes
		key := fmt.Sprintf("{%d}}{", i)
		first, err := one.Claim(context.Background(), key, later())
		require.NoError(t, err)
		assert.True(t, first, key)
		first, err = other.Claim(context.Background(), key, later())
		require.NoError(t, err)
		assert.False(t, first, key)
	}
	for _, node := range nodes {
		assert.NotEqual(t, "0", node.do(t, "dbsize"))
		node.do(t, "config set maxmemory-policy allkeys-lru")
		for range 10 {
			assert.ErrorContains(t, one.Check(context.Background()), `maxmemory-policy is "allkeys-lru"`, "one node is enough")
		}
		node.do(t, "config set maxmemory-policy noeviction")
	}
}

// newNode starts a server for a Cluster, with a port for the others.
func newNode(t *testing.T) *server {
	t.Helper()
	_, bus := split(t, freeAddr(t))
	node := newServer(t, "--cluster-enabled", "yes", "--cluster-port", bus)
	node.bus = bus
	return node
}
