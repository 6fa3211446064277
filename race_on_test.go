//go:build race

package stripeapps

const RaceEnabled = true
