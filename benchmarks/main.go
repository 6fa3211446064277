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
	"time"
)

func main() {
	short := flag.Bool("short", false, "take some 15 seconds: enough to see that it works, not to publish figures")
	name := flag.String("serve", "", "be the server of this name; for the program's own use")
	hash := flag.Bool("hash", false, "print VerifyPayload relative to one SHA-256, at 1 KiB; for the program's own use")
	flag.Parse()
	var err error
	switch {
	case flag.NArg() > 0:
		err = fmt.Errorf("what is %q? It takes no arguments", flag.Arg(0))
	case *name != "":
		err = serve(*name)
	case *hash:
		err = printOfHash(*short, os.Stdout)
	default:
		err = run(*short, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

// run measures all, and then writes the page. Whatever ends the program, its servers end
// with it.
func run(short bool, w io.Writer) error {
	p := paceOf(short)
	ctx, stop := context.WithCancel(context.Background())
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

// measured is all that is measured, by size or workload.
type measured struct {
	verifiers, stacks, http []results
	preflights              results
	longHeader              longHeaderFigures
	ofSlowHash              float64 // see measureSlowHash
	workloads               []workload
}

func measure(ctx context.Context, p pace, servers []server) (m measured, err error) {
	for _, size := range verifierSizes {
		all, err := measureVerifiers(p, verifiers(), size)
		if err != nil {
			return m, err
		}
		m.verifiers = append(m.verifiers, all)
	}
	if m.ofSlowHash, err = measureSlowHash(ctx, p); err != nil {
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
	for _, size := range stackSizes {
		all, err := measureStacks(p, stacks(), size)
		if err != nil {
			return m, err
		}
		m.stacks = append(m.stacks, all)
	}
	m.workloads = workloads()
	for _, w := range m.workloads {
		all, err := measureHTTP(ctx, p, servers, w)
		if err != nil {
			return m, err
		}
		m.http = append(m.http, all)
	}
	return m, nil
}

var began = time.Now()

// say tells how far the program is.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%4ds %s\n", int(time.Since(began).Seconds()), fmt.Sprintf(format, args...))
}
