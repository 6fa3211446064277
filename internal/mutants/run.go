package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

type result uint8

const (
	survived result = iota
	caught
	invalid // it does not compile
)

func count(results []result, what result) (n int) {
	for _, r := range results {
		if r == what {
			n++
		}
	}
	return n
}

// tester runs the tests with mutants.
type tester struct {
	root string
	jobs int
}

// test returns what becomes of each mutant.
func (t tester) test(mutants []mutant) ([]result, error) {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := t.testUnchanged(filepath.Join(dir, "0"), mutants); err != nil {
		return nil, err
	}
	results := make([]result, len(mutants))
	var next, done, alive atomic.Int64
	finished := make(chan struct{})
	go func() {
		for {
			select {
			case <-finished:
				return
			case <-time.After(10 * time.Second):
				fmt.Fprintf(os.Stderr, "%d of %d done, %d alive\n", done.Load(), len(mutants), alive.Load())
			}
		}
	}()
	var workers sync.WaitGroup
	for job := range max(t.jobs, 1) {
		workers.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(mutants); i = next.Add(1) - 1 {
				var output []byte
				results[i], output = t.run(filepath.Join(dir, strconv.Itoa(job)), mutants[i])
				if results[i] == invalid && mutants[i].title != "" {
					fmt.Fprintf(os.Stderr, "%s\n", output)
				}
				done.Add(1)
				if results[i] == survived {
					alive.Add(1)
				}
			}
		})
	}
	workers.Wait()
	close(finished)
	return results, nil
}

// testUnchanged is an error if the tests fail without a mutant.
func (t tester) testUnchanged(dir string, mutants []mutant) error {
	var unchanged mutant
	for _, m := range mutants {
		for _, tests := range m.tests {
			if !slices.Contains(unchanged.tests, tests) {
				unchanged.tests = append(unchanged.tests, tests)
			}
		}
	}
	if result, output := t.run(dir, unchanged); result != survived {
		return fmt.Errorf("the tests fail as it is:\n%s", output)
	}
	return nil
}

// run tests one mutant. A mutant that has no end, or takes all memory, is stopped,
// which is caught too.
func (t tester) run(dir string, m mutant) (result, []byte) {
	overlay, err := t.writeOverlay(dir, m)
	if err != nil {
		panic(err) // the temporary folder is gone
	}
	for _, tests := range m.tests {
		command := exec.Command("go", "test", "-count=1", "-failfast", "-vet=off", "-p=1", "-timeout=20s",
			"-ldflags=-s -w", "-overlay="+overlay, "-exec="+`sh -c 'ulimit -v 6000000 2>/dev/null; exec "$0" "$@"'`, tests)
		command.Dir = t.root
		output, err := command.CombinedOutput()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			panic(err) // there is no go
		}
		switch {
		case bytes.Contains(output, []byte("[build failed]")), bytes.Contains(output, []byte("[setup failed]")):
			return invalid, output
		case err != nil:
			return caught, output
		}
	}
	return survived, nil
}

// writeOverlay writes the mutant's files, and what go reads as -overlay.
func (t tester) writeOverlay(dir string, m mutant) (path string, err error) {
	replace := map[string]string{}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	for name, content := range m.files {
		source := filepath.Join(t.root, filepath.FromSlash(name))
		replace[source] = filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(replace[source], content, 0o600); err != nil {
			return "", err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, overlay, 0o600)
}
