// Command benchmarks measures the library and its peers side by side, and prints
// docs/speed.md. Each contender has first to show that it accepts what is signed, and
// refuses what was tampered with.
//
//	go run . >../docs/speed.md
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	short := flag.Bool("short", false, "take some 15 seconds: enough to see that it works, not to publish figures")
	name := flag.String("serve", "", "be the server of this name; for the program's own use")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch {
	case flag.NArg() > 0:
		err = fmt.Errorf("what is %q? It takes no arguments", flag.Arg(0))
	case *name != "":
		err = serve(*name)
	default:
		err = run(ctx, *short, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

// run measures all, and then writes the page.
func run(ctx context.Context, short bool, w io.Writer) error {
	p := full
	if short {
		p = inShort
	}
	ctx, stop := context.WithCancel(ctx)
	servers, err := startServers(ctx)
	defer func() {
		stop()
		for _, s := range servers {
			if s.process != nil {
				s.process.Wait()
			}
		}
	}()
	if err != nil {
		return err
	}
	m, err := measure(ctx, p, servers)
	if err != nil {
		return err
	}
	text, err := page(short, p, servers, m)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

// measured is all that is measured.
type measured struct {
	verifiers  verifierFigures
	longHeader longHeaderFigures
	preflights peerFigures
	sizes      []int
	stacks     []peerFigures // by size
	http       httpFigures
}

func measure(ctx context.Context, p pace, servers []server) (m measured, err error) {
	if m.verifiers, err = measureVerifiers(p, verifiers()); err != nil {
		return m, err
	}
	if m.longHeader, err = measureLongHeader(p); err != nil {
		return m, err
	}
	peers, err := corsPeers()
	if err != nil {
		return m, err
	}
	if m.preflights, err = measurePreflights(p, peers); err != nil {
		return m, err
	}
	m.sizes = []int{256, 1 << 10, 64 << 10}
	for _, size := range m.sizes {
		f, err := measureStacks(p, stacks(), size)
		if err != nil {
			return m, err
		}
		m.stacks = append(m.stacks, f)
	}
	m.http, err = measureHTTP(ctx, p, servers, workloads())
	return m, err
}

var began = time.Now()

// say tells how far the program is.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%4ds %s\n", int(time.Since(began).Seconds()), fmt.Sprintf(format, args...))
}
