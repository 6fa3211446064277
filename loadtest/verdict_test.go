package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	vegeta "github.com/tsenart/vegeta/v12/lib"
)

func TestOnlyTheWholeResponseToThisRequestIsAcceptance(t *testing.T) {
	cut := result(kindValid, 200, answerTo("N")[:5])
	cut.Error = "unexpected EOF"
	for name, test := range map[string]struct {
		result *vegeta.Result
		want   string
	}{
		"its response":                      {result(kindValid, 200, answerTo("N")), ""},
		"that of another request":           {result(kindValid, 200, answerTo("M")), `another response: "{\"nonce\":\"M\"}"`},
		"none of a handler":                 {result(kindValid, 200, ""), `another response: ""`},
		"one that is cut off":               {cut, "not the whole response: unexpected EOF"},
		"a refusal":                         {result(kindValid, 401, problem("no_match")), "refused: 401 no_match"},
		"a refusal that is not the chain's": {result(kindValid, 502, "bad gateway"), "refused: 502 bad gateway"},
		"a broken connection":               {&vegeta.Result{Error: "EOF"}, "no response: EOF"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, acceptedFault(test.result, answerTo("N"))) })
	}
}

func TestOnlyTheRightRefusalIsOne(t *testing.T) {
	for name, test := range map[string]struct {
		result *vegeta.Result
		want   string
	}{
		"the right one":       {result(kindRetired, 401, problem("no_match")), ""},
		"acceptance":          {result(kindRetired, 200, answerTo("N")), "accepted"},
		"another status":      {result(kindRetired, 500, problem("no_match")), "refused with 500 no_match, not 401 no_match"},
		"another code":        {result(kindRetired, 401, problem("too_old")), "refused with 401 too_old, not 401 no_match"},
		"a broken connection": {&vegeta.Result{Error: "EOF"}, "no response: EOF"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, refusedFault(test.result, 401, "no_match")) })
	}
}

func TestExactlyOneOfTwinsMustPass(t *testing.T) {
	passes, replayed := result(kindTwin, 200, answerTo("N")), result(kindTwin, 409, problem("replayed"))
	for name, test := range map[string]struct {
		pair []*vegeta.Result
		want string
	}{
		"one passes":                 {[]*vegeta.Result{replayed, passes}, ""},
		"both pass":                  {[]*vegeta.Result{passes, passes}, "2 of a pair passed"},
		"none passes":                {[]*vegeta.Result{replayed, replayed}, "0 of a pair passed"},
		"one is lost":                {[]*vegeta.Result{passes}, "1 results of a pair"},
		"one is refused for another": {[]*vegeta.Result{passes, result(kindTwin, 503, problem("replay_guard_unavailable"))}, "refused with 503 replay_guard_unavailable, not 409 replayed"},
		"one gets no response":       {[]*vegeta.Result{passes, {Error: "EOF"}}, "no response: EOF"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, twinFault("N", test.pair)) })
	}
}

func TestALatencyIsToldBesideThatOfTheBareHandler(t *testing.T) {
	variants := []*variant{
		{name: "bare handler", p50: []float64{0.2, 0.25, 0.2}, p99: []float64{1.5, 1, 2}},
		{name: "chain", p50: []float64{0.24, 0.3, 0.23}, p99: []float64{1.4, 1.2, 2.3}},
	}
	for _, v := range variants {
		v.tally.add("")
	}
	assert.Equal(t, []row{
		{"valid load, bare handler", "1 requests in 3 slices of 250ms: p50 0.20 ms, p99 1.50 ms", ok},
		{"valid load, chain", "1 requests in 3 slices of 250ms: p50 0.24 ms (+0.04), p99 1.40 ms (+0.20, half of the rounds from +0.05 to +0.25)", ok},
		{"valid load, chain + redisreplay", "no server", leftOut},
	}, sustainedRows(variants, "no server"))
}

func TestALatencyIsNotTrustedOnANoisyMachine(t *testing.T) {
	calm, ms := []float64{1, 1, 1, 1, 1}, []float64{0.2, 0.2, 0.2, 0.2, 0.2}
	for name, test := range map[string]struct {
		bare, chain       []float64 // p99 of each slice
		wantBare, wantOwn verdict
	}{
		"no slice is slow":                       {calm, calm, ok, ok},
		"one slice is":                           {calm, []float64{1, 1, 40, 1, 1}, ok, ok},
		"half of the slices are":                 {calm, []float64{1, 20, 40, 1, 1}, ok, warn},
		"some are slow, and some are not, twice": {[]float64{1, 30, 1, 1, 30}, []float64{30, 1, 1, 1, 1}, ok, warn},
		"all are, with the bare handler":         {[]float64{2.1, 2.1, 2.1, 2.1, 2.1}, []float64{2.1, 2.1, 2.1, 2.1, 2.1}, warn, warn},
		"all are, where there is more to do":     {calm, []float64{20, 20, 20, 21, 21}, ok, ok},
	} {
		t.Run(name, func(t *testing.T) {
			variants := []*variant{{name: "bare handler", p50: ms, p99: test.bare}, {name: "chain", p50: ms, p99: test.chain}}
			for _, v := range variants {
				v.tally.add("")
			}
			rows := sustainedRows(variants, "")
			for i, want := range []verdict{test.wantBare, test.wantOwn} {
				assert.Equal(t, want, rows[i].verdict, rows[i].figures)
				assert.Equal(t, want == warn, strings.HasSuffix(rows[i].figures, tooNoisy), rows[i].figures)
			}
			variants[1].tally.add("refused")
			assert.Equal(t, fail, sustainedRows(variants, "")[1].verdict, "whatever the noise")
		})
	}
}

func TestASpreadIsTheMiddleHalf(t *testing.T) {
	for name, test := range map[string]struct {
		values []float64
		want   spread
	}{
		"of none":  {nil, spread{}},
		"of one":   {[]float64{3}, spread{3, 3, 3}},
		"of two":   {[]float64{4, 0}, spread{1, 2, 3}},
		"of three": {[]float64{9, 1, 2}, spread{1.5, 2, 5.5}},
		"of five":  {[]float64{9, 1, 3, 2, 4}, spread{2, 3, 4}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, spreadOf(test.values)) })
	}
}

func TestARollIsJudgedBothWays(t *testing.T) {
	good := func() []*vegeta.Result {
		return []*vegeta.Result{
			result(kindCurrent, 200, answerTo("N")), result(kindNext, 200, answerTo("N")), result(kindBoth, 200, answerTo("N")),
			result(kindRetired, 401, problem("no_match")), result(kindTwoGone, 401, problem("no_match")),
		}
	}
	for name, test := range map[string]struct {
		change func(all []*vegeta.Result) []*vegeta.Result
		want   verdict
	}{
		"all as it must be": {func(all []*vegeta.Result) []*vegeta.Result { return all }, ok},
		"a valid one is refused": {func(all []*vegeta.Result) []*vegeta.Result {
			return append(all, result(kindBoth, 401, problem("no_match")))
		}, fail},
		"a retired one is accepted": {func(all []*vegeta.Result) []*vegeta.Result {
			return append(all, result(kindRetired, 200, answerTo("N")))
		}, fail},
		"two retired are accepted": {func(all []*vegeta.Result) []*vegeta.Result {
			return append(all, result(kindTwoGone, 200, answerTo("N")))
		}, fail},
		"no retired one was tried":    {func(all []*vegeta.Result) []*vegeta.Result { return all[:3] }, fail},
		"none with both was tried":    {func(all []*vegeta.Result) []*vegeta.Result { return append(all[:2], all[3:]...) }, fail},
		"none with the old was tried": {func(all []*vegeta.Result) []*vegeta.Result { return all[1:] }, fail},
	} {
		t.Run(name, func(t *testing.T) {
			x := &rotationResult{rolls: 2}
			for _, r := range test.change(good()) {
				x.add(r)
			}
			assert.Equal(t, test.want, x.row().verdict)
			x.rolls = 1
			assert.Equal(t, fail, x.row().verdict, "less than two rolls")
		})
	}
}

func TestAHostileRequestIsJudgedByBothSides(t *testing.T) {
	for name, test := range map[string]struct {
		status  int
		err     error
		reached int
		want    string
	}{
		"refused":                              {401, nil, 0, ""},
		"accepted":                             {200, nil, 1, "forged: accepted"},
		"refused, but a handler has seen it":   {401, nil, 1, "forged: 1 reached the handler"},
		"refused in another way":               {500, nil, 0, "forged: responded to with 500, not [401]"},
		"neither refused nor cut off":          {0, errors.New("neither"), 0, "forged: neither"},
		"cut off, where a response is to come": {0, nil, 0, "forged: responded to with 0, not [401]"},
	} {
		t.Run(name, func(t *testing.T) {
			x := &hostileResult{kinds: map[string]*tally{}}
			x.valid.add("")
			for _, kind := range hostileKinds() {
				if kind.name == "forged" {
					x.add(kind, test.status, test.err)
				} else {
					x.add(kind, kind.statuses[0], nil)
				}
			}
			f := figures{Reached: []reachedCount{{chain, kindValid, 100}, {chain, "forged", test.reached}}}
			got := x.rows(f)[0]
			if test.want == "" {
				assert.Equal(t, ok, got.verdict, got.figures)
			} else {
				assert.Equal(t, fail, got.verdict)
				assert.Contains(t, got.figures, test.want)
			}
		})
	}
}

func TestAHostileKindThatIsNotTriedFails(t *testing.T) {
	for _, missing := range hostileKinds() {
		t.Run(missing.name, func(t *testing.T) {
			x := &hostileResult{kinds: map[string]*tally{}}
			for _, kind := range hostileKinds() {
				if kind.name != missing.name {
					x.add(kind, kind.statuses[0], nil)
				}
			}
			got := x.rows(figures{})[0]
			assert.Equal(t, fail, got.verdict)
			assert.Contains(t, got.figures, missing.name+": was not tried")
		})
	}
}

func TestAValidRequestRefusedAmongHostileOnesFails(t *testing.T) {
	x := &hostileResult{}
	assert.Equal(t, fail, x.rows(figures{})[1].verdict, "none")
	x.valid.add("")
	assert.Equal(t, ok, x.rows(figures{})[1].verdict)
	x.valid.add("refused: 400 body_unreadable")
	assert.Equal(t, fail, x.rows(figures{})[1].verdict)
}

func TestTheMedianOfP99WarnsOnly(t *testing.T) {
	for name, test := range map[string]struct {
		ratios []float64
		want   row
	}{
		"of three":                  {[]float64{9, 0.5, 1.5}, row{"p99 in the hostile mix", "1.50 times that without, in the median of 3 pairs of slices (half of them from 1.00 to 5.25); too noisy to tell", warn}},
		"of four":                   {[]float64{2, 1, 1.5, 1.25}, row{"p99 in the hostile mix", "1.38 times that without, in the median of 4 pairs of slices (half of them from 1.19 to 1.62)", ok}},
		"one of many is an outlier": {[]float64{0.01, 1, 1.25, 1.5, 20}, row{"p99 in the hostile mix", "1.25 times that without, in the median of 5 pairs of slices (half of them from 1.00 to 1.50)", ok}},
		"a machine that is busy with something else": {[]float64{0.08, 0.43, 15.84}, row{"p99 in the hostile mix", "0.43 times that without, in the median of 3 pairs of slices (half of them from 0.26 to 8.13); too noisy to tell", warn}},
		"more than two": {[]float64{2.5}, row{"p99 in the hostile mix", "2.50 times that without, in the median of 1 pairs of slices (half of them from 2.50 to 2.50)", warn}},
		"none":          {nil, row{"p99 in the hostile mix", "not known", warn}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, (&hostileResult{ratios: test.ratios}).ratioRow()) })
	}
}

func TestWhatGrowsFails(t *testing.T) {
	before := figures{Heap: 1 << 20, Goroutines: 4, Reached: []reachedCount{{chain, kindValid, 100}, {guardMemory, kindValid, 50}}}
	after := figures{Heap: 1<<20 + heapSlack + 1000*claimBytes, Goroutines: 4, Reached: []reachedCount{{chain, kindValid, 5000}, {guardMemory, kindValid, 1050}}}
	for name, test := range map[string]struct {
		change func(f *figures)
		want   string // "" if all is well
	}{
		"nothing":               {func(*figures) {}, ""},
		"the heap":              {func(f *figures) { f.Heap++ }, "the heap grows by 110 bytes a request"},
		"the goroutines":        {func(f *figures) { f.Goroutines += goSlack + 1 }, "goroutines stay"},
		"the connections":       {func(f *figures) { f.Connections = 1 }, "1 connections stay"},
		"not even the requests": {func(f *figures) { f.Reached = before.Reached }, "WRONG"},
	} {
		t.Run(name, func(t *testing.T) {
			f := after
			test.change(&f)
			got := memoryRow(before, f)
			if test.want == "" {
				assert.Equal(t, row{"memory of the backend", "heap 1.00 MiB before, 1.62 MiB after 5900 requests, of which 1000 are remembered; goroutines 4 and 4", ok}, got)
			} else {
				assert.Equal(t, fail, got.verdict)
				assert.Contains(t, got.figures, test.want)
			}
		})
	}
	assert.Equal(t, fail, memoryRow(before, before).verdict, "nothing was tried")
}

func TestALostResponseFailsAShutdown(t *testing.T) {
	for name, test := range map[string]struct {
		report shutdownReport
		faults map[string]string
		want   string // in the figures, of a failure; "" if all is well
		later  string
	}{
		"all have come":         {shutdownReport{Before: []string{"A", "B"}, InFlight: 1}, map[string]string{"A": "", "B": "", "C": "no response: EOF"}, "", ""},
		"one is cut off":        {shutdownReport{Before: []string{"A", "B"}, InFlight: 1}, map[string]string{"A": "", "B": "not the whole response: EOF"}, "1 WRONG, the first: not the whole response: EOF", ""},
		"one is not heard of":   {shutdownReport{Before: []string{"A", "B"}, InFlight: 1}, map[string]string{"A": ""}, "1 WRONG, the first: no result at all", ""},
		"nothing was in flight": {shutdownReport{Before: []string{"A"}}, map[string]string{"A": ""}, "NOTHING WAS IN FLIGHT", ""},
		"it does not end":       {shutdownReport{Before: []string{"A"}, InFlight: 1, Err: "context deadline exceeded"}, map[string]string{"A": ""}, "deadline", ""},
		"one that began later":  {shutdownReport{Before: []string{"A"}, InFlight: 1, Later: []string{"B", "C"}}, map[string]string{"A": "", "B": "", "C": "no response: EOF"}, "", "of 2 begun later, 1 do not"},
	} {
		t.Run(name, func(t *testing.T) {
			x := &shutdownResult{}
			x.add(test.report, test.faults)
			got := x.row()
			assert.Contains(t, got.figures, test.later)
			if test.want == "" {
				assert.Equal(t, ok, got.verdict, got.figures)
				assert.Equal(t, test.later == "", !strings.Contains(got.figures, "later"))
			} else {
				assert.Equal(t, fail, got.verdict)
				assert.Contains(t, got.figures, test.want)
			}
		})
	}
}
