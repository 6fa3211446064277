// Package manifest tells whether a Stripe App's manifest lets its extension reach
// a URL, so that a backend's unit test finds out before the Dashboard blocks a
// request or refuses an upload:
//
//	m, err := manifest.Load("../app/stripe-app.json")
//	require.NoError(t, err)
//	require.NoError(t, m.RoutesCovered("https://api.example.com", "POST /api/refunds", "GET /api/refunds/{id}"))
//	require.NoError(t, m.Check().Err())
//
// The manifest decides what the extension may call (connect-src, and a script's
// endpoints), which images it may show (image-src), and where an install may return
// (allowed_redirect_uris). [Manifest.Check] lists what in it Stripe would refuse,
// or what does something else than its author means.
//
// Matching is that of Content Security Policy Level 3, and tested against
// Chromium. Stripe's servers are not asked: what they decide when an app is
// uploaded can differ. Where Stripe's documents disagree or are silent, a
// verdict carries a warning that says so, with its source.
//
// https://docs.stripe.com/stripe-apps/reference/app-manifest
package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/csp"
)

// Manifest is a Stripe App's manifest, made by Load. It is immutable, and safe for
// concurrent use.
type Manifest struct {
	root  *node   // of all files
	files []*file // the one that was loaded, and those that it extends

	connect, image, redirects []entry
	replaced                  []entry // in what is extended: what is uploaded has them
	endpoints                 []endpoint
}

// file is one of the files that make up a manifest.
type file struct {
	name string
	root *node
	yaml bool // manifest v2
}

// entry is one URL of a list.
type entry struct {
	*node
	path     string     // of the item
	source   csp.Source // of connect-src and image-src
	findings Findings
}

// The members that decide about URLs.
const (
	pathUI        = "ui_extension"
	pathPolicy    = pathUI + ".content_security_policy"
	pathPurpose   = pathPolicy + ".purpose"
	pathConnect   = pathPolicy + ".connect-src"
	pathImage     = pathPolicy + ".image-src"
	pathRedirects = "allowed_redirect_uris"
	// Of manifest v2.
	pathDeclarations = "declarations"
	pathRedirectsV2  = pathDeclarations + "." + pathRedirects
)

// mustBe says what they must be, in the order in which they are looked at. Each
// can be null: whether Stripe takes that is Check's to say, and it decides about
// no URL.
var mustBe = []struct {
	path string
	kind kind
}{
	{pathUI, kindObject},
	{pathPolicy, kindObject},
	{pathConnect, kindArray},
	{pathImage, kindArray},
	{pathRedirects, kindArray},
	{pathDeclarations, kindObject},
	{pathRedirectsV2, kindArray},
}

// read takes from the tree what decides about URLs.
func (m *Manifest) read() error {
	for _, member := range mustBe {
		if err := checkKind(m.root, member.path, member.kind); err != nil {
			return err
		}
	}
	m.connect = sources(m.root, pathConnect)
	m.image = sources(m.root, pathImage)
	m.redirects = append(redirects(m.root, pathRedirects), redirects(m.root, pathRedirectsV2)...)
	m.endpoints = endpointsOf(m.root)
	for _, f := range m.files[1:] {
		for _, path := range []string{pathConnect, pathImage, pathRedirects} {
			if err := checkKind(f.root, path, kindArray); err != nil {
				return err
			}
		}
		m.replaced = append(m.replaced, unlessUsed(sources(f.root, pathConnect), m.connect)...)
		m.replaced = append(m.replaced, unlessUsed(sources(f.root, pathImage), m.image)...)
		m.replaced = append(m.replaced, unlessUsed(redirects(f.root, pathRedirects), m.redirects)...)
	}
	return nil
}

// checkKind reports a member that is there but not of kind k, and what is not a
// string in a list.
func checkKind(root *node, path string, k kind) error {
	n := root.at(path)
	if n == nil || n.kind == kindNull || path == pathUI && n.isEmptyArray() {
		return nil
	}
	if n.kind != k {
		return n.errorf("%s must be %v, and is %v", path, k, n.kind)
	}
	for i, item := range n.items {
		if item.kind != kindString {
			return item.errorf("%s must be %v, and is %v", pathOf(path, i), kindString, item.kind)
		}
	}
	return nil
}

// sources returns the entries of connect-src or image-src.
func sources(root *node, path string) (entries []entry) {
	directive := path[strings.LastIndexByte(path, '.')+1:]
	for i, item := range root.itemsAt(path) {
		e := entry{node: item, path: pathOf(path, i), source: csp.Parse(item.text)}
		e.findings = checkSource(e, directive).at(e.path)
		entries = append(entries, e)
	}
	for i, e := range entries {
		if slices.ContainsFunc(entries, e.isBeside) {
			entries[i].findings = slices.DeleteFunc(e.findings, func(f Finding) bool { return f.Text == noSlash })
		}
	}
	return entries
}

// isBeside reports whether other is e with a slash at its end, by http or https.
func (e entry) isBeside(other entry) bool {
	return cutURL(other.text, "").upgraded() == cutURL(e.text, "").upgraded()+"/"
}

// redirects returns those of allowed_redirect_uris.
func redirects(root *node, path string) (entries []entry) {
	for i, item := range root.itemsAt(path) {
		e := entry{node: item, path: pathOf(path, i)}
		e.findings = checkRedirect(item).at(e.path)
		entries = append(entries, e)
	}
	return entries
}

func pathOf(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

// unlessUsed returns the entries of a list if it is not the one that is used.
func unlessUsed(entries, used []entry) []entry {
	if len(entries) > 0 && len(used) > 0 && entries[0].node == used[0].node {
		return nil
	}
	return entries
}
