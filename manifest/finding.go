package manifest

import (
	"errors"
	"fmt"
	"strings"
)

// Severity says how certain a finding is.
type Severity string

const (
	// SeverityError: Stripe refuses it, or it cannot do what it is there for.
	SeverityError Severity = "error"
	// SeverityWarning: it probably does not do what its author means, or
	// Stripe's documents disagree or are silent.
	SeverityWarning Severity = "warning"
)

// Finding is something that is wrong in a manifest.
type Finding struct {
	Severity     Severity
	File         string // "" and 0 for what is not in a file
	Line, Column int    // from 1
	Path         string // of the member, like "ui_extension.content_security_policy.connect-src[0]"
	Text         string // what is wrong
	Fix          string // the corrected value, if there is one
	Source       string // where the rule is written, if it is
}

// String returns "file:line:column: error: path: text: write … (source)".
func (f Finding) String() string {
	text := string(f.Severity) + ": "
	if f.File != "" {
		text = fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, text)
	}
	if f.Path != "" {
		text += f.Path + ": "
	}
	text += f.Text
	if f.Fix != "" {
		text += fmt.Sprintf(": write %q", f.Fix)
	}
	if f.Source != "" {
		text += " (" + f.Source + ")"
	}
	return text
}

// Error returns String, so that errors.As finds a Finding in what Err returns.
func (f Finding) Error() string { return f.String() }

// Findings are in the order of the file, a local manifest's before those of what
// it extends.
type Findings []Finding

// Err returns those of SeverityError as one error, or nil if there are only
// warnings or none.
func (f Findings) Err() error {
	var errs []error
	for _, finding := range f {
		if finding.Severity == SeverityError {
			errs = append(errs, finding)
		}
	}
	return errors.Join(errs...)
}

// String returns a line for each finding.
func (f Findings) String() string {
	lines := make([]string, len(f))
	for i, finding := range f {
		lines[i] = finding.String()
	}
	return strings.Join(lines, "\n")
}

// at says that f are on the value at path.
func (f Findings) at(path string) Findings {
	for i := range f {
		f[i].Path = path
	}
	return f
}

// finding returns one at n.
func (n *node) finding(severity Severity, text, fix, source string) Finding {
	return Finding{Severity: severity, File: n.file, Line: n.line, Column: n.column, Text: text, Fix: fix, Source: source}
}
