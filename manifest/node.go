package manifest

import (
	"fmt"
	"slices"
	"strings"
)

// kind is what JSON calls a type.
type kind int

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

func (k kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// node is a value in a manifest, with its place: a finding has to say where.
type node struct {
	kind         kind
	file         string
	line, column int      // from 1; columns count characters
	text         string   // of a string; of a number or boolean, as it is written
	members      []member // of an object, in their order
	items        []*node  // of an array
}

type member struct {
	name         string
	line, column int // of the name
	value        *node
}

// get returns the member's value, or nil if n is no object or has none.
func (n *node) get(path ...string) *node {
	for _, name := range path {
		if n = n.member(name); n == nil {
			return nil
		}
	}
	return n
}

// at is get for a path with dots.
func (n *node) at(path string) *node { return n.get(strings.Split(path, ".")...) }

// itemsAt returns those of a list, if it is there.
func (n *node) itemsAt(path string) []*node {
	if n = n.at(path); n == nil {
		return nil
	}
	return n.items
}

func (n *node) member(name string) *node {
	if n == nil {
		return nil
	}
	for _, m := range n.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// isEmptyArray: Stripe's documents write an app without a user interface as
// ui_extension: [].
//
// https://docs.stripe.com/stripe-apps/publish-app
func (n *node) isEmptyArray() bool { return n.kind == kindArray && len(n.items) == 0 }

// errorf returns an Error at n.
func (n *node) errorf(format string, args ...any) *Error {
	return &Error{n.file, n.line, n.column, fmt.Sprintf(format, args...), nil}
}

// merge returns base with what local has instead: objects are merged member by
// member, anything else is replaced, arrays too. That is what the sample in
// Stripe's documentation shows; it does not say more.
//
// https://docs.stripe.com/stripe-apps/reference/app-manifest#extended-manifest
func merge(base, local *node) *node {
	if base == nil || base.kind != kindObject || local.kind != kindObject {
		return local
	}
	merged := *local
	merged.members = slices.Clone(base.members)
	place := make(map[string]int, len(base.members))
	for i, m := range base.members {
		place[m.name] = i
	}
	for _, m := range local.members {
		if i, has := place[m.name]; has {
			m.value = merge(merged.members[i].value, m.value)
			merged.members[i] = m
		} else {
			merged.members = append(merged.members, m)
		}
	}
	return &merged
}

// What a file may hold. A manifest needs a hundredth of it.
const (
	maxFileBytes = 1 << 20
	maxDepth     = 100
	maxNodes     = 100_000 // in YAML, a value counts each time that an alias stands for it

	tooLarge = "a manifest is not so large: more than %d values, or nested deeper than %d"
)
