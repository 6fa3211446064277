package manifest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// checkSchema finds what Stripe's published schemas refuse, except for what is
// an Error of Load already, and for what Check says of URLs and their purpose.
//
// Each file is checked, for what is in it even if another one replaces it, and
// then all of them merged: that has to be complete, and to fit together.
func (m *Manifest) checkSchema() Findings {
	var alone, merged schemaChecker
	if len(m.files) > 1 {
		for _, f := range m.files {
			alone.value(f.root, f.schema().asPart(), "")
		}
	}
	root, first := *m.root, m.files[0]
	root.file, root.line, root.column = first.root.file, first.root.line, first.root.column
	merged.value(&root, first.schema(), "")

	type said struct{ path, text string }
	known := map[said]bool{}
	for _, f := range alone.findings {
		known[said{f.Path, f.Text}] = true
	}
	return append(alone.findings, slices.DeleteFunc(merged.findings, func(f Finding) bool {
		return known[said{f.Path, f.Text}]
	})...)
}

func (f *file) schema() *shape {
	if f.yaml {
		return manifestV2
	}
	return manifestV1
}

// schemaChecker holds values against shapes.
type schemaChecker struct{ findings Findings }

func (c *schemaChecker) add(f Finding) { c.findings = append(c.findings, f) }

func (c *schemaChecker) value(n *node, s *shape, path string) {
	if s != nil && s.choose != nil {
		s = s.choose(n)
	}
	if s != nil && s.remark != "" && s.takes(n.kind) {
		f := s.finding(n, path)
		f.Severity, f.Text = SeverityWarning, s.remark
		c.add(f)
	}
	switch {
	case s == nil, s.emptyArray && n.isEmptyArray():
	case !s.takes(n.kind):
		c.add(s.wrongKind(n, path))
	case n.kind == kindString:
		c.text(n, s, path)
	case n.kind == kindArray:
		for i, item := range n.items {
			c.value(item, s.items, path+"["+strconv.Itoa(i)+"]")
		}
	case n.kind == kindObject:
		c.object(n, s, path)
	}
}

func (c *schemaChecker) text(n *node, s *shape, path string) {
	f := s.finding(n, path)
	if s.unsure {
		f.Severity = SeverityWarning
	}
	if s.form != nil && !s.form.fits(n.text) {
		f.Text = "must " + s.form.must
		if s.form.mend != nil && s.form.fits(s.form.mend(n.text)) {
			f.Fix = s.form.mend(n.text)
			if s.form.taken {
				f.Severity = SeverityWarning
			}
		}
		c.add(f)
		return
	}
	if refused, is := published().refused(s.lists, n.text); is {
		f.Severity, f.Text, f.Fix, f.Source = SeverityError, refused.Text, refused.Fix, refused.Source
		c.add(f)
	} else if known := published().names(s.lists); s.lists != nil && !slices.Contains(known, n.text) {
		c.add(s.unknown(f, n.text, known))
	}
}

func (c *schemaChecker) object(n *node, s *shape, path string) {
	for _, field := range s.fields {
		if field.required && !s.part && n.get(field.name) == nil {
			f := s.finding(n, below(path, field.name))
			f.Text = "is missing"
			if field.unless != "" {
				f.Severity, f.Text, f.Source = SeverityWarning, "is missing: "+field.unless, field.source
			}
			c.add(f)
		}
	}
	for _, m := range n.members {
		f := s.finding(n, below(path, m.name))
		f.File, f.Line, f.Column = m.value.file, m.line, m.column
		if field := s.field(m.name); field == nil {
			c.otherField(f, s, m.name)
			c.value(m.value, s.values, f.Path)
		} else {
			c.knownField(f, field, m.value)
		}
	}
}

// knownField checks a field's value, and completes f, about a field that is
// refused all the same.
func (c *schemaChecker) knownField(f Finding, field *field, value *node) {
	if field.blank && value.isBlank() {
		return
	}
	if value.kind == kindNull && (!field.required || field.unless != "") && field.shape.refusesNull() {
		c.add(field.shape.isNull(value, f.Path))
	} else {
		c.value(value, field.shape, f.Path)
	}
	if field.source != "" {
		f.Source = field.source
	}
	switch {
	case field.instead != "":
		c.misplaced(f, field)
	case field.extra != "":
		f.Severity, f.Text = SeverityWarning, field.extra
		c.add(f)
	}
}

// misplaced completes f, about a field that does not belong where it is.
func (c *schemaChecker) misplaced(f Finding, field *field) {
	f.Text = field.instead
	if field.unsure {
		f.Severity = SeverityWarning
	}
	c.add(f)
}

// otherField completes f, about a field that s does not have.
func (c *schemaChecker) otherField(f Finding, s *shape, name string) {
	if s.fields == nil {
		return
	}
	if near, _ := nearest(name, s.misplaced()); near != "" {
		c.misplaced(f, s.field(near))
		return
	}
	known := append(s.names(), published().names(s.lists)...)
	if slices.Contains(known, name) {
		return
	}
	if s.open {
		if near, _ := nearest(name, known); near == "" {
			return
		}
		f.Severity = SeverityWarning
	}
	c.add(s.unknown(f, name, known))
}

// unknown completes f, about a string that is not one of those that are known.
func (s *shape) unknown(f Finding, text string, known []string) Finding {
	near, certain := s.nearest(text, known)
	listed := false // whether the text says all that is known
	switch month := published().asOf(s.lists).Format("January 2006"); {
	case s.grows && s.lists == nil && near == "":
		f.Severity = SeverityWarning
		f.Text = "is not a field that is known here: Stripe may have added it since " + month
	case s.grows && s.lists != nil:
		f.Severity = SeverityWarning
		f.Text = "is not one of the " + cmp.Or(s.what, s.lists[0]) + " in Stripe's schema and documents of " + month
		if len(known) < few {
			f.Text += " (" + strings.Join(known, ", ") + ")"
		}
		f.Text += ", and can be newer"
	case s.lists != nil && len(known) == 1:
		f.Text = "must be " + known[0]
		near, certain = known[0], true
	case s.lists != nil:
		f.Text = "must be one of " + strings.Join(known, ", ")
		listed = len(known) <= few
	case len(known) <= few && !s.open && !s.grows:
		f.Text = "is not a field of this object, which has only " + strings.Join(known, ", ")
		listed = true
	default:
		f.Text = "is not a field that is known here"
	}
	switch {
	case certain:
		f.Fix = near
		if s.anyCase && strings.EqualFold(near, text) {
			f.Severity = SeverityWarning
		}
	case near != "" && !listed:
		f.Text += ": did you mean " + near + "?"
	}
	return f
}

// few is how many names a text has room for.
const few = 6

// nearest returns the one of known that is meant, and whether that is certain.
func (s *shape) nearest(text string, known []string) (name string, certain bool) {
	name, certain = nearest(text, known)
	if name == "" {
		name = published().meant(s.lists, text)
	}
	if name == "" && s.guess != nil {
		name = s.guess(text)
	}
	return name, certain
}

func (s *shape) wrongKind(n *node, path string) Finding {
	must := s.kind.String()
	if s.null {
		must += " or " + kindNull.String()
	}
	f := s.finding(n, path)
	f.Text = "must be " + must + ", and is " + n.kind.String()
	switch {
	case s.kind == kindString && (n.kind == kindNumber || n.kind == kindBool):
		f.Text += ": put it in quotes"
		f.Fix = short(n.text)
	case s.kind == kindBool && n.kind == kindString && (n.text == "true" || n.text == "false"):
		f.Text += ": take away the quotes"
	}
	return f
}

// isNull is about null where a field could be left out. The CLI writes null for
// what a manifest does not have, but for other fields.
func (s *shape) isNull(n *node, path string) Finding {
	f := s.finding(n, path)
	f.Severity = SeverityWarning
	f.Text = "is null, which Stripe's published schema refuses here: leave the field out"
	return f
}

func (s *shape) finding(n *node, path string) Finding {
	source := s.source
	if source == "" {
		source = docsManifest
	}
	f := n.finding(SeverityError, "", "", source)
	f.Path = path
	return f
}

// below returns the path of a member.
func below(path, name string) string {
	switch {
	case name == "" || strings.Trim(name, nameChars) != "":
		return path + "[" + strconv.Quote(short(name)) + "]"
	case path == "":
		return short(name)
	}
	return path + "." + short(name)
}

const nameChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$-"
