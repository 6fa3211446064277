package redisreplay_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/redisreplay"
	"github.com/seed-8a2ffb75/stripeapps/replay"
	"github.com/seed-8a2ffb75/stripeapps/replay/replaytest"
)

func TestMain(m *testing.M) {
	if addr := os.Getenv(racerAddr); addr != "" {
		race(addr)
		return
	}
	redis.SetLogger(silent{}) // it logs each failure to connect
	os.Exit(m.Run())
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func newGuard(t testing.TB, client redis.UniversalClient, cfg redisreplay.Config) *redisreplay.Guard {
	t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = time.Minute // a machine that is busy with other tests is slow
	}
	guard, err := redisreplay.New(client, cfg)
	require.NoError(t, err)
	return guard
}

// later is a time of which no test sees the end.
func later() time.Time { return time.Now().Add(time.Hour) }

func TestGuard(t *testing.T) {
	server := newServer(t)
	one, other := server.client(t), server.client(t)
	replaytest.Run(t, func(t *testing.T) replaytest.Instance {
		server.do(t, "flushall")
		var ahead atomic.Int64
		now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		return replaytest.Instance{
			Guards: []replay.Guard{
				newGuard(t, one, redisreplay.Config{Now: now}),
				newGuard(t, other, redisreplay.Config{Now: now}),
			},
			Now: now,
			Advance: func(d time.Duration) {
				ahead.Add(int64(d))
				advance(t, one, d)
			},
		}
	})
}

// advance takes so much off the time that each key of the server has left, as if its
// clock had moved on.
func advance(t *testing.T, client *redis.Client, d time.Duration) {
	t.Helper()
	require.NoError(t, client.Eval(context.Background(), `
		for _, key in ipairs(redis.call('keys', '*')) do
			redis.call('pexpire', key, redis.call('pttl', key) - ARGV[1])
		end
		return 'OK'`, nil, d.Milliseconds()).Err())
}

// spy is a Hook that takes commands down, and replies in place of the server.
type spy struct {
	args  []any
	reply error
	info  string
}

func (s *spy) DialHook(next redis.DialHook) redis.DialHook { return next }

func (s *spy) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (s *spy) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		s.args = cmd.Args()
		switch cmd := cmd.(type) {
		case *redis.StringCmd:
			cmd.SetVal(s.info)
			return nil
		case *redis.Cmd:
			cmd.SetVal("somebody's token")
		}
		cmd.SetErr(s.reply)
		return s.reply
	}
}

// spied returns a client whose commands the spy gets.
func spied(t *testing.T, s *spy) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{ContextTimeoutEnabled: true})
	t.Cleanup(func() { client.Close() })
	client.AddHook(s)
	return client
}

func TestAClaimIsOneCommand(t *testing.T) {
	now := time.UnixMilli(1700000000000)
	for _, test := range []struct {
		name         string
		prefix       string
		now, until   time.Time
		wantKey      string
		milliseconds int64
	}{
		{"with the default prefix", "", now, now.Add(time.Second), "stripeapps:replay:key", 1000},
		{"with a prefix of one's own", "{app}:", now, now.Add(time.Second), "{app}:key", 1000},
		{"for a nanosecond, which is a millisecond", "", now, now.Add(1), "stripeapps:replay:key", 1},
		{"for a nanosecond in the middle of a millisecond", "", now.Add(1000), now.Add(1001), "stripeapps:replay:key", 1},
		{"for a nanosecond before a millisecond begins", "", now.Add(-1), now, "stripeapps:replay:key", 1},
		{"for a millisecond and a nanosecond, rounded up", "", now, now.Add(time.Millisecond + 1), "stripeapps:replay:key", 2},
		{"for a century and more", "", now, now.Add(1 << 62), "stripeapps:replay:key", 4611686018428},
		{"for longer than a Duration can be", "", now, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), "stripeapps:replay:key", 251670764800000},
		{"for longer than a server can count", "", now, time.Unix(1<<60, 0), "stripeapps:replay:key", 3153600000000000},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &spy{reply: redis.Nil}
			guard := newGuard(t, spied(t, s), redisreplay.Config{Prefix: test.prefix, Now: func() time.Time { return test.now }})
			first, err := guard.Claim(context.Background(), "key", test.until)
			require.NoError(t, err)
			assert.True(t, first)
			require.Len(t, s.args, 7)
			token := s.args[2]
			assert.Len(t, token, 26)
			assert.Equal(t, []any{"set", test.wantKey, token, "nx", "px", test.milliseconds, "get"}, s.args)

			_, err = guard.Claim(context.Background(), "key", test.until)
			require.NoError(t, err)
			assert.NotEqual(t, token, s.args[2], "each claim has a token of its own")
		})
	}
}

func TestAClaimThatCannotBeMadeIsNotSent(t *testing.T) {
	now, ended := time.UnixMilli(1700000000000), func() context.Context {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		return ctx
	}
	for _, test := range []struct {
		name  string
		ctx   context.Context
		key   string
		until time.Time
		want  string
	}{
		{"no key", context.Background(), "", now.Add(1), "redisreplay: a key of 0 bytes: it must have 1 to 128"},
		{"a key that is too long", context.Background(), strings.Repeat("k", 129), now.Add(1), "redisreplay: a key of 129 bytes: it must have 1 to 128"},
		{"a time that is now", context.Background(), "key", now, replay.ErrOver.Error()},
		{"a time that is over", context.Background(), "key", now.Add(-time.Hour), replay.ErrOver.Error()},
		{"a context that has ended", ended(), "key", now.Add(1), "context canceled"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &spy{reply: redis.Nil}
			guard := newGuard(t, spied(t, s), redisreplay.Config{Now: func() time.Time { return now }})
			first, err := guard.Claim(test.ctx, test.key, test.until)
			assert.EqualError(t, err, test.want)
			assert.False(t, first)
			assert.Nil(t, s.args)
		})
	}
}

func TestAClaimIsOneRoundTripAndFewAllocations(t *testing.T) {
	server := newServer(t)
	guard := newGuard(t, server.client(t), redisreplay.Config{})
	_, err := guard.Claim(context.Background(), "connects", later())
	require.NoError(t, err)

	server.do(t, "config resetstat")
	const claims = 100
	for i := range claims {
		_, err := guard.Claim(context.Background(), fmt.Sprint(i/2), later()) // each twice
		require.NoError(t, err)
	}
	calls := server.calls(t)
	for _, ofDo := range []string{"config|resetstat", "hello", "client|setinfo", "client|maint_notifications"} {
		delete(calls, ofDo)
	}
	assert.Equal(t, map[string]int{"set": claims}, calls)

	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if _, err := guard.Claim(context.Background(), "key", later()); err != nil {
			t.Error(err)
		}
	}), 40.0)
}

func TestKeysExpire(t *testing.T) {
	server := newServer(t)
	client := server.client(t)
	guard := newGuard(t, client, redisreplay.Config{})
	_, err := guard.Claim(context.Background(), "key", time.Now().Add(time.Minute))
	require.NoError(t, err)
	left, err := client.PTTL(context.Background(), "stripeapps:replay:key").Result()
	require.NoError(t, err)
	assert.Greater(t, left, time.Duration(0))
	assert.LessOrEqual(t, left, time.Minute+time.Millisecond)
	_, err = guard.Claim(context.Background(), "key", later())
	require.NoError(t, err)
	left, err = client.PTTL(context.Background(), "stripeapps:replay:key").Result()
	require.NoError(t, err)
	assert.LessOrEqual(t, left, time.Minute+time.Millisecond, "a second claim changes nothing")
}

const (
	racerAddr = "REDISREPLAY_TEST_RACER"
	racers    = 2
	clients   = 50 // of each racer
	rounds    = 20
)

// race is what a second process does in place of the tests: for each line that it
// reads, 50 clients claim that key, and it writes how many were the first.
func race(addr string) {
	guards := make([]*redisreplay.Guard, clients)
	for i := range guards {
		client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true, PoolSize: 1})
		err := client.Ping(context.Background()).Err()
		if err == nil {
			guards[i], err = redisreplay.New(client, redisreplay.Config{Timeout: time.Minute})
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println("ready")
	for keys := bufio.NewScanner(os.Stdin); keys.Scan(); {
		var firsts, errs atomic.Int64
		var claims sync.WaitGroup
		start := make(chan struct{})
		for _, guard := range guards {
			claims.Go(func() {
				<-start
				first, err := guard.Claim(context.Background(), keys.Text(), later())
				if err != nil {
					errs.Add(1)
				} else if first {
					firsts.Add(1)
				}
			})
		}
		close(start)
		claims.Wait()
		fmt.Println(firsts.Load(), errs.Load())
	}
}

func TestOneOfAHundredClientsInTwoProcessesIsTheFirst(t *testing.T) {
	server := newServer(t)
	var stdin []io.Writer
	var stdout []*bufio.Reader
	for range racers {
		racer := exec.Command(os.Args[0])
		racer.Env = append(os.Environ(), racerAddr+"="+server.addr)
		in, err := racer.StdinPipe()
		require.NoError(t, err)
		out, err := racer.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, racer.Start())
		t.Cleanup(func() {
			in.Close()
			racer.Wait()
		})
		stdin, stdout = append(stdin, in), append(stdout, bufio.NewReader(out))
	}
	for _, out := range stdout {
		line, err := out.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "ready\n", line)
	}
	for round := range rounds {
		for _, in := range stdin {
			fmt.Fprintln(in, "race", round)
		}
		total := 0
		for _, out := range stdout {
			var firsts, errs int
			_, err := fmt.Fscanln(out, &firsts, &errs)
			require.NoError(t, err)
			assert.Zero(t, errs)
			total += firsts
		}
		assert.Equal(t, 1, total, "round %d", round)
	}
}

// The claim is made, but the client does not hear of it, and sends it again.
func TestAClaimWhoseReplyWasLostIsStillTheFirst(t *testing.T) {
	server := newServer(t)
	addr := losesTheFirstReply(t, server.addr)
	guard := newGuard(t, server.client(t, func(o *redis.Options) { o.Addr = addr }), redisreplay.Config{})
	server.do(t, "config resetstat")
	first, err := guard.Claim(context.Background(), "key", later())
	require.NoError(t, err)
	assert.True(t, first)
	assert.Equal(t, 2, server.calls(t)["set"])
	first, err = guard.Claim(context.Background(), "key", later())
	require.NoError(t, err)
	assert.False(t, first, "another claim")
}

func TestAClaimWhoseReplyWasLostIsAnErrorWithoutRetries(t *testing.T) {
	server := newServer(t)
	addr := losesTheFirstReply(t, server.addr)
	guard := newGuard(t, server.client(t, func(o *redis.Options) { o.Addr, o.MaxRetries = addr, -1 }), redisreplay.Config{})
	first, err := guard.Claim(context.Background(), "key", later())
	assert.ErrorIs(t, err, io.EOF)
	assert.False(t, first)
}

// losesTheFirstReply returns the address of a proxy that closes a connection once the
// server has replied to its first SET.
func losesTheFirstReply(t *testing.T, addr string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	var lost atomic.Bool
	pipe := func(client, server net.Conn) {
		defer client.Close()
		defer server.Close()
		request, reply := make([]byte, 4096), make([]byte, 4096)
		for { // the client sends a command at a time, or all of a pipeline
			n, err := client.Read(request)
			if err != nil {
				return
			}
			server.Write(request[:n])
			m, err := server.Read(reply)
			if err != nil || strings.Contains(string(request[:n]), "\r\nset\r\n") && !lost.Swap(true) {
				return
			}
			client.Write(reply[:m])
		}
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", addr)
			if err != nil {
				client.Close()
				return
			}
			go pipe(client, server)
		}
	}()
	return listener.Addr().String()
}

func TestAServerThatDoesNotRespondIsAnErrorInTime(t *testing.T) {
	const timeout = 50 * time.Millisecond
	patient := func(o *redis.Options) { o.ReadTimeout, o.DialTimeout, o.PoolTimeout = time.Hour, time.Hour, time.Hour }
	for _, test := range []struct {
		name   string
		client func(t *testing.T) *redis.Client
	}{
		{"it stops to respond", func(t *testing.T) *redis.Client {
			server := newServer(t)
			client := server.client(t, patient)
			require.NoError(t, client.Ping(context.Background()).Err())
			server.do(t, "client pause 3600000 all")
			return client
		}},
		{"it sleeps from the beginning", func(t *testing.T) *redis.Client {
			server := newServer(t)
			server.do(t, "client pause 3600000 all")
			return server.client(t, patient)
		}},
		{"it is another program, which says nothing", func(t *testing.T) *redis.Client {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			t.Cleanup(func() { listener.Close() })
			return (&server{addr: listener.Addr().String()}).client(t, patient)
		}},
		{"all connections are in use", func(t *testing.T) *redis.Client {
			server := newServer(t)
			client := server.client(t, patient, func(o *redis.Options) { o.PoolSize = 1 })
			connection := client.Conn()
			require.NoError(t, connection.Ping(context.Background()).Err())
			t.Cleanup(func() { connection.Close() })
			return client
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := test.client(t)
			mustTimeOut(t, newGuard(t, client, redisreplay.Config{Timeout: timeout}), context.Background())

			ctx, cancel := context.WithTimeout(context.Background(), timeout) // the earlier deadline holds
			defer cancel()
			mustTimeOut(t, newGuard(t, client, redisreplay.Config{}), ctx)
		})
	}
}

func mustTimeOut(t *testing.T, guard replay.Guard, ctx context.Context) {
	t.Helper()
	failed := make(chan error, 1)
	go func() {
		_, err := guard.Claim(ctx, "key", later())
		failed <- err
	}()
	select {
	case err := <-failed:
		var timeout net.Error
		assert.True(t, errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout(), "%v", err)
	case <-time.After(20 * time.Second): // fifty milliseconds on a very busy machine
		t.Fatal("it waits")
	}
}

func TestEveryMistakeOfAConfigurationIsReported(t *testing.T) {
	deaf, good := redis.NewClient(&redis.Options{}), redis.NewClient(&redis.Options{ContextTimeoutEnabled: true})
	deafCluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}})
	goodCluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, ContextTimeoutEnabled: true})
	sentinel := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{"127.0.0.1:1"}})
	ring := redis.NewRing(&redis.RingOptions{ContextTimeoutEnabled: true})
	for _, client := range []redis.UniversalClient{deaf, good, deafCluster, goodCluster, sentinel, ring} {
		t.Cleanup(func() { client.Close() })
	}
	type own struct{ redis.UniversalClient }
	for _, test := range []struct {
		name   string
		client redis.UniversalClient
		cfg    redisreplay.Config
		want   []string
	}{
		{"no client", nil, redisreplay.Config{}, []string{"the client is nil"}},
		{"a nil *redis.Client", (*redis.Client)(nil), redisreplay.Config{}, []string{"the client is nil"}},
		{"a nil *redis.ClusterClient", (*redis.ClusterClient)(nil), redisreplay.Config{}, []string{"the client is nil"}},
		{"a client that ignores deadlines", deaf, redisreplay.Config{}, []string{"set ContextTimeoutEnabled"}},
		{"a client of a Cluster that does", deafCluster, redisreplay.Config{}, []string{"set ContextTimeoutEnabled"}},
		{"a client by Sentinel that does", sentinel, redisreplay.Config{}, []string{"set ContextTimeoutEnabled"}},
		{"a Ring", ring, redisreplay.Config{}, []string{"a redis.Ring forgets"}},
		{"a negative timeout", good, redisreplay.Config{Timeout: -1}, []string{"Config.Timeout is -1ns"}},
		{"a timeout of over a minute", good, redisreplay.Config{Timeout: time.Minute + 1}, []string{"Config.Timeout is 1m0.000000001s"}},
		{"all at once", deaf, redisreplay.Config{Timeout: -1}, []string{"set ContextTimeoutEnabled", "Config.Timeout is -1ns"}},
		{"nothing", good, redisreplay.Config{}, nil},
		{"nothing in a Cluster", goodCluster, redisreplay.Config{Timeout: time.Minute}, nil},
		{"nothing that can be told", own{deaf}, redisreplay.Config{}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			guard, err := redisreplay.New(test.client, test.cfg)
			if test.want == nil {
				assert.NoError(t, err)
				assert.NotNil(t, guard)
				return
			}
			assert.Nil(t, guard)
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}
