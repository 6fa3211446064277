package csp

import (
	"fmt"
	"slices"
	"strings"
)

// Value is a directive's name and the words of its value.
type Value struct {
	Name    string
	Sources []string
}

// CheckPolicy says what is wrong with the policy in a field of a configuration,
// where nil means ifNil. The texts show it: it is the developer's own.
func CheckPolicy(field string, p []Value, hasReportURL bool, ifNil string) (errs []error) {
	if p != nil && len(p) == 0 {
		return []error{fmt.Errorf("stripeapps: %s is empty but not nil, and empty does not mean off: "+
			"leave it nil for %s", field, ifNil)}
	}
	for i, d := range p {
		add := func(format string, values ...any) {
			errs = append(errs, fmt.Errorf("stripeapps: %s[%d]: %s", field, i, fmt.Sprintf(format, values...)))
		}
		takes, known := Lookup(d.Name)
		if lower := strings.ToLower(d.Name); !known {
			if _, known := Lookup(lower); known {
				add("%q is not in lower case: write %q", d.Name, lower)
			} else {
				add("%q is not a directive of CSP Level 3", d.Name)
			}
			continue
		}
		first := slices.IndexFunc(p, func(other Value) bool { return other.Name == d.Name })
		if first < i {
			add("%s is in %s[%d] already, and browsers ignore it here: put all sources into one", d.Name, field, first)
		}
		if hasReportURL && (d.Name == "report-to" || d.Name == "report-uri") {
			add("%s is what ReportURL adds: remove one of them", d.Name)
		}
		d.checkValue(takes, add)
		if i := slices.IndexFunc(d.Sources, isData); i >= 0 && d.allowsCode(p) {
			add("%s: %q %s", d.Name, d.Sources[i], takes.Describe(DataURL, d.Sources[i]))
		}
	}
	return errs
}

// allowsCode reports whether what d allows runs in the page, as it is in p: by itself,
// or in place of what p does not have.
//
// https://www.w3.org/TR/CSP3/#directive-fallback-list
func (d Value) allowsCode(p []Value) bool {
	has := func(name string) bool {
		return slices.ContainsFunc(p, func(other Value) bool { return other.Name == name })
	}
	switch d.Name {
	case "script-src", "script-src-elem", "script-src-attr", "object-src", "base-uri":
		return true
	}
	return d.Name == "default-src" && !(has("script-src") && has("object-src"))
}

func isData(word string) bool { return strings.EqualFold(word, "data:") }

// checkValue says what is wrong with the value of a directive.
func (d Value) checkValue(takes Directive, add func(format string, values ...any)) {
	switch {
	case len(d.Sources) < takes.Min:
		add("%s has no value: name %s", d.Name, takes.Takes())
	case takes.Max == 0 && len(d.Sources) > 0:
		add("%s takes no value: remove it", d.Name)
	case len(d.Sources) > takes.Max:
		add("%s takes one value only: %s", d.Name, takes.Takes())
	}
	if len(d.Sources) > 1 && slices.Contains(d.Sources, "'none'") {
		add("%s has 'none' beside other sources, where browsers ignore it: remove it or them", d.Name)
	}
	takesScripts := d.Name == "default-src" || strings.HasPrefix(d.Name, "script-src")
	if takesScripts && slices.Contains(d.Sources, "'strict-dynamic'") && !slices.ContainsFunc(d.Sources, isNonceOrHash) {
		add("%s has 'strict-dynamic' without a nonce or a hash, so that no script can run: add CSPNonce", d.Name)
	}
	for _, word := range d.Sources {
		if fault := takes.Check(word); fault != OK {
			add("%s: %q %s", d.Name, word, takes.Describe(fault, word))
		}
	}
}

func isNonceOrHash(word string) bool {
	kind := Parse(word).Kind
	return kind == Nonce || kind == Hash
}
