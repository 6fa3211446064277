// Command mutants breaks the verifying core in one place at a time, runs the tests,
// and prints each break that none of them catches:
//
//	go run ./internal/mutants                 # some hundred one-line mutants of the core
//	go run ./internal/mutants -only payload.go
//	go run ./internal/mutants -breaks         # the verification, broken by hand
//
// No file is changed: go test -overlay reads the mutant in place of the source. The
// exit status is 1 if a mutant survives that testdata/equivalent.txt does not list.
//
// It is not gremlins, the one such tool that is kept up: that turns operators over and
// nothing else, has no list of what is equivalent, and runs the tests of the
// mutant's own package, where the core is tested from the root.
package main

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// target is a part of the module, and the packages whose tests are to catch its
// mutants, the quickest first.
type target struct {
	pattern string // of files
	tests   []string
	core    bool
}

var targets = []target{
	{"signature.go", []string{"."}, true},
	{"payload.go", []string{"."}, true},
	{"identity.go", []string{"."}, true},
	{"errors.go", []string{"."}, true},
	{"verdict.go", []string{".", "./explain"}, true},
	{"middleware.go", []string{"."}, true},
	{"pkce.go", []string{"."}, true},
	{"internal/signed/*.go", []string{"./internal/signed", "."}, true},
	{"internal/body/*.go", []string{"./internal/body", "."}, true},
	{"cors.go", []string{"."}, false},
	{"csp.go", []string{"."}, false},
	{"internal/response/*.go", []string{"./internal/response", "."}, false},
	{"internal/preflight/*.go", []string{"./internal/preflight", "."}, false},
	{"internal/fetch/*.go", []string{"./internal/fetch", "."}, false},
	{"internal/csp/*.go", []string{"./internal/csp", "."}, false},
	{"internal/decode/*.go", []string{"./internal/decode", "."}, false},
	{"replay/*.go", []string{"./replay"}, false},
	{"explain/refusals.go", []string{"./explain"}, false},
}

type options struct {
	breaks, all, list bool
	only              string
	max               int
	seed              uint64
	jobs              int
}

func main() {
	var o options
	flag.BoolVar(&o.breaks, "breaks", false, "run the breaks by hand, not the mutants")
	flag.BoolVar(&o.all, "all", false, "mutants of CORS, CSP and what they use, too")
	flag.BoolVar(&o.list, "list", false, "print the mutants, and run nothing")
	flag.StringVar(&o.only, "only", "", "mutants of files whose path contains this, in or out of the core")
	flag.IntVar(&o.max, "n", 0, "at most so many mutants, chosen by -seed; 0: all")
	flag.Uint64Var(&o.seed, "seed", 1, "the choice of -n")
	flag.IntVar(&o.jobs, "j", runtime.GOMAXPROCS(0), "how many tests run at once")
	flag.Parse()

	unmet, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
	if unmet > 0 {
		os.Exit(1)
	}
}

// run returns how much is to be seen to.
func run(o options) (unmet int, err error) {
	root, err := moduleRoot()
	if err != nil {
		return 0, err
	}
	var mutants []mutant
	listed := equivalents{}
	if o.breaks {
		mutants, err = mutantsByHand(root)
	} else {
		mutants, err = mutantsOfTargets(root, o)
		if err == nil {
			listed, err = readEquivalents(filepath.Join(root, equivalentFile))
		}
	}
	if err != nil {
		return 0, err
	}
	whole := true
	if o.max > 0 && o.max < len(mutants) {
		random := rand.New(rand.NewPCG(o.seed, 0))
		random.Shuffle(len(mutants), func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
		mutants, whole = mutants[:o.max], false
		slices.SortFunc(mutants, mutant.compare)
	}
	if o.list {
		for _, m := range mutants {
			fmt.Println(m)
		}
		return 0, nil
	}
	began := time.Now()
	results, err := tester{root: root, jobs: o.jobs}.test(mutants)
	if err != nil {
		return 0, err
	}
	toSeeTo := faults(mutants, results, listed, whole)
	for _, fault := range toSeeTo {
		fmt.Println(fault)
	}
	fmt.Fprintf(os.Stderr, "%d mutants in %v: %d caught, %d survive, %d are not Go; %d to see to\n", len(mutants),
		time.Since(began).Round(time.Second), count(results, caught), count(results, survived), count(results, invalid), len(toSeeTo))
	return len(toSeeTo), nil
}

// faults says what survives and is not listed, and what is listed and wrong. whole is
// whether the mutants are all those of their files.
func faults(mutants []mutant, results []result, listed equivalents, whole bool) (faults []string) {
	seen, files := map[string]bool{}, map[string]bool{}
	for i, m := range mutants {
		seen[m.key()], files[m.file] = true, true
		switch _, isListed := listed[m.key()]; {
		case results[i] == survived && !isListed:
			faults = append(faults, m.String())
		case results[i] == invalid && m.title != "":
			faults = append(faults, m.title+"\n\tis not Go: mend it in internal/mutants/breaks.go")
		case results[i] != survived && isListed:
			faults = append(faults, m.String()+"\n\tis caught: take it off "+equivalentFile)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(listed)) {
		file, _, _ := strings.Cut(key, " ")
		if whole && files[file] && !seen[key] {
			faults = append(faults, key+"\n\tis no mutant any more: take it off "+equivalentFile)
		}
	}
	return faults
}

// mutantsOfTargets are those of the files that o asks for.
func mutantsOfTargets(root string, o options) (mutants []mutant, err error) {
	for _, t := range targets {
		paths, err := filepath.Glob(filepath.Join(root, t.pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			name, err := filepath.Rel(root, path)
			if err != nil {
				return nil, err
			}
			name = filepath.ToSlash(name)
			if strings.HasSuffix(name, "_test.go") || !strings.Contains(name, o.only) || o.only == "" && !t.core && !o.all {
				continue
			}
			source, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			ofFile, err := mutantsOf(name, source)
			if err != nil {
				return nil, err
			}
			for i := range ofFile {
				ofFile[i].tests = t.tests
			}
			mutants = append(mutants, ofFile...)
		}
	}
	if len(mutants) == 0 {
		return nil, fmt.Errorf("no file's path contains %q", o.only)
	}
	return mutants, nil
}

func moduleRoot() (string, error) {
	output, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("go list -m: %w", err)
	}
	return strings.TrimSpace(string(output)), nil
}
