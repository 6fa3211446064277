package manifest

import "slices"

// shape is what a value can be. What it leaves out is not checked.
type shape struct {
	kind kind
	null bool // can be there in place of the kind
	// emptyArray can be there in place of an object.
	emptyArray bool
	source     string // where this is written; "" means docsManifest

	// Of a string.
	form    *form
	lists   []string            // of stripe.json: it is one of their names
	what    string              // these names are; "" is the first list's name
	guess   func(string) string // which of them is meant by another one, or ""
	unsure  bool                // whether Stripe refuses other strings
	anyCase bool                // apps were uploaded with these names in another case

	// Of an array.
	items *shape

	// Of an object.
	fields []field
	never  []field // that people expect, and that it cannot have
	open   bool    // to other fields: only a slip of the pen is worth a finding
	part   bool    // of an object: what is required can be in another file

	// values are those of the members that no field is for.
	values *shape

	// remark is what there is to say even of a value that fits.
	remark string

	// grows says that Stripe adds to what lists has, and to the fields of an
	// object: what is not there can be newer than stripe.json.
	grows bool

	// choose returns the shape for a value, where that depends on the value. All
	// else is empty then.
	choose func(*node) *shape
}

// field is a member that an object can have.
type field struct {
	name     string
	shape    *shape
	required bool

	// The published schemas are not all there is to say:
	unless  string // it is required, but manifests do without it
	extra   string // it is refused, but manifests have it
	instead string // it is refused, and this is known to help
	unsure  bool   // whether it is refused
	blank   bool   // null, "" and [] in it are as good as nothing: there is no more to say of them
	source  string // of these three; "" means the shape's
}

// form is what a string must look like.
type form struct {
	pattern string            // of stripe.json
	is      func(string) bool // instead of a pattern
	must    string
	mend    func(string) string // to what is meant, if that fits; nil: it is not certain
	taken   bool                // what can be mended was uploaded as it is
}

func (f *form) fits(s string) bool {
	if f.pattern != "" {
		return published().patterns[f.pattern].MatchString(s)
	}
	return f.is(s)
}

// takes reports whether a value can be of kind k.
func (s *shape) takes(k kind) bool { return k == s.kind || k == kindNull && s.null }

// refusesNull reports whether null is none of the values that s can be.
func (s *shape) refusesNull() bool { return s != nil && s.choose == nil && !s.null }

// isBlank reports whether n says as much as a field that is not there.
func (n *node) isBlank() bool {
	return n.kind == kindNull || n.kind == kindString && n.text == "" || n.isEmptyArray()
}

// names returns the fields that an object can have.
func (s *shape) names() []string {
	return s.namesIf(func(f field) bool { return f.instead == "" })
}

// misplaced returns those that it cannot have, and that are known all the same.
func (s *shape) misplaced() []string {
	return s.namesIf(func(f field) bool { return f.instead != "" })
}

func (s *shape) namesIf(is func(field) bool) (names []string) {
	for _, fields := range [][]field{s.fields, s.never} {
		for _, field := range fields {
			if is(field) {
				names = append(names, field.name)
			}
		}
	}
	return names
}

// field returns the field of that name, or nil.
func (s *shape) field(name string) *field {
	for _, fields := range [][]field{s.fields, s.never} {
		if i := slices.IndexFunc(fields, func(f field) bool { return f.name == name }); i >= 0 {
			return &fields[i]
		}
	}
	return nil
}

// asPart returns the shape of one file of a manifest that is made of several.
func (s *shape) asPart() *shape {
	part := *s
	part.part = true
	return &part
}
