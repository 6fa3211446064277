//go:build !race

package stripeapps

const raceEnabled = false
