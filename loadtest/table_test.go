package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheTableIsMarkdown(t *testing.T) {
	var w bytes.Buffer
	printTable(&w, []row{{"a", "p50 1 ms – p99 2 ms", ok}, {"longer", "", leftOut}})
	assert.Equal(t, `| what   | figures             | verdict  |
|--------|---------------------|----------|
| a      | p50 1 ms – p99 2 ms | ok       |
| longer |                     | left out |
`, w.String())
}

func TestTheExitCodeSaysWhetherSomethingIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		verdicts []verdict
		code     int
	}{
		"all is well":                      {[]verdict{ok, ok}, 0},
		"a figure is not as hoped":         {[]verdict{ok, warn}, 0},
		"a row is left out":                {[]verdict{leftOut, ok}, 0},
		"one row fails":                    {[]verdict{ok, fail, warn, leftOut}, 1},
		"a table without rows says naught": {nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var rows []row
			for _, v := range test.verdicts {
				rows = append(rows, row{"what", "figures", v})
			}
			assert.Equal(t, test.code, conclude(io.Discard, io.Discard, options{}, rows))
		})
	}
}

func TestATallyFailsByOneInAThousand(t *testing.T) {
	var all tally
	assert.Equal(t, fail, all.verdict(), "nothing was tried")
	assert.Contains(t, all.complaint(), "NOTHING")
	for range 999 {
		all.add("")
	}
	assert.Equal(t, ok, all.verdict())
	assert.Empty(t, all.complaint())
	all.add("refused:\n401 | no_match")
	assert.Equal(t, fail, all.verdict())
	assert.Equal(t, "; 1 WRONG, the first: refused: 401 / no_match", all.complaint())
}

func TestTheWorstVerdictCounts(t *testing.T) {
	assert.Equal(t, ok, worst(ok, ok))
	assert.Equal(t, warn, worst(ok, warn))
	assert.Equal(t, fail, worst(warn, fail, ok))
}

func TestOptionsAreChecked(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string // in the error
	}{
		"none":                     {nil, ""},
		"all":                      {[]string{"-rate", "100", "-duration", "10s", "-redis", "[::1]:6379"}, ""},
		"short":                    {[]string{"-short"}, ""},
		"too low a rate":           {[]string{"-rate", "99"}, "-rate is 99"},
		"too high a rate":          {[]string{"-rate", "20001"}, "-rate is 20001"},
		"too short":                {[]string{"-duration", "9s"}, "-duration is 9s"},
		"too long":                 {[]string{"-duration", "61m"}, "-duration is 1h1m0s"},
		"a Redis on another host":  {[]string{"-redis", "redis.example.com:6379"}, "loopback"},
		"a Redis without its port": {[]string{"-redis", "127.0.0.1"}, "loopback"},
		"a page that is not there": {[]string{"-page", "none.md"}, "none.md"},
		"a page without a table":   {[]string{"-page", "main.go"}, "main.go has no table"},
		"an argument":              {[]string{"now"}, `unexpected argument "now"`},
		"an unknown flag":          {[]string{"-fast"}, "-fast"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readOptions(test.args, io.Discard)
			if test.want == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, test.want)
				assert.Equal(t, exitSetup, run(t.Context(), test.args, io.Discard, io.Discard))
			}
		})
	}
	o, err := readOptions([]string{"-short"}, io.Discard)
	assert.NoError(t, err)
	assert.Equal(t, 20*time.Second, o.duration)
}

func TestAPlanFitsItsDuration(t *testing.T) {
	for _, duration := range []time.Duration{shortDuration, time.Minute, time.Hour} {
		p := planFor(duration)
		whole := p.sustained + p.rotation + time.Duration(p.hostilePairs)*pairDuration + time.Duration(p.shutdowns)*time.Second
		assert.InEpsilon(t, duration.Seconds(), whole.Seconds(), 0.1)
	}
}

func TestAPageGetsTheTableOfTheRun(t *testing.T) {
	page := filepath.Join(t.TempDir(), "load.md")
	before, err := os.ReadFile("../docs/load.md")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(page, before, 0o600))
	o := options{rate: 100, duration: time.Minute, page: page}

	assert.Equal(t, exitWrong, conclude(io.Discard, io.Discard, o, []row{{"a", "1", fail}}))
	after, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after), "a run that fails is not published")

	for _, figures := range []string{"1", "2"} { // the second time it replaces what it wrote
		var w bytes.Buffer
		assert.Equal(t, 0, conclude(&w, io.Discard, o, []row{{"a", figures, ok}}))
		after, err = os.ReadFile(page)
		require.NoError(t, err)
		head, tail, found := strings.Cut(string(after), w.String())
		assert.True(t, found, w.String())
		assert.Contains(t, w.String(), " processors, 1m0s in all, of which each row has its slices, with 100 valid requests a second:\n\n| what |")
		assert.True(t, strings.HasPrefix(string(before), head))
		assert.True(t, strings.HasSuffix(string(before), tail))
		assert.True(t, strings.HasPrefix(tail, "\n## How to read it\n"), tail)
	}
}
