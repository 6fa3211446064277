package manifest

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

// spot is a place in a manifest that breaks a rule for the whole of it.
type spot struct {
	*node
	path string
	what string // stands for {what} in the rule's text
}

// checkApp returns which rules the manifest as a whole breaks.
func (m *Manifest) checkApp() (found Findings) {
	for _, r := range appRules {
		for _, s := range r.broken(m) {
			f := s.finding(r.severity, strings.ReplaceAll(r.text, "{what}", s.what), "", r.source)
			f.Path = s.path
			found = append(found, f)
		}
	}
	return found
}

// declared returns a field that is at the top of a manifest v1, or in the
// declarations of a v2.
func (m *Manifest) declared(name string) (n *node, path string) {
	if n := m.root.get(name); n != nil {
		return n, name
	}
	return m.root.get(pathDeclarations, name), pathDeclarations + "." + name
}

// says reports whether a declared field has that value, in any case.
func (m *Manifest) says(name, value string) bool {
	n, _ := m.declared(name)
	return n != nil && n.kind == kindString && strings.EqualFold(n.text, value)
}

func (m *Manifest) isPublic() bool { return m.says("distribution_type", "public") }

// isLocal reports whether it is for previews only, and never uploaded.
func (m *Manifest) isLocal() bool { return len(m.files) > 1 }

// spotAt is the value at path, if it is there.
func (m *Manifest) spotAt(path string) []spot {
	if n := m.root.at(path); n != nil {
		return []spot{{node: n, path: path}}
	}
	return nil
}

// publicNames are the words of the name that a public app is not to have.
func (m *Manifest) publicNames() (spots []spot) {
	if !m.isPublic() {
		return nil
	}
	isBetween := func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }
	for _, s := range m.spotAt("name") {
		for _, word := range strings.FieldsFunc(s.text, isBetween) {
			switch strings.ToLower(word) {
			case "stripe", "app", "free", "paid":
				s.what = word
				spots = append(spots, s)
			}
		}
	}
	return spots
}

func (m *Manifest) publicWithoutSandbox() []spot {
	if n, _ := m.declared("sandbox_install_compatible"); n != nil || !m.isPublic() {
		return nil
	}
	n, path := m.declared("distribution_type")
	return []spot{{node: n, path: path}}
}

func (m *Manifest) publicWithoutIcon() []spot {
	if icon := m.root.get("icon"); !m.isPublic() || icon == nil || icon.kind != kindString || icon.text != "" {
		return nil
	}
	return m.spotAt("icon")
}

func (m *Manifest) publicOnLoopback() (spots []spot) {
	if !m.isPublic() || m.isLocal() {
		return nil
	}
	for _, e := range m.redirects {
		if t, fault := parseTarget(e.text); fault == "" && fetch.IsLoopback(t.Host) {
			spots = append(spots, spot{node: e.node, path: e.path})
		}
	}
	return spots
}

func (m *Manifest) oauthWithoutRedirects() []spot {
	if !m.says("stripe_api_access_type", "oauth") || len(m.redirects) > 0 {
		return nil
	}
	n, path := m.declared("stripe_api_access_type")
	return []spot{{node: n, path: path}}
}

// actionsWithoutView are those that lead to a viewport without a view.
func (m *Manifest) actionsWithoutView() []spot {
	action, path := m.declared("post_install_action")
	kind := action.get("type")
	if kind == nil || !slices.Contains(published().lists["post_install_inside"].all(), kind.text) {
		return nil
	}
	for _, view := range m.root.itemsAt(pathUI + ".views") {
		if viewport := view.get("viewport"); viewport != nil && viewport.text == kind.text {
			return nil
		}
	}
	return []spot{{kind, path + ".type", kind.text}}
}

func (m *Manifest) repeatedPermissions() (spots []spot) {
	lists := []string{"permissions", pathDeclarations + ".stripe_api_access.permissions"}
	for _, list := range lists {
		spots = append(spots, repeated(m.root.itemsAt(list), list, "permission")...)
	}
	for i, extension := range m.root.itemsAt("extensions") {
		list := pathOf("extensions", i) + ".permissions"
		spots = append(spots, repeated(extension.itemsAt("permissions"), list, "permission")...)
	}
	return spots
}

func (m *Manifest) repeatedViewports() []spot {
	const list = pathUI + ".views"
	return repeated(m.root.itemsAt(list), list, "viewport")
}

// repeated are the items of a list with the same field as one before them.
func repeated(items []*node, list, field string) (spots []spot) {
	first := map[string]*node{}
	for i, item := range items {
		n := item.get(field)
		switch {
		case n == nil || n.kind != kindString:
		case first[n.text] != nil:
			at := first[n.text]
			spots = append(spots, spot{n, pathOf(list, i) + "." + field, fmt.Sprintf("%s:%d", at.file, at.line)})
		default:
			first[n.text] = n
		}
	}
	return spots
}

// unreadConstants are those beside declarations.
func (m *Manifest) unreadConstants() []spot {
	constants, declarations := m.root.get("constants"), m.root.get(pathDeclarations)
	if m.files[0].yaml || constants == nil || len(constants.members) == 0 ||
		declarations == nil || len(declarations.members) == 0 || declarations.get("constants") != nil {
		return nil
	}
	return m.spotAt("constants")
}
