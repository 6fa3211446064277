//go:build !race

package stripeapps

// RaceEnabled says that allocations cannot be counted: the race detector makes
// some of its own, and drops what sync.Pool keeps.
const RaceEnabled = false
