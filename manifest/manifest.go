// Package manifest tells whether a Stripe App's manifest lets its extension reach
// a URL, so that a backend's unit test finds out before the Dashboard blocks a
// request or refuses an upload:
//
//	m, err := manifest.Load("../app/stripe-app.json")
//	require.NoError(t, err)
//	require.NoError(t, m.RoutesCovered("https://api.example.com", "POST /api/refunds", "GET /api/refunds/{id}"))
//	require.NoError(t, m.Check().Err())
//
// The manifest decides what the extension may call (connect-src), which images
// it may show (image-src), and where an install may return
// (allowed_redirect_uris). [Manifest.Check] lists what in it Stripe would refuse,
// or what does something else than its author means.
//
// Matching is that of Content Security Policy Level 3, and tested against
// Chromium. Stripe's servers are not asked: what they decide when an app is
// uploaded can differ. Where Stripe's documents disagree or are silent, an
// answer carries a warning that says so, with its source.
//
// https://docs.stripe.com/stripe-apps/reference/app-manifest
package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
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
}

// file is one of the files that make up a manifest.
type file struct {
	name  string
	root  *node
	yaml  bool // manifest v2
	local bool // it extends another one
}

// entry is one URL of a list.
type entry struct {
	*node
	path     string     // of the member
	source   csp.Source // of connect-src and image-src
	findings Findings
}

// Error says why a manifest cannot be read, and where. The cause, if there is one,
// is in its chain: fs.ErrNotExist for a file that is not there.
type Error struct {
	File         string // as it was given to Load, or found by extends
	Line, Column int    // from 1; 0 if the file could not be read at all
	Text         string // what is wrong, and what to change
	cause        error
}

// Error returns "file:line:column: text".
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text)
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Load reads the manifest in the named file: stripe-app.json, a local manifest
// (stripe-app.dev.json) together with what it extends, or stripe-app.yaml. In a
// test, the path is relative to the package's folder.
//
// A local manifest has its own values instead of those that it extends, member by
// member; a list, like connect-src, is replaced as a whole.
//
// A file of more than 1 MiB, one that is not JSON or YAML, a member that is there
// twice, a member of the wrong type among those that decide about URLs, and
// extends that leads nowhere or in a circle, are one *Error. Anything else that is
// wrong is left to Check.
func Load(name string) (*Manifest, error) {
	return load(name, filepath.Join, filepath.Dir, openRegular)
}

// LoadFS is Load for a file system. The name has no ./, ../ or / in front, and a
// local manifest cannot extend a file above the root of fsys. An embed directive
// cannot reach a folder above the package's: use Load for that.
func LoadFS(fsys fs.FS, name string) (*Manifest, error) {
	return load(name, path.Join, path.Dir, fsys.Open)
}

// openRegular does not open a pipe or device, which could wait or go on for ever.
func openRegular(name string) (fs.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() { // reading a folder says that it is one
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("is not a regular file")}
	}
	return os.Open(name)
}

// extendsPattern is that of Stripe's schema for a local manifest, with the dots
// that it means.
var extendsPattern = regexp.MustCompile(`^(\./)?(\.\./)*([a-zA-Z0-9_-]+/)*stripe-app(\.[a-zA-Z0-9_-]+)?\.json$`)

// maxFiles is how many files one manifest can be made of.
const maxFiles = 8

func load(name string, join func(...string) string, dir func(string) string, open func(string) (fs.File, error)) (*Manifest, error) {
	m := new(Manifest)
	seen := map[string]bool{}
	for {
		seen[join(name)] = true
		f, err := readFile(name, open)
		if err != nil {
			if len(m.files) > 0 { // who extends it is where to look
				extends := m.files[len(m.files)-1].root.get("extends")
				if e := (*Error)(nil); errors.As(err, &e) && e.Line == 0 {
					return nil, &Error{extends.file, extends.line, extends.column, "extends: " + e.Error(), e.cause}
				}
			}
			return nil, err
		}
		m.files = append(m.files, f)
		m.root = merge(f.root, m.orEmpty())
		extends := f.root.get("extends")
		if extends == nil {
			break
		}
		f.local = true
		switch {
		case f.yaml:
			return nil, extends.errorf("stripe-app.yaml has no extends: it is for JSON manifests")
		case extends.kind != kindString:
			return nil, extends.errorf("extends must be a string, and is %v: write the path of the manifest to extend, like %q", extends.kind, "stripe-app.json")
		case !extendsPattern.MatchString(extends.text):
			return nil, extends.errorf("extends must be a relative path to stripe-app.json or stripe-app.….json, like %q", "stripe-app.json")
		}
		name = join(dir(name), extends.text)
		if seen[name] {
			return nil, extends.errorf("extends goes in a circle: %s is extended already", short(name))
		}
		if len(m.files) == maxFiles {
			return nil, extends.errorf("extends leads through more than %d files", maxFiles)
		}
	}
	if err := m.read(); err != nil {
		return nil, err
	}
	return m, nil
}

// orEmpty returns what the files read so far say.
func (m *Manifest) orEmpty() *node {
	if m.root == nil {
		return &node{kind: kindObject}
	}
	return m.root
}

func readFile(name string, open func(string) (fs.File, error)) (*file, error) {
	r, err := open(name)
	if err != nil {
		return nil, &Error{name, 0, 0, "cannot be read: " + withoutPath(err), err}
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, &Error{name, 0, 0, "cannot be read: " + withoutPath(err), err}
	}
	if len(data) > maxFileBytes {
		line, column := place(data, maxFileBytes)
		return nil, &Error{name, line, column, "the file is larger than 1 MiB: this is not a manifest", nil}
	}
	f := &file{name: name}
	switch {
	case strings.HasSuffix(name, ".json"):
		f.root, err = parseJSON(name, data)
	case strings.HasSuffix(name, ".yaml"), strings.HasSuffix(name, ".yml"):
		f.yaml = true
		f.root, err = parseYAML(name, data)
	default:
		return nil, &Error{name, 1, 1, "the name must end in .json or .yaml", nil}
	}
	if err != nil {
		return nil, err
	}
	if f.root.kind != kindObject {
		return nil, f.root.errorf("a manifest is an object, and this is %v", f.root.kind)
	}
	return f, nil
}

// withoutPath returns err's text without the file's name, which is said already.
func withoutPath(err error) string {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

// read takes from the tree what decides about URLs.
func (m *Manifest) read() error {
	var problem *Error
	want := func(n *node, k kind, path string) *node {
		if n == nil || n.kind == kindNull && k == kindArray || problem != nil {
			return nil // the schemas allow null in place of a list
		}
		if n.kind != k {
			problem = n.errorf("%s must be %v, and is %v", path, k, n.kind)
			return nil
		}
		return n
	}
	list := func(n *node, path string) (items []*node) {
		if n = want(n, kindArray, path); n == nil {
			return nil
		}
		for i, item := range n.items {
			if item = want(item, kindString, fmt.Sprintf("%s[%d]", path, i)); item != nil {
				items = append(items, item)
			}
		}
		return items
	}
	sources := func(n *node, directive string) (entries []entry) {
		path := pathPolicy + "." + directive
		for i, item := range list(n.get(directive), path) {
			e := entry{node: item, path: fmt.Sprintf("%s[%d]", path, i), source: csp.Parse(item.text)}
			e.findings = at(checkSource(e, directive), e.path)
			entries = append(entries, e)
		}
		return entries
	}
	redirects := func(n *node, path string) (entries []entry) {
		for i, item := range list(n.get("allowed_redirect_uris"), path) {
			e := entry{node: item, path: fmt.Sprintf("%s[%d]", path, i)}
			e.findings = at(checkRedirect(item), e.path)
			entries = append(entries, e)
		}
		return entries
	}
	policy := want(want(m.root.get("ui_extension"), kindObject, "ui_extension").get("content_security_policy"), kindObject, pathPolicy)
	want(policy.get("purpose"), kindString, pathPolicy+".purpose")
	m.connect = sources(policy, "connect-src")
	m.image = sources(policy, "image-src")
	m.redirects = redirects(m.root, "allowed_redirect_uris")
	declarations := want(m.root.get("declarations"), kindObject, "declarations") // of v2
	m.redirects = append(m.redirects, redirects(declarations, "declarations.allowed_redirect_uris")...)
	for _, f := range m.files[1:] {
		policy := f.root.get("ui_extension", "content_security_policy")
		for _, lists := range [][2][]entry{
			{sources(policy, "connect-src"), m.connect},
			{sources(policy, "image-src"), m.image},
			{redirects(f.root, "allowed_redirect_uris"), m.redirects},
		} {
			if in, used := lists[0], lists[1]; len(in) > 0 && (len(used) == 0 || used[0].node != in[0].node) {
				m.replaced = append(m.replaced, in...)
			}
		}
	}
	if problem != nil {
		return problem
	}
	return nil
}

const pathPolicy = "ui_extension.content_security_policy"
