package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// quick measures next to nothing.
var quick = pace{slice: time.Microsecond, rounds: 2, httpSlice: time.Millisecond, httpRounds: 2}

func TestVerifiersMustVerify(t *testing.T) {
	for name, test := range map[string]struct {
		verify func(payload []byte) error
		want   string
	}{
		"one that accepts everything":      {func([]byte) error { return nil }, "peer accepts what was tampered with"},
		"one that refuses everything":      {func([]byte) error { return errOther }, "peer refuses what is signed: it is another one"},
		"one that accepts only the forged": {func(payload []byte) error { return errUnless(strings.Contains(string(payload), ":\"y")) }, "peer refuses what is signed: it is another one"},
	} {
		t.Run(name, func(t *testing.T) {
			peer := verifier{"peer", func([]byte) (func([]byte) error, error) { return test.verify, nil }}
			_, err := measureVerifiers(quick, append(verifiers(), peer), 96)
			assert.EqualError(t, err, test.want)
		})
	}
}

func errUnless(ok bool) error {
	if ok {
		return nil
	}
	return errOther
}

func TestAVerifierThatCannotBeMadeIsAnError(t *testing.T) {
	peer := verifier{"peer", func([]byte) (func([]byte) error, error) { return nil, errors.New("no key") }}
	_, err := measureVerifiers(quick, []verifier{peer}, 96)
	assert.EqualError(t, err, "peer: no key")
}

func TestAllVerifiersAreMeasured(t *testing.T) {
	all, err := measureVerifiers(quick, verifiers(), 96)
	require.NoError(t, err)
	assert.Len(t, all, 9)
	for _, r := range all {
		assert.Len(t, r.figures, quick.rounds, r.name)
	}
	assert.Equal(t, "0", all.named(sha256Only).note, "allocations")
}

func TestCORSPeersMustLetPassWhatIsAllowedAndOnlyThat(t *testing.T) {
	responds := func(status int, origin, headers string) func(http.Handler) http.Handler {
		return func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Access-Control-Allow-Origin", origin)
				w.Header().Set("Access-Control-Allow-Headers", headers)
				w.WriteHeader(status)
			})
		}
	}
	for name, test := range map[string]struct {
		wrap func(http.Handler) http.Handler
		want string
	}{
		"one that does nothing":             {func(next http.Handler) http.Handler { return next }, "peer lets a good request not pass"},
		"one that names another origin":     {responds(204, "https://example.com", "Content-Type, Stripe-Signature"), "peer lets a good request not pass"},
		"one that forgets a header":         {responds(204, "*", "Content-Type"), "peer lets a good request not pass"},
		"one whose status is no success":    {responds(404, "*", "Content-Type, Stripe-Signature"), "peer lets a good request not pass"},
		"one that allows all headers":       {responds(204, "null", "*"), "peer lets a header pass that is not allowed"},
		"one that allows a header too many": {responds(204, "null", "Content-Type, Stripe-Signature, X-Other"), "peer lets a header pass that is not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := measurePreflights(quick, []corsPeer{{"peer", test.wrap}})
			assert.EqualError(t, err, test.want)
		})
	}
}

func TestAllCORSPeersAreMeasured(t *testing.T) {
	peers, err := corsPeers()
	require.NoError(t, err)
	all, err := measurePreflights(quick, peers)
	require.NoError(t, err)
	assert.Len(t, all, 4)
}

// wrongStacks are backends that do not do what they have to, and what is said of them.
var wrongStacks = map[string]struct {
	handler http.HandlerFunc
	want    string
}{
	"one that does not verify":          {bare, `peer does not refuse what is not signed: 200 "{\"user_id\":\"usr_123\",\"bytes\":969}"`},
	"one that refuses everything":       {http.NotFound, `peer does not accept what is signed: 404 "404 page not found\n"`},
	"one that responds something else":  {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }, `peer does not accept what is signed: 200 "hello"`},
	"one that breaks at what is forged": {breaks, `peer does not refuse what is not signed: 500 "broken\n"`},
}

func breaks(w http.ResponseWriter, r *http.Request) {
	byHand := httptest.NewRecorder()
	verifiedByHand(http.HandlerFunc(bare)).ServeHTTP(byHand, r)
	if byHand.Code != http.StatusOK {
		http.Error(w, "broken", http.StatusInternalServerError)
		return
	}
	io.Copy(w, byHand.Body)
}

func TestStacksMustVerify(t *testing.T) {
	for name, test := range wrongStacks {
		t.Run(name, func(t *testing.T) {
			peer := stack{"peer", true, func() (http.Handler, error) { return test.handler, nil }}
			_, err := measureStacks(quick, append(stacks(), peer), 1<<10)
			assert.EqualError(t, err, test.want)
		})
	}
}

func TestServersMustVerify(t *testing.T) {
	for name, test := range wrongStacks {
		t.Run(name, func(t *testing.T) {
			peer := serverOf(t, stack{name: "peer", verifies: true}, test.handler)
			var err error
			for _, w := range workloads() {
				if _, err = measureHTTP(t.Context(), quick, []server{peer}, w); err != nil {
					break
				}
			}
			assert.EqualError(t, err, test.want)
		})
	}
}

func serverOf(t *testing.T, s stack, handler http.Handler) server {
	t.Helper()
	listening := httptest.NewServer(handler)
	t.Cleanup(listening.Close)
	return server{stack: s, Address: listening.Listener.Addr().String()}
}

func TestTheLeastWithHeadersSendsThoseOfTheChain(t *testing.T) {
	payload := payloadOf(256)
	var headers []http.Header
	for _, make := range []func() (http.Handler, error){leastWithHeaders, func() (http.Handler, error) { return protected(strict) }} {
		handler, err := make()
		require.NoError(t, err)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, newRequest(payload, payload))
		headers = append(headers, w.Header())
	}
	assert.Equal(t, headers[1], headers[0])
	assert.NotEmpty(t, headers[0]["Content-Security-Policy"])
}

func TestVerifyPayloadOfOneHash(t *testing.T) {
	var text strings.Builder
	require.NoError(t, printOfHash(true, &text))
	of, err := strconv.ParseFloat(strings.TrimSpace(text.String()), 64)
	require.NoError(t, err)
	assert.Greater(t, of, 0.5)
}

func TestAllStacksAreMeasured(t *testing.T) {
	all, err := measureStacks(quick, stacks(), 256)
	require.NoError(t, err)
	assert.Len(t, all, 6)

	var servers []server
	for _, s := range stacks() {
		handler, err := s.handler()
		require.NoError(t, err)
		servers = append(servers, serverOf(t, s, handler))
	}
	for _, w := range workloads() {
		all, err := measureHTTP(t.Context(), quick, servers, w)
		require.NoError(t, err)
		for _, r := range all {
			want := "200"
			if !w.good && r.name != bareName {
				want = "401"
			}
			assert.Equal(t, want, r.note, "the status of %s: %s", r.name, w.name)
			assert.Len(t, r.figures, quick.httpRounds)
		}
	}
}

func TestTheClientReadsResponses(t *testing.T) {
	for name, test := range map[string]struct {
		response string
		status   int
		body     string
		dials    int // for two requests
		want     string
	}{
		"with a body":                   {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 200, "ok", 1, ""},
		"without one":                   {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", 1, ""},
		"after which it is closed":      {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno", 401, "no", 2, ""},
		"that ends with the connection": {"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n", 431, "", 2, ""},
		"in chunks":                     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, "", 0, "a response without a Content-Length"},
		"that is none":                  {"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", 0, "", 0, `no response of HTTP/1.1: "SSH-2.0-OpenSSH_9.2p1 Debian\r\n"`},
	} {
		t.Run(name, func(t *testing.T) {
			address, dials := respondWith(t, test.response)
			c := client{address: address, request: []byte("GET / HTTP/1.1\r\n\r\n")}
			defer c.close()
			for range 2 {
				status, body, err := c.exchange()
				if test.want != "" {
					assert.EqualError(t, err, test.want)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, test.status, status)
				assert.Equal(t, test.body, string(body))
			}
			assert.Len(t, dials, test.dials)
		})
	}
}

// respondWith serves one response to each request, and counts the connections.
func respondWith(t *testing.T, response string) (address string, dials chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	dials = make(chan struct{}, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			dials <- struct{}{}
			go func() {
				defer conn.Close()
				for {
					if _, err := conn.Read(make([]byte, 100)); err != nil {
						return
					}
					io.WriteString(conn, response)
				}
			}()
		}
	}()
	return listener.Addr().String(), dials
}

func TestALoadOfAnotherStatusIsAnError(t *testing.T) {
	address, _ := respondWith(t, "HTTP/1.1 204 No Content\r\n\r\n")
	_, err := load(t.Context(), address, []byte("GET / HTTP/1.1\r\n\r\n"), 200, time.Millisecond)
	assert.ErrorContains(t, err, "status 204 instead of 200")
}

func TestFiguresAreTheMedianOfWhatIsRelativeInEachRound(t *testing.T) {
	all := results{
		{"a", figures{10, 30, 8}, "1"}, // the machine was slow in the second round
		{"b", figures{5, 10, 8}, "0"},
	}
	assert.Equal(t, 2.0, all.of("a", "b"))
	assert.Equal(t, 0.5, all.of("b", "a"))
	assert.Equal(t, 1.5, median([]float64{2, 1}))
	assert.PanicsWithValue(t, "no contender is called c", func() { all.of("a", "c") })

	other := results{{"a", figures{4}, "1"}, {"b", figures{1}, "0"}}
	assert.Equal(t, strings.Join([]string{
		"| payload | a | b |",
		"|---|---|---|",
		"| 1 KiB | 2.00 (1) | 1.00 (0) |",
		"| 64 KiB | 4.00 (1) | 1.00 (0) |",
	}, "\n"), tableOf("payload", sizesOf([]int{1 << 10, 64 << 10}), []results{all, other}, "b"))
}

func TestContendersTakeTurns(t *testing.T) {
	var order []string
	all, err := interleave(3, 4, func(i int) (float64, error) {
		order = append(order, strconv.Itoa(i))
		return float64(i), nil
	})
	require.NoError(t, err)
	assert.Equal(t, "012 120 201 012", strings.Join([]string{
		strings.Join(order[:3], ""), strings.Join(order[3:6], ""), strings.Join(order[6:9], ""), strings.Join(order[9:], ""),
	}, " "))
	assert.Equal(t, []figures{{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 2, 2, 2}}, all)

	_, err = interleave(3, 4, func(int) (float64, error) { return 0, errOther })
	assert.Equal(t, errOther, err)
}

func TestACallThatFailsEndsTheMeasuring(t *testing.T) {
	fails := []contender{{"peer", func() error { return errOther }}}
	_, err := timesOf(quick, fails)
	assert.EqualError(t, err, "peer: it is another one")
	_, err = measureAll(quick, fails)
	assert.EqualError(t, err, "peer: it is another one")
}

func TestNumbers(t *testing.T) {
	for of, want := range map[float64]string{1: "1.00", 0.966: "0.97", 0.0042: "0.004", 12.345: "12.35"} {
		assert.Equal(t, want, ratio(of))
	}
	for of, want := range map[float64]string{1_512_345: "2,000,000", 961: "1,000", 42: "40", 123_456: "100,000"} {
		assert.Equal(t, want, roundly(of))
	}
	assert.Equal(t, "96 B", sizeOf(96))
	assert.Equal(t, "64 KiB", sizeOf(64<<10))
}

func TestThePage(t *testing.T) {
	one := func(names ...string) (all results) {
		for _, name := range names {
			all = append(all, result{name, figures{1}, "0"})
		}
		return all
	}
	kib := one(oursName, newStripeGo, hmacAlone, sha256Only)
	kib[0].figures[0] = 1.31
	m := measured{preflights: one(oursName, rsCORS), workloads: workloads(), longHeader: longHeaderFigures{"1,000,000", 9}, ofSlowHash: 1.1}
	for range verifierSizes {
		m.verifiers = append(m.verifiers, kib)
	}
	for range stackSizes {
		m.stacks = append(m.stacks, one(oursName, looseName, leastName, sendsName, bareName, byHandName))
	}
	for range m.workloads {
		m.http = append(m.http, one(oursName, looseName, leastName, sendsName, bareName, byHandName, expressName))
	}
	servers := []server{{stack: stack{name: expressName}, Versions: map[string]string{"node": "20.0.0", "express": "5.0.0"}}}

	text, err := page(false, full, servers, m)
	require.NoError(t, err)
	assert.LessOrEqual(t, strings.Count(text, "\n"), 80)
	assert.NotContains(t, text, "worth nothing")
	assert.Contains(t, text, "and Node 20.0.0")
	assert.Contains(t, text, strings.Join([]string{
		"", "| aim | measured | met |",
		"|---|---|---|",
		"| over HTTP, 1 KiB, `DecodePayload`: at least 0.97 of bare Go's requests | 1.00 | yes |",
		"| the same with `json.Unmarshal` | 1.00 | yes |",
		"| `VerifyPayload`, 1 KiB: at most 1.30 of one SHA-256 | 1.31 | no |",
		"| the same without the processor's instructions for SHA-256 | 1.10 | yes |",
		"| a preflight without a network: at most 1.00 of rs/cors alone | 1.00 | yes |", "",
	}, "\n"))

	text, err = page(true, inShort, servers, m)
	require.NoError(t, err)
	assert.Contains(t, text, "its figures are worth nothing")
	assert.LessOrEqual(t, strings.Count(text, "\n"), 80)
}
