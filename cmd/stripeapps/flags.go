package main

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/seed-8a2ffb75/stripeapps"
)

// oneOf validates a flag that takes one of a few words.
func oneOf(words ...string) func(string) error {
	return func(text string) error {
		for _, word := range words {
			if text == word {
				return nil
			}
		}
		return errors.New("give one of " + strings.Join(words, ", "))
	}
}

// timeFlag is a flag that takes RFC 3339 or Unix seconds; see timeOf.
func timeFlag(name, usage string) cli.Flag {
	return &cli.TextFlag{Name: name, Usage: usage, Value: &flagTime{}, HideDefault: true}
}

// timeOf returns the time that a timeFlag was given, or else the clock's.
func timeOf(cmd *cli.Command, name string) time.Time {
	if !cmd.IsSet(name) {
		return time.Now()
	}
	return cmd.Text(name).(*flagTime).Time
}

type flagTime struct{ time.Time }

const lastUnixSecond = 253402300799 // of the year 9999, the last that RFC 3339 can write

func (t *flagTime) UnmarshalText(text []byte) (err error) {
	if seconds, err := strconv.ParseInt(string(text), 10, 64); err == nil && seconds >= 0 && seconds <= lastUnixSecond {
		t.Time = time.Unix(seconds, 0)
		return nil
	}
	t.Time, err = time.Parse(time.RFC3339, string(text))
	if err != nil || t.Unix() < 0 {
		return errors.New("give RFC 3339, like 2026-01-02T15:04:05Z, or Unix seconds")
	}
	return nil
}

func toleranceFlag() cli.Flag {
	return &cli.DurationFlag{
		Name: "tolerance", Value: stripeapps.DefaultTolerance,
		Usage: "how far the signature's time may be from now, a `DURATION`",
		Validator: func(d time.Duration) error {
			if d <= 0 || d > 24*time.Hour {
				return errors.New("give more than 0 and at most 24h, like 5m")
			}
			return nil
		},
	}
}

func allowMissingUserFlag() cli.Flag {
	return &cli.BoolFlag{
		Name:  "allow-missing-user",
		Usage: "accept what is signed without a user_id, as InsecureAllowMissingUser does",
	}
}
