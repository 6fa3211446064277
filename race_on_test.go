//go:build race

package stripeapps

// raceEnabled says that allocations cannot be counted: the race detector makes
// some of its own, and drops what sync.Pool keeps.
const raceEnabled = true
