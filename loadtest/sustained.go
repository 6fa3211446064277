package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

const (
	slice     = 250 * time.Millisecond // of each variant in turn: a noisy second hits all alike
	twinEvery = 50                     // a request to a guarded route is sent twice at once
	kindTwin  = "twin"
)

// variant is a way to serve the same handler.
type variant struct {
	name, path string
	guarded    bool // against replays
	sent       int

	p50, p99 []float64 // of each slice, in milliseconds
	tally    tally
	twins    twins
}

func (b *bench) variants() []*variant {
	all := []*variant{
		{name: "bare handler", path: bare},
		{name: "chain", path: chain},
		{name: "chain + replay guard in memory", path: guardMemory, guarded: true},
	}
	if b.noRedis == "" {
		all = append(all, &variant{name: "chain + redisreplay", path: guardRedis, guarded: true})
	}
	return all
}

// sustained has each variant attacked for the same part of the duration, in short
// slices, each round in another order.
func (b *bench) sustained(variants []*variant, duration time.Duration) {
	rounds := max(1, int(duration/slice)/len(variants))
	for round := range rounds {
		if round%8 == 0 && duration > 0 {
			b.progress("valid load: round %d of %d", round+1, rounds)
		}
		for i := range variants {
			b.slice(variants[(round+i)%len(variants)])
		}
	}
}

func (b *bench) slice(v *variant) {
	var pairs sync.WaitGroup
	next := b.signed(slice, func() vegeta.Target {
		v.sent++
		if v.guarded && v.sent%twinEvery == 0 {
			return b.target(v.path, kindTwin, b.secret)
		}
		return b.target(v.path, kindValid, b.secret)
	})
	withTwins := func() vegeta.Target {
		t := next()
		if kind, _ := about(&vegeta.Result{URL: t.URL}); kind == kindTwin {
			pairs.Go(func() { v.twins.add(send(b.client, t)) })
		}
		return t
	}
	var latencies vegeta.Metrics
	attack(b.client, withTwins, b.rate, sent(count(b.rate, slice)), func(result *vegeta.Result) {
		kind, nonce := about(result)
		if kind == kindTwin {
			v.twins.add(result)
			return
		}
		latencies.Add(result)
		v.tally.add(acceptedFault(result, answerTo(nonce)))
	})
	pairs.Wait()
	latencies.Close()
	v.p50 = append(v.p50, inMs(latencies.Latencies.P50))
	v.p99 = append(v.p99, inMs(latencies.Latencies.P99))
}

// send sends one request beside those of an attack.
func send(client *http.Client, target vegeta.Target) *vegeta.Result {
	result := &vegeta.Result{URL: target.URL}
	request, err := http.NewRequest(target.Method, target.URL, bytes.NewReader(target.Body))
	if err == nil {
		request.Header = target.Header.Clone()
		var response *http.Response
		if response, err = client.Do(request); err == nil {
			defer response.Body.Close()
			result.Code = uint16(response.StatusCode)
			result.Body, err = io.ReadAll(response.Body)
		}
	}
	if err != nil {
		result.Error = err.Error()
	}
	return result
}

// twins are the results of requests that were sent twice at once, by nonce.
type twins struct {
	mu      sync.Mutex
	results map[string][]*vegeta.Result
}

func (t *twins) add(result *vegeta.Result) {
	_, nonce := about(result)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.results == nil {
		t.results = map[string][]*vegeta.Result{}
	}
	t.results[nonce] = append(t.results[nonce], result)
}

func (t *twins) tally() (all tally) {
	for nonce, pair := range t.results {
		all.add(twinFault(nonce, pair))
	}
	return all
}

// twinFault is "" if exactly one of the two has passed.
func twinFault(nonce string, pair []*vegeta.Result) string {
	if len(pair) != 2 {
		return fmt.Sprintf("%d results of a pair", len(pair))
	}
	passed := 0
	for _, result := range pair {
		if acceptedFault(result, answerTo(nonce)) == "" {
			passed++
		} else if fault := refusedFault(result, http.StatusConflict, "replayed"); fault != "" {
			return fault
		}
	}
	if passed != 1 {
		return fmt.Sprintf("%d of a pair passed", passed)
	}
	return ""
}

// sustainedRows tells the medians of the slices, and what is added to the bare handler
// in the median of the rounds. A noisy machine is told, since the difference is then its.
func sustainedRows(variants []*variant, noRedis string) (rows []row) {
	bare := variants[0]
	bareNoisy := spreadOf(bare.p99).median > maxBareTail*spreadOf(bare.p50).median
	for i, v := range variants {
		p50, p99 := spreadOf(v.p50).median, spreadOf(v.p99).median
		figures := fmt.Sprintf("%d requests in %d slices of %v: p50 %.2f ms", v.tally.tried, len(v.p99), slice, p50)
		noisy := bareNoisy
		if i == 0 {
			figures += fmt.Sprintf(", p99 %.2f ms", p99)
		} else {
			added := spreadOf(less(v.p99, bare.p99))
			figures += fmt.Sprintf(" (%+.2f), p99 %.2f ms (%+.2f, half of the rounds from %+.2f to %+.2f)",
				spreadOf(less(v.p50, bare.p50)).median, p99, added.median, added.low, added.high)
			noisy = noisy || added.high-added.low > p99
		}
		verdict := v.tally.verdict()
		if noisy {
			figures, verdict = figures+tooNoisy, worst(verdict, warn)
		}
		rows = append(rows, row{"valid load, " + v.name, figures + v.tally.complaint(), verdict})
	}
	if noRedis != "" {
		rows = append(rows, row{"valid load, chain + redisreplay", noRedis, leftOut})
	}
	return rows
}

func replayRows(variants []*variant, noRedis string) (rows []row) {
	for _, v := range variants {
		if v.guarded {
			t := v.twins.tally()
			rows = append(rows, row{"sent twice at once, " + v.name, fmt.Sprintf("%d pairs: one of each passes", t.tried) + t.complaint(), t.verdict()})
		}
	}
	if noRedis != "" {
		rows = append(rows, row{"sent twice at once, chain + redisreplay", noRedis, leftOut})
	}
	return rows
}
