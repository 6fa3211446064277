package main

import (
	"slices"
	"time"
)

const (
	tooNoisy = "; too noisy to tell"

	// The bare handler does next to nothing, so that a p99 of many times its p50 is the
	// machine's.
	maxBareTail = 10
)

// spread is how the slices of a run differ: a pause of the machine falls into a few of
// them, and changes the median little.
type spread struct{ low, median, high float64 } // low to high is the middle half

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	at := func(quarter int) float64 {
		i, rest := (len(sorted)-1)*quarter/4, (len(sorted)-1)*quarter%4
		if rest == 0 {
			return sorted[i]
		}
		return sorted[i] + (sorted[i+1]-sorted[i])*float64(rest)/4
	}
	return spread{at(1), at(2), at(3)}
}

func inMs(d time.Duration) float64 { return d.Seconds() * 1000 }

// less returns what each value has more than the one of the same round.
func less(values, base []float64) []float64 {
	differences := make([]float64, min(len(values), len(base)))
	for i := range differences {
		differences[i] = values[i] - base[i]
	}
	return differences
}
