package main

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// pace is how long is measured, and how often. A slice is long enough for the garbage
// that a contender leaves to be collected in it.
type pace struct {
	slice, httpSlice   time.Duration // of one contender in one round
	rounds, httpRounds int
}

var (
	full    = pace{slice: 20 * time.Millisecond, rounds: 31, httpSlice: 400 * time.Millisecond, httpRounds: 25}
	inShort = pace{slice: time.Millisecond, rounds: 7, httpSlice: 70 * time.Millisecond, httpRounds: 3}
)

func paceOf(short bool) pace {
	if short {
		return inShort
	}
	return full
}

// contender is one of those that do the same work.
type contender struct {
	name string
	call func() error
}

// figures are one contender's: what was measured in each round.
type figures []float64

// relativeTo returns the median, of all rounds, of how one contender's figure relates
// to another's of the same round: what else the machine does, and the pace of its
// processor, is nearly the same for both.
func (f figures) relativeTo(other figures) float64 {
	ratios := make([]float64, len(f))
	for round := range f {
		ratios[round] = f[round] / other[round]
	}
	return median(ratios)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// interleave takes a figure of each contender in each round. Each round begins with
// another contender, so that none is always behind the same one.
func interleave(contenders, rounds int, take func(contender int) (float64, error)) ([]figures, error) {
	all := make([]figures, contenders)
	for round := range rounds {
		for i := range contenders {
			i = (i + round) % contenders
			figure, err := take(i)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], figure)
		}
	}
	return all, nil
}

// timesOf returns how many seconds a call of each contender takes.
func timesOf(p pace, contenders []contender) ([]figures, error) {
	calls := make([]int, len(contenders))
	for i, c := range contenders {
		for calls[i] = 1; ; calls[i] *= 2 {
			seconds, err := c.run(calls[i])
			if err != nil {
				return nil, err
			}
			if seconds >= p.slice.Seconds()/4 {
				calls[i] = cmp.Or(int(float64(calls[i])*p.slice.Seconds()/seconds), 1)
				break
			}
		}
	}
	return interleave(len(contenders), p.rounds, func(i int) (float64, error) {
		seconds, err := contenders[i].run(calls[i])
		return seconds / float64(calls[i]), err
	})
}

// run returns how many seconds some calls take. The garbage of the contender before is
// not collected at the expense of this one.
func (c contender) run(calls int) (float64, error) {
	runtime.GC()
	began := time.Now()
	for range calls {
		if err := c.call(); err != nil {
			return 0, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return time.Since(began).Seconds(), nil
}

// allocationsOf returns how many allocations a call makes, and of how many bytes.
func allocationsOf(c contender) (count, bytes uint64, err error) {
	const calls = 20
	var before, after runtime.MemStats
	runtime.GC()
	if err := c.call(); err != nil { // what is only made once
		return 0, 0, fmt.Errorf("%s: %w", c.name, err)
	}
	runtime.ReadMemStats(&before)
	for range calls {
		if err := c.call(); err != nil {
			return 0, 0, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	runtime.ReadMemStats(&after)
	return (after.Mallocs - before.Mallocs) / calls, (after.TotalAlloc - before.TotalAlloc) / calls, nil
}

// result is what was measured of one contender.
type result struct {
	name    string
	figures figures
	note    string // shown in parentheses: allocations, or a status
}

// results are those of contenders that took turns.
type results []result

func measureAll(p pace, contenders []contender) (all results, err error) {
	for _, c := range contenders {
		count, _, err := allocationsOf(c)
		if err != nil {
			return nil, err
		}
		all = append(all, result{name: c.name, note: strconv.FormatUint(count, 10)})
	}
	times, err := timesOf(p, contenders)
	for i := range times {
		all[i].figures = times[i]
	}
	return all, err
}

// of returns the figure of one contender relative to that of another.
func (all results) of(name, base string) float64 {
	return all.named(name).figures.relativeTo(all.named(base).figures)
}

func (all results) named(name string) result {
	i := slices.IndexFunc(all, func(r result) bool { return r.name == name })
	if i < 0 {
		panic("no contender is called " + name)
	}
	return all[i]
}

// names and row are the cells of a table.
func (all results) names(title string) []string {
	cells := []string{title}
	for _, r := range all {
		cells = append(cells, r.name)
	}
	return cells
}

func (all results) row(title, base string) []string {
	cells := []string{title}
	for _, r := range all {
		cells = append(cells, fmt.Sprintf("%s (%s)", ratio(all.of(r.name, base)), r.note))
	}
	return cells
}
