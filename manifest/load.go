package manifest

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// Load reads the manifest in the named file: stripe-app.json, a local manifest
// (stripe-app.dev.json) together with what it extends, or stripe-app.yaml. In a
// test, the path is relative to the package's folder.
//
// A local manifest has its own values instead of those that it extends, member by
// member; a list, like connect-src, is replaced as a whole.
//
// A file of more than 1 MiB, one that is not JSON or YAML, a member that is there
// twice, a member of the wrong type among those that lists of URLs are in, and
// extends that leads nowhere or in a circle, are one *Error. Anything else that is
// wrong is left to Check: null, and ui_extension: [], are as good as nothing here.
func Load(name string) (*Manifest, error) {
	return folders{filepath.Join, filepath.Dir, openRegular}.load(name)
}

// LoadFS is Load for a file system. The name has no ./, ../ or / in front, and a
// local manifest cannot extend a file above the root of fsys. An embed directive
// cannot reach a folder above the package's: use Load for that.
func LoadFS(fsys fs.FS, name string) (*Manifest, error) {
	return folders{path.Join, path.Dir, fsys.Open}.load(name)
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

// folders is where files are: on the disk, or in a file system.
type folders struct {
	join func(...string) string
	dir  func(string) string
	open func(string) (fs.File, error)
}

// maxFiles is how many files one manifest can be made of.
const maxFiles = 8

func (d folders) load(name string) (*Manifest, error) {
	m := new(Manifest)
	seen := map[string]bool{}
	var extends *node // that has led to name
	for {
		seen[d.join(name)] = true
		f, err := d.readFile(name)
		if err != nil {
			return nil, whereExtended(extends, err)
		}
		m.add(f)
		if extends = f.root.get("extends"); extends == nil {
			break
		}
		if err := checkExtends(f, extends); err != nil {
			return nil, err
		}
		name = d.join(d.dir(name), extends.text)
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

// add puts f below the files that m is made of already.
func (m *Manifest) add(f *file) {
	m.files = append(m.files, f)
	if m.root == nil {
		m.root = f.root
	} else {
		m.root = merge(f.root, m.root)
	}
}

// whereExtended returns err, about a file that could not be read, at the extends
// that has led to it: that is where to look.
func whereExtended(extends *node, err error) error {
	if e := (*Error)(nil); extends != nil && errors.As(err, &e) && e.Line == 0 {
		return &Error{extends.file, extends.line, extends.column, "extends: " + e.Error(), e.cause}
	}
	return err
}

func checkExtends(f *file, extends *node) error {
	switch {
	case f.yaml:
		return extends.errorf("stripe-app.yaml has no extends: it is for JSON manifests")
	case extends.kind != kindString:
		return extends.errorf("extends must be a string, and is %v: write the path of the manifest to extend, like %q",
			extends.kind, "stripe-app.json")
	case !extendsPattern().MatchString(extends.text):
		return extends.errorf("extends must be a relative path to stripe-app.json or stripe-app.….json, like %q",
			"stripe-app.json")
	}
	return nil
}

// extendsPattern is that of Stripe's schema for a local manifest, with the dots
// that it means.
var extendsPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\./)?(\.\./)*([a-zA-Z0-9_-]+/)*stripe-app(\.[a-zA-Z0-9_-]+)?\.json$`)
})

func (d folders) readFile(name string) (*file, error) {
	r, err := d.open(name)
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
