package main

import (
	"context"
	"fmt"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

const shutdownAfter = 400 * time.Millisecond

// shutdownResult is what came of all shutdowns.
type shutdownResult struct {
	times      int
	inFlight   int
	begun      tally // requests whose handler began before the shutdown
	later      int   // those whose handler began after it
	laterLost  int
	unfinished tally // shutdowns
}

// add takes the report of a shutdown, and what is wrong with each response, by nonce.
func (x *shutdownResult) add(report shutdownReport, faults map[string]string) {
	x.times++
	x.inFlight += report.InFlight
	x.unfinished.add(report.Err)
	for _, nonce := range report.Before {
		x.begun.add(faultOf(faults, nonce))
	}
	for _, nonce := range report.Later {
		x.later++
		if faultOf(faults, nonce) != "" {
			x.laterLost++
		}
	}
}

func faultOf(faults map[string]string, nonce string) string {
	fault, known := faults[nonce]
	if !known {
		return "no result at all"
	}
	return fault
}

func (x *shutdownResult) row() row {
	figures := fmt.Sprintf("%d times: all of the %d requests begun before, %d of them in flight, get their whole response",
		x.times, x.begun.tried, x.inFlight)
	if x.laterLost > 0 {
		figures += fmt.Sprintf("; of %d begun later, %d do not (go.dev/issue/65802)", x.later, x.laterLost)
	}
	if x.inFlight == 0 {
		return row{"shutdown under load", figures + "; NOTHING WAS IN FLIGHT", fail}
	}
	return row{"shutdown under load", figures + x.begun.complaint() + x.unfinished.complaint(), worst(x.begun.verdict(), x.unfinished.verdict())}
}

// shutdowns starts a backend of its own each time, and stops it in the middle of load.
func (b *bench) shutdowns(ctx context.Context, times int) (*shutdownResult, error) {
	b.progress("the backend stops, %d times", times)
	x := &shutdownResult{}
	for range times {
		if err := b.shutdownOnce(ctx, x); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func (b *bench) shutdownOnce(ctx context.Context, x *shutdownResult) error {
	other, err := newBench(b.rate, "", b.start)
	if err != nil {
		return err
	}
	defer other.backend.stop()
	type outcome struct {
		report shutdownReport
		err    error
	}
	stopped := make(chan outcome, 1)
	time.AfterFunc(shutdownAfter, func() {
		report, err := other.backend.shutDown(ctx)
		stopped <- outcome{report, err}
	})
	faults := map[string]string{}
	next := func() vegeta.Target { return other.target(slowPath, kindValid, other.secret) }
	attack(other.client, next, other.rate, sent(count(other.rate, shutdownAfter*3/2)), func(result *vegeta.Result) {
		_, nonce := about(result)
		faults[nonce] = acceptedFault(result, slowAnswerTo(nonce))
	})
	o := <-stopped
	if o.err == nil {
		x.add(o.report, faults)
	}
	return o.err
}
