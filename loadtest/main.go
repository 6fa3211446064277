// Loadtest puts a backend under load and faults, and says what came of it: what the
// chain costs, and whether one request is judged wrongly while a secret is rolled, while
// others attack, when a signature is sent twice at once, and when the server stops.
//
//	cd loadtest && go run .
//
// It talks to itself over the loopback interface only. The backend is a process of its
// own, so that its heap and goroutines are not those of the load. The table goes to
// standard output, what is going on to standard error. The exit code is 1 if something
// is wrong, and 2 if there was nothing to tell. docs/load.md says how to read the table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"
)

func main() {
	if config, isBackend := os.LookupEnv(backendEnv); isBackend {
		os.Exit(serveUntilAlone(config, os.Stdin, os.Stdout, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

const (
	exitWrong = 1
	exitSetup = 2

	shortDuration = 20 * time.Second
	maxDuration   = time.Hour
	maxRate       = 20_000
)

type options struct {
	rate     int
	duration time.Duration
	redis    string
	page     string
}

func readOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	var short bool
	flags := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rate, "rate", 500, "valid `requests` a second")
	flags.DurationVar(&o.duration, "duration", time.Minute, "how long the load lasts in all")
	flags.BoolVar(&short, "short", false, "take about 20 s, as in CI")
	flags.StringVar(&o.redis, "redis", "", "the `address` of a Redis or Valkey on this machine, instead of one that is started")
	flags.StringVar(&o.page, "page", "", "a `file` of Markdown, docs/load.md, whose first table is replaced by that of this run")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if short {
		o.duration = shortDuration
	}
	return o, errors.Join(o.check(), noArguments(flags.Args()))
}

func (o options) check() error {
	var errs []error
	if o.rate < 100 || o.rate > maxRate {
		errs = append(errs, fmt.Errorf("-rate is %d: it must be from 100 to %d", o.rate, maxRate))
	}
	if o.duration < 10*time.Second || o.duration > maxDuration {
		errs = append(errs, fmt.Errorf("-duration is %v: it must be from 10s to %v", o.duration, maxDuration))
	}
	if o.redis != "" && !isLoopback(o.redis) {
		errs = append(errs, fmt.Errorf("-redis is %q: it must be a host and port on the loopback interface, like 127.0.0.1:6379", o.redis))
	}
	if o.page != "" {
		_, err := replaceTable(o.page, "")
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func noArguments(args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	return nil
}

func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

// run returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := readOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "loadtest:", err)
		return exitSetup
	}
	// It cannot hang: a part that does not end is ended by this.
	ctx, cancel := context.WithTimeout(ctx, 2*o.duration+30*time.Second)
	defer cancel()
	var rows []row
	done := make(chan error, 1)
	var all processes
	defer all.stop()
	go func() {
		var err error
		rows, err = measure(ctx, o, &all, stderr)
		done <- err
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = fmt.Errorf("it did not come to its end: %w", context.Cause(ctx))
	}
	if err != nil {
		fmt.Fprintln(stderr, "loadtest:", err)
		return exitSetup
	}
	return conclude(stdout, stderr, o, rows)
}

// conclude prints the table, and returns the exit code.
func conclude(stdout, stderr io.Writer, o options, rows []row) int {
	var report strings.Builder
	fmt.Fprintf(&report, "%s %s/%s, %d processors, %v in all, of which each row has its slices, with %d valid requests a second:\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), o.duration, o.rate)
	printTable(&report, rows)
	fmt.Fprint(stdout, report.String())
	if anyWrong(rows) {
		return exitWrong
	}
	if o.page != "" {
		page, err := replaceTable(o.page, report.String())
		if err == nil {
			err = os.WriteFile(o.page, []byte(page), 0o644)
		}
		if err != nil {
			fmt.Fprintln(stderr, "loadtest:", err)
			return exitSetup
		}
	}
	return 0
}

// reported is what conclude prints, in a page.
var reported = regexp.MustCompile(`(?m)^go\S+ \S+/\S+, .*:\n\n(?:\|.*\n)+`)

// replaceTable returns the text of a page with another report.
func replaceTable(file, report string) (string, error) {
	page, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	at := reported.FindIndex(page)
	if at == nil {
		return "", fmt.Errorf("%s has no table of an earlier run", file)
	}
	return string(page[:at[0]]) + report + string(page[at[1]:]), nil
}

// measure starts what is needed and runs all parts.
func measure(ctx context.Context, o options, all *processes, progress io.Writer) ([]row, error) {
	redis, why, err := findRedis(o.redis, all)
	if err != nil {
		return nil, err
	}
	start := func(config backendConfig) (*remote, error) { return startChild(ctx, config, all) }
	b, err := newBench(o.rate, redis, start)
	if err != nil {
		return nil, err
	}
	b.noRedis = why
	began := time.Now()
	b.progress = func(format string, args ...any) {
		fmt.Fprintf(progress, "%3ds %s\n", int(time.Since(began).Seconds()), fmt.Sprintf(format, args...))
	}
	return b.all(ctx, planFor(o.duration))
}
