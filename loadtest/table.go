package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// row is a line of the table.
type row struct {
	what, figures string
	verdict       verdict
}

type verdict string

const (
	ok      verdict = "ok"
	fail    verdict = "FAIL"     // something was judged wrongly, or nothing was tried
	warn    verdict = "warn"     // a figure is not as hoped; machines are noisy
	leftOut verdict = "left out" // there is nothing to try it with
)

func anyWrong(rows []row) bool {
	for _, r := range rows {
		if r.verdict == fail {
			return true
		}
	}
	return len(rows) == 0
}

func printTable(w io.Writer, rows []row) {
	lines := [][3]string{{"what", "figures", "verdict"}}
	for _, r := range rows {
		lines = append(lines, [3]string{r.what, r.figures, string(r.verdict)})
	}
	var width [3]int
	for _, line := range lines {
		for i, cell := range line {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for i, line := range lines {
		for j, cell := range line {
			fmt.Fprintf(w, "| %s%s ", cell, strings.Repeat(" ", width[j]-utf8.RuneCountInString(cell)))
		}
		fmt.Fprintln(w, "|")
		if i == 0 {
			fmt.Fprintf(w, "|%s|%s|%s|\n", dashes(width[0]), dashes(width[1]), dashes(width[2]))
		}
	}
}

func dashes(width int) string { return strings.Repeat("-", width+2) }

// tally counts what was tried, and what came out of it otherwise than it must.
type tally struct {
	tried, wrong int
	first        string // what was wrong first
}

// add counts one; fault is "" if it is as it must be.
func (t *tally) add(fault string) {
	t.tried++
	if fault == "" {
		return
	}
	if t.wrong == 0 {
		t.first = strings.ReplaceAll(strings.ReplaceAll(fault, "\n", " "), "|", "/")
	}
	t.wrong++
}

// verdict is fail, too, where nothing was tried.
func (t *tally) verdict() verdict {
	if t.tried == 0 || t.wrong > 0 {
		return fail
	}
	return ok
}

// complaint is what is added to the figures.
func (t *tally) complaint() string {
	switch {
	case t.tried == 0:
		return "; NOTHING WAS TRIED"
	case t.wrong > 0:
		return fmt.Sprintf("; %d WRONG, the first: %.160s", t.wrong, t.first)
	}
	return ""
}

// worst is the verdict of several.
func worst(all ...verdict) verdict {
	for _, v := range []verdict{fail, warn} {
		if slices.Contains(all, v) {
			return v
		}
	}
	return ok
}

func inMiB(bytes int64) string { return fmt.Sprintf("%.2f MiB", float64(bytes)/(1<<20)) }
