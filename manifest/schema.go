package manifest

import (
	"net/netip"
	"regexp"
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
			alone.value(f.root, f.rule().withoutRequired(), "")
		}
	}
	root, first := *m.root, m.files[0].root
	root.file, root.line, root.column = first.file, first.line, first.column
	merged.value(&root, m.files[0].rule(), "")

	type problem struct{ path, text string }
	known := map[problem]bool{}
	for _, f := range alone.findings {
		known[problem{f.Path, f.Text}] = true
	}
	return append(alone.findings, slices.DeleteFunc(merged.findings, func(f Finding) bool {
		return known[problem{f.Path, f.Text}]
	})...)
}

func (f *file) rule() *rule {
	if f.yaml {
		return manifestV2
	}
	return manifestV1
}

// rule is what a value can be. What it leaves out is not checked.
type rule struct {
	kinds  []kind
	source string // where the rule is written; "" means docsManifest

	// Of a string.
	form   *form
	lists  []string // of stripe.json: it is one of their names
	unsure bool     // whether Stripe refuses other strings

	// Of an array.
	items *rule

	// Of an object.
	fields []field
	open   bool // to other fields: only a slip of the pen is worth a finding

	// grows says that Stripe adds to what lists has, for the fields of an object
	// too: what is not there can be newer than stripe.json.
	grows bool

	// choose returns the rule for a value, where that depends on the value.
	choose func(*node) *rule
}

// field is a member that an object can have.
type field struct {
	name     string
	rule     *rule
	required bool

	// The published schemas are not all there is to say:
	unless  string // it is required, but manifests do without it
	extra   string // it is refused, but manifests have it
	instead string // it is refused, and this is known to help
	source  string // of these three; "" means the rule's
}

// form is what a string must look like.
type form struct {
	pattern string            // of stripe.json
	is      func(string) bool // instead of a pattern
	must    string
	mend    func(string) string // to what is meant, if that fits; nil: it is not certain
}

func (f *form) fits(s string) bool {
	if f.pattern != "" {
		return published().patterns[f.pattern].MatchString(s)
	}
	return f.is(s)
}

type schemaChecker struct{ findings Findings }

func (c *schemaChecker) add(f Finding) { c.findings = append(c.findings, f) }

func (c *schemaChecker) value(n *node, r *rule, path string) {
	if r != nil && r.choose != nil {
		r = r.choose(n)
	}
	switch {
	case r == nil:
	case r.kinds != nil && !slices.Contains(r.kinds, n.kind):
		c.add(r.wrongKind(n, path))
	case n.kind == kindString:
		c.text(n, r, path)
	case n.kind == kindArray:
		for i, item := range n.items {
			c.value(item, r.items, path+"["+strconv.Itoa(i)+"]")
		}
	case n.kind == kindObject:
		c.object(n, r, path)
	}
}

func (c *schemaChecker) text(n *node, r *rule, path string) {
	f := r.finding(n, path)
	if r.unsure {
		f.Severity = SeverityWarning
	}
	if r.form != nil && !r.form.fits(n.text) {
		f.Text = "must " + r.form.must
		if r.form.mend != nil && r.form.fits(r.form.mend(n.text)) {
			f.Fix = r.form.mend(n.text)
		}
		c.add(f)
	}
	if known := published().names(r.lists); r.lists != nil && !slices.Contains(known, n.text) {
		c.add(r.unknown(f, n.text, known))
	}
}

func (c *schemaChecker) object(n *node, r *rule, path string) {
	for _, field := range r.fields {
		if field.required && n.get(field.name) == nil {
			f := r.finding(n, below(path, field.name))
			f.Text = "is missing"
			if field.unless != "" {
				f.Severity, f.Text, f.Source = SeverityWarning, "is missing: "+field.unless, field.source
			}
			c.add(f)
		}
	}
	for _, m := range n.members {
		f := r.finding(n, below(path, m.name))
		f.File, f.Line, f.Column = m.value.file, m.line, m.column
		i := slices.IndexFunc(r.fields, func(field field) bool { return field.name == m.name })
		if i < 0 {
			c.otherField(f, r, m.name)
			continue
		}
		field := r.fields[i]
		if field.source != "" {
			f.Source = field.source
		}
		switch {
		case field.instead != "":
			f.Text = field.instead
			c.add(f)
		case field.extra != "":
			f.Severity, f.Text = SeverityWarning, field.extra
			c.add(f)
		}
		c.value(m.value, field.rule, f.Path)
	}
}

// otherField completes f, about a field that r does not have.
func (c *schemaChecker) otherField(f Finding, r *rule, name string) {
	if r.fields == nil {
		return
	}
	var known []string
	for _, field := range r.fields {
		if field.instead == "" {
			known = append(known, field.name)
		}
	}
	if r.open {
		if near, _ := nearest(name, known); near == "" {
			return
		}
		f.Severity = SeverityWarning
	}
	c.add(r.unknown(f, name, known))
}

// unknown completes f, about a string that is not one of those that are known.
func (r *rule) unknown(f Finding, s string, known []string) Finding {
	near, certain := nearest(s, known)
	listed := len(known) <= 6 && !r.open
	switch {
	case r.grows:
		f.Severity = SeverityWarning
		f.Text = "is not one of the " + r.lists[0] + " in the schema that Stripe had published by " +
			published().date.Format("January 2006") + ", and can be newer"
		listed = false
	case r.lists != nil && len(known) == 1:
		f.Text = "must be " + known[0]
		near, certain = known[0], true
	case r.lists != nil:
		f.Text = "must be one of " + strings.Join(known, ", ")
	case listed:
		f.Text = "is not a field of this object, which has only " + strings.Join(known, ", ")
	default:
		f.Text = "is not a field that is known here"
	}
	switch {
	case certain:
		f.Fix = near
	case near != "" && !listed:
		f.Text += ": did you mean " + near + "?"
	}
	return f
}

func (r *rule) wrongKind(n *node, path string) Finding {
	var names []string
	for _, k := range r.kinds {
		names = append(names, k.String())
	}
	f := r.finding(n, path)
	f.Text = "must be " + strings.Join(names, " or ") + ", and is " + n.kind.String()
	switch {
	case r.kinds[0] == kindString && (n.kind == kindNumber || n.kind == kindBool):
		f.Text += ": put it in quotes"
		f.Fix = short(n.text)
	case r.kinds[0] == kindBool && n.kind == kindString && (n.text == "true" || n.text == "false"):
		f.Text += ": take away the quotes"
	}
	return f
}

func (r *rule) finding(n *node, path string) Finding {
	source := r.source
	if source == "" {
		source = docsManifest
	}
	f := n.finding(SeverityError, "", "", source)
	f.Path = path
	return f
}

func (r *rule) withoutRequired() *rule {
	part := *r
	part.fields = slices.Clone(r.fields)
	for i := range part.fields {
		part.fields[i].required = false
	}
	return &part
}

// below returns the path of a member.
func below(path, name string) string {
	switch {
	case !plainName.MatchString(name):
		return path + "[" + strconv.Quote(short(name)) + "]"
	case path == "":
		return short(name)
	}
	return path + "." + short(name)
}

var plainName = regexp.MustCompile(`\A[A-Za-z0-9_$-]+\z`)

// nearest returns the one of known that s is meant to be. It is certain if only
// case and separators differ, and a guess if it is one slip of the pen away.
func nearest(s string, known []string) (name string, certain bool) {
	for _, k := range known {
		switch {
		case slices.Contains(misspeltPermissions, k):
		case len(k) == len(s) && strings.EqualFold(separators.Replace(k), separators.Replace(s)):
			return k, true
		case name == "" && len(k) > 3 && oneSlip(k, s):
			name = k
		}
	}
	return name, false
}

var separators = strings.NewReplacer("-", "_", ".", "_", " ", "_")

// oneSlip reports whether one character is missing, too many, or another one, or
// two are the wrong way round.
func oneSlip(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

// isHTTPURL reports whether s is an http or https URL to a validator of schemas:
// format uri is the characters of RFC 3986, and the addresses in brackets.
func isHTTPURL(s string) bool {
	parts := httpURL.FindStringSubmatch(s)
	if parts == nil {
		return false
	}
	if parts[1] == "" {
		return true
	}
	ip, err := netip.ParseAddr(parts[1])
	return err == nil && ip.Is6()
}

var httpURL = func() *regexp.Regexp {
	const char = `-A-Za-z0-9._~!$&'()*+,;=:`
	const escape = `%[0-9A-Fa-f]{2}`
	const user = `(?:(?:[` + char + `]|` + escape + `)*@)?`
	const literal = `\[(?:([0-9A-Fa-f:.]+)|[vV][0-9A-Fa-f]+\.[` + char + `]+)\](?::[0-9]*)?`
	const path = `(?:[` + char + `@/]|` + escape + `)*`
	const rest = `(?:[` + char + `@/?]|` + escape + `)*`
	return regexp.MustCompile(`^https?://(?:` + user + literal + `(?:/` + path + `)?|` + path + `)(?:\?` + rest + `)?(?:#` + rest + `)?$`)
}()

// What follows says in Go what Stripe's published schemas say, and what is known
// of manifests that Stripe takes although they refuse them.
//
// https://github.com/stripe/stripe-apps/tree/main/schema

const (
	docsPermissions = "https://docs.stripe.com/stripe-apps/reference/permissions"
	docsViewports   = "https://docs.stripe.com/stripe-apps/reference/viewports"
	docsPostInstall = "https://docs.stripe.com/stripe-apps/post-install-actions"

	// Apps of Stripe's own in manifest v2.
	stripesOwnV2 = "https://github.com/stripe/coupon-extensions/blob/main/stripe-app.yaml"
	// How to do without a user interface, and an upload that did.
	issueWithoutUI = "https://github.com/stripe/stripe-apps/issues/867"
	// An upload writes the manifest anew.
	issueRewritten = "https://github.com/stripe/stripe-apps/issues/593"
	// The removal from the schema. Older manifests have it still.
	pullAppBackend = "https://github.com/stripe/stripe-apps/pull/863"

	writtenByCLI = "is not in Stripe's published schema, but its CLI writes it"
	extraInV2    = "is not in Stripe's published schema of stripe-app.yaml, but the CLI writes it"
	ownV2        = "is not in Stripe's published schema of stripe-app.yaml, but its own apps have it"
)

var manifestV1 = &rule{kinds: []kind{kindObject}, fields: []field{
	{name: "$schema", rule: anyString},
	{name: "extends", rule: anyString},
	{name: "id", rule: id, required: true},
	{name: "version", rule: nonEmpty, required: true},
	{name: "name", rule: nonEmpty, required: true},
	{name: "icon", rule: icon, required: true},
	{name: "permissions", rule: permissions, required: true},
	{name: "post_install_action", rule: postInstallAction},
	{name: "ui_extension", rule: uiExtension, required: true,
		unless: "Stripe's published schema requires it, but apps without a user interface were uploaded without it", source: issueWithoutUI},
	{name: "constants", rule: &rule{kinds: []kind{kindObject, kindNull}}},
	{name: "allowed_redirect_uris", rule: urls},
	{name: "distribution_type", rule: distributionType},
	{name: "stripe_api_access_type", rule: apiAccessType},
	{name: "sandbox_install_compatible", rule: boolean},

	{name: "app_backend", source: pullAppBackend,
		extra: "does nothing: Stripe does not support it any more, and has taken it out of the schema; remove it"},
	{name: "connect_permissions", extra: writtenByCLI, source: issueRewritten},
	{name: "extensions", extra: writtenByCLI, source: issueRewritten},
}}

var manifestV2 = &rule{kinds: []kind{kindObject}, fields: []field{
	{name: "$schema", rule: anyString},
	{name: "id", rule: id, required: true},
	{name: "version", rule: nonEmpty, required: true},
	{name: "name", rule: nonEmpty, required: true},
	{name: "extensions", rule: &rule{kinds: []kind{kindArray}, items: extension}, required: true},

	{name: "icon", rule: &rule{kinds: icon.kinds, form: icon.form, unsure: true}, extra: extraInV2},
	{name: "declarations", rule: declarations, extra: extraInV2},
	{name: "ui_extension", rule: uiExtension, extra: extraInV2},

	{name: "permissions", instead: "belongs in declarations.stripe_api_access.permissions"},
	{name: "distribution_type", instead: "belongs in declarations"},
	{name: "stripe_api_access_type", instead: "belongs in declarations"},
	{name: "sandbox_install_compatible", instead: "belongs in declarations"},
	{name: "allowed_redirect_uris", instead: "belongs in declarations"},
}}

var declarations = &rule{kinds: []kind{kindObject}, open: true, fields: []field{
	{name: "distribution_type", rule: distributionType},
	{name: "stripe_api_access_type", rule: apiAccessType},
	{name: "sandbox_install_compatible", rule: boolean},
	{name: "allowed_redirect_uris", rule: urls},
	{name: "stripe_api_access", rule: &rule{kinds: []kind{kindObject}, open: true, fields: []field{
		{name: "permissions", rule: permissions},
	}}},
}}

var (
	anyString = &rule{kinds: []kind{kindString}}
	boolean   = &rule{kinds: []kind{kindBool}}
	nonEmpty  = &rule{kinds: []kind{kindString}, form: &form{
		is:   func(s string) bool { return s != "" },
		must: "not be empty",
	}}
	id = &rule{kinds: []kind{kindString}, form: &form{
		pattern: "id",
		must:    "be letters, digits, dots, - and _ only, like com.example.my-app",
	}}
	// Its first character can be .. and a slash, the rest has no dot.
	icon = &rule{kinds: []kind{kindString}, form: &form{
		pattern: "icon",
		must:    "be the path of a PNG that starts with ./ and has no dot but the one of .png, like ./icon.png, or be empty",
		mend: func(s string) string {
			if strings.HasPrefix(s, "/") {
				return s // below the root of the disk, or of the app?
			}
			return "./" + s
		},
	}}
	distributionType = &rule{kinds: []kind{kindString}, lists: []string{"distribution_types"}}
	apiAccessType    = &rule{kinds: []kind{kindString}, lists: []string{"api_access_types"}}

	// What the URLs are like is for Check to say.
	urls = &rule{kinds: []kind{kindArray, kindNull}, items: anyString}
)

var permissions = &rule{kinds: []kind{kindArray}, items: &rule{kinds: []kind{kindObject}, fields: []field{
	{name: "permission", rule: permission, required: true},
	{name: "purpose", rule: nonEmpty, required: true},
}}}

var permission = &rule{kinds: []kind{kindString}, source: docsPermissions, lists: []string{"permissions"}, grows: true}

// misspeltPermissions are so in the schema. The documentation has the right
// ones, and nobody should be told to change them into these.
var misspeltPermissions = []string{"apply_pay_domain_read", "apply_pay_domain_write", "shpping_rate_write"}

// postInstallAction is null, {type: onboarding or settings}, or {type: external,
// url}. If the type is none of them, that is the finding, and not the url.
var postInstallAction = &rule{choose: func(n *node) *rule {
	kind := n.get("type")
	if kind != nil && slices.Contains(published().lists["post_install_inside"], kind.text) {
		return postInstallInside
	}
	if kind != nil && slices.Contains(published().lists["post_install_outside"], kind.text) || n.get("url") != nil {
		return postInstallOutside
	}
	return postInstallInside
}}

var (
	postInstallInside = &rule{kinds: []kind{kindObject, kindNull}, source: docsPostInstall, fields: []field{
		{name: "type", rule: postInstallType, required: true},
		{name: "url", instead: "belongs to the type external only"},
	}}
	postInstallOutside = &rule{kinds: []kind{kindObject, kindNull}, source: docsPostInstall, fields: []field{
		{name: "type", rule: postInstallType, required: true},
		{name: "url", required: true, rule: &rule{kinds: []kind{kindString}, source: docsPostInstall, form: &form{
			is:   isHTTPURL,
			must: "be an http or https URL",
		}}},
	}}
	postInstallType = &rule{kinds: []kind{kindString}, source: docsPostInstall, lists: []string{"post_install_inside", "post_install_outside"}}
)

var uiExtension = &rule{kinds: []kind{kindObject}, open: true, fields: []field{
	{name: "views", rule: &rule{kinds: []kind{kindArray}, items: view}},
	{name: "content_security_policy", rule: &rule{kinds: []kind{kindObject}, open: true, fields: []field{
		{name: "connect-src", rule: urls},
		{name: "image-src", rule: urls},
		{name: "purpose", rule: anyString},
	}}},
}}

var view = &rule{kinds: []kind{kindObject}, source: docsViewports, open: true, fields: []field{
	{name: "viewport", rule: viewport, required: true},
	{name: "component", required: true, rule: &rule{kinds: []kind{kindString}, form: &form{
		pattern: "component",
		must:    "be the name of a component in src/views: letters, digits and _ only",
		mend:    func(s string) string { return strings.TrimSuffix(s, ".tsx") },
	}}},
}}

var viewport = &rule{kinds: []kind{kindString}, source: docsViewports, lists: []string{"viewports"}, grows: true}

var extension = &rule{kinds: []kind{kindObject}, fields: []field{
	{name: "id", rule: id, required: true},
	{name: "name", rule: nonEmpty, required: true},
	{name: "interface_id", required: true, rule: &rule{kinds: []kind{kindString}, form: &form{
		pattern: "interface_id",
		must:    "be letters, digits, dots, - and _ only",
	}}},
	{name: "version", rule: semver, required: true},
	{name: "permissions", rule: permissions, required: true},
	{name: "methods", required: true, rule: &rule{kinds: []kind{kindObject}, lists: []string{"methods"}, grows: true, fields: []field{
		{name: "custom_workflow_action_run", rule: method},
	}}},

	{name: "description", extra: ownV2, source: stripesOwnV2},
	{name: "stripe_version", extra: ownV2, source: stripesOwnV2},
	{name: "configuration", extra: ownV2, source: stripesOwnV2},
	{name: "script", extra: ownV2, source: stripesOwnV2},
}}

var semver = &rule{kinds: []kind{kindString}, source: "https://semver.org", form: &form{
	pattern: "version",
	must:    "be a semantic version of three numbers, like 1.0.0",
	mend:    func(s string) string { return strings.TrimPrefix(s, "v") },
}}

var method = &rule{kinds: []kind{kindObject}, fields: []field{
	{name: "implementation_type", required: true, rule: &rule{kinds: []kind{kindString}, lists: []string{"implementation_types"}}},
	{name: "resource_id", rule: resourceID},
	{name: "sandbox_resource_id", rule: resourceID},
	{name: "custom_input_schema", rule: jsonFile},
	{name: "custom_input", rule: &rule{kinds: []kind{kindObject}, fields: []field{
		{name: "input_schema", rule: inputSchema("input_schema_types")},
		{name: "ui_schema", rule: inputSchema("ui_schema_types")},
	}}},
}}

var (
	resourceID = &rule{kinds: []kind{kindString}, form: &form{
		pattern: "resource_id",
		must:    "be the id of a managed resource, as Stripe has given it",
	}}
	jsonFile = &rule{kinds: []kind{kindString}, form: &form{
		pattern: "json_file",
		must:    "be the path of a .json file, of letters, digits, dots, slashes, - and _ only",
	}}
)

func inputSchema(types string) *rule {
	return &rule{kinds: []kind{kindObject}, fields: []field{
		{name: "type", required: true, rule: &rule{kinds: []kind{kindString}, lists: []string{types}}},
		{name: "content", rule: jsonFile, required: true},
	}}
}
