package manifest

import (
	"slices"
	"strings"
)

// The tables say which shapes Stripe's published schemas demand, and what is known
// of manifests that Stripe takes although they refuse them: first the objects,
// from the outside in, then the strings in them. The names and patterns are in
// stripe.json.
//
// https://github.com/stripe/stripe-apps/tree/main/schema

// Where Stripe writes about them.
const (
	docsPermissions = "https://docs.stripe.com/stripe-apps/reference/permissions"
	docsViewports   = "https://docs.stripe.com/stripe-apps/reference/viewports"
	docsPostInstall = "https://docs.stripe.com/stripe-apps/post-install-actions"

	docsExtensions = "https://docs.stripe.com/extensions/extension-points"
	docsEndpoints  = "https://docs.stripe.com/extensions/invoke-endpoints"

	// How to do without a user interface, and an upload that did.
	issueWithoutUI = "https://github.com/stripe/stripe-apps/issues/867"
	// An upload writes the manifest anew.
	issueRewritten = "https://github.com/stripe/stripe-apps/issues/593"
	// The removal from the schema. Older manifests have it still.
	pullAppBackend = "https://github.com/stripe/stripe-apps/pull/863"

	writtenByCLI = "is not in stripe-app.schema.json, which Stripe publishes, but its CLI writes it"
)

var manifestV1 = &shape{kind: kindObject, grows: true, never: invented, fields: []field{
	{name: "$schema", shape: anyString},
	{name: "extends", shape: anyString},
	{name: "id", shape: id, required: true},
	{name: "version", shape: nonEmpty, required: true},
	{name: "name", shape: nonEmpty, required: true},
	{name: "icon", shape: icon, required: true},
	{name: "permissions", shape: permissions}, // the schema requires it, and the CLI drops an empty one
	{name: "post_install_action", shape: postInstallAction},
	{name: "ui_extension", shape: uiExtension, required: true, source: issueWithoutUI,
		unless: "Stripe's documents write \"ui_extension\": [] for an app without a user interface, " +
			"and its published schema requires an object; apps were uploaded without it"},
	{name: "constants", shape: constants},
	{name: "allowed_redirect_uris", shape: urls},
	{name: "distribution_type", shape: distributionType},
	{name: "stripe_api_access_type", shape: apiAccessType},
	{name: "sandbox_install_compatible", shape: boolean},

	{name: "app_backend", source: pullAppBackend,
		extra: "does nothing: Stripe does not support it any more, and has taken it out of the schema; remove it"},
	// What the CLI and uploads write, and published apps have.
	{name: "connect_permissions", extra: writtenByCLI, source: issueRewritten, blank: true},
	{name: "extensions", extra: writtenByCLI, source: issueRewritten, blank: true},
	{name: "declarations", shape: declarations},
	{name: "provisioning"},
}}

var manifestV2 = &shape{kind: kindObject, grows: true, never: invented, fields: []field{
	{name: "$schema", shape: anyString},
	{name: "id", shape: id, required: true},
	{name: "version", shape: nonEmpty, required: true},
	{name: "name", shape: nonEmpty, required: true},
	{name: "extensions", shape: &shape{kind: kindArray, items: extension}, required: true},

	// What stripe generate app writes.
	{name: "icon", shape: iconUnsure},
	{name: "declarations", shape: declarations},
	{name: "ui_extension", shape: uiExtension},

	{name: "permissions", instead: "belongs in declarations.stripe_api_access.permissions"},
	{name: "distribution_type", instead: "belongs in declarations"},
	{name: "stripe_api_access_type", instead: "belongs in declarations"},
	{name: "sandbox_install_compatible", instead: "belongs in declarations"},
	{name: "allowed_redirect_uris", instead: "belongs in declarations"},
	{name: "post_install_action", instead: "belongs in declarations", unsure: true},
	{name: "constants", instead: "belongs in declarations", unsure: true},
	{name: "provisioning", instead: "belongs in declarations", unsure: true},
}}

// invented are the fields that people expect in a manifest, and that none has.
var invented = []field{
	{name: "app_id", instead: "is not a field of a manifest: the app's id is in id"},
	{name: "content_security_policy", instead: "belongs in ui_extension"},
	{name: "description", instead: inListing},
	{name: "homepage", instead: inListing},
	{name: "icons", instead: "is not a field of a manifest: its one icon is in icon"},
	{name: "oauth", instead: "is not a field of a manifest: see stripe_api_access_type and allowed_redirect_uris"},
	{name: "webhooks", instead: "is not a field of a manifest: event destinations are made in the Dashboard or by the API"},
}

const inListing = "is not a field of a manifest: it belongs to the app's listing, in the Dashboard"

// declarations are what is at the top of a manifest v1. An upload adds them to one.
var declarations = &shape{kind: kindObject, open: true, fields: []field{
	{name: "post_install_action", shape: postInstallAction},
	{name: "constants", shape: constants},
	{name: "distribution_type", shape: distributionType},
	{name: "stripe_api_access_type", shape: apiAccessType},
	{name: "sandbox_install_compatible", shape: boolean},
	{name: "allowed_redirect_uris", shape: urls},
	{name: "stripe_api_access", shape: &shape{kind: kindObject, open: true, fields: []field{
		{name: "permissions", shape: permissions},
	}}},
}}

var permissions = &shape{kind: kindArray, items: &shape{kind: kindObject, fields: []field{
	{name: "permission", shape: permission, required: true},
	{name: "purpose", shape: permissionPurpose, required: true},
	{name: "name", shape: documentedName},
}}}

// The reference has more than the schema: a purpose for each locale, and a name
// of a permission, for those who review the app.
var (
	permissionPurpose = &shape{choose: func(n *node) *shape { return localizedOr(nonEmpty, n) }}
	policyPurpose     = &shape{choose: func(n *node) *shape { return localizedOr(anyString, n) }}
	documentedName    = &shape{kind: kindString, remark: onlyInReference}
	localized         = &shape{kind: kindObject, values: nonEmpty, remark: onlyInReference}
)

const onlyInReference = "is in Stripe's reference of the manifest, and its published schema refuses it"

func localizedOr(text *shape, n *node) *shape {
	if n.kind == kindObject {
		return localized
	}
	return text
}

// postInstallAction is null, {type: onboarding or settings}, or {type: external,
// url}. If the type is none of them, that is the finding, and not the url. The CLI
// writes url: "" to what has no url: it is no error anywhere.
var postInstallAction = &shape{choose: func(n *node) *shape {
	is := func(list string, kind *node) bool { return slices.Contains(published().lists[list].all(), kind.text) }
	switch kind := n.get("type"); {
	case kind == nil && n.get("url") == nil, kind != nil && is("post_install_inside", kind):
		return postInstallInside
	case kind == nil, is("post_install_outside", kind):
		return postInstallOutside
	}
	return postInstallOther
}}

var (
	postInstallInside = &shape{kind: kindObject, null: true, source: docsPostInstall, fields: []field{
		{name: "type", shape: postInstallType, required: true},
		{name: "url", instead: "belongs to the type external only", blank: true},
	}}
	postInstallOutside = &shape{kind: kindObject, null: true, source: docsPostInstall, fields: []field{
		{name: "type", shape: postInstallType, required: true},
		{name: "url", shape: postInstallURL, required: true},
	}}
	// Stripe's own example has a type that the schema refuses.
	postInstallOther = &shape{kind: kindObject, null: true, source: docsPostInstall, open: true, fields: []field{
		{name: "type", shape: postInstallType, required: true},
		{name: "url"},
	}}
)

// uiExtension is an object, or an empty array for an app without a user interface.
var uiExtension = &shape{kind: kindObject, emptyArray: true, open: true, fields: []field{
	{name: "views", shape: &shape{kind: kindArray, items: view}},
	{name: "content_security_policy", shape: &shape{kind: kindObject, open: true, fields: []field{
		{name: "connect-src", shape: urls},
		{name: "image-src", shape: urls},
		{name: "purpose", shape: policyPurpose, blank: true}, // of which checkPurpose has more to say
	}}},
}}

var view = &shape{kind: kindObject, source: docsViewports, open: true, fields: []field{
	{name: "viewport", shape: viewport, required: true},
	{name: "component", shape: component, required: true},
}}

// extension is what the schema has and, of Stripe's own apps and its documents,
// the rest. Their $schema is a newer one, which is not published.
var extension = &shape{kind: kindObject, grows: true, fields: []field{
	{name: "id", shape: id, required: true},
	{name: "name", shape: nonEmpty, required: true},
	{name: "interface_id", shape: interfaceID, required: true},
	{name: "version", shape: semver, required: true},
	{name: "permissions", shape: permissions}, // the schema requires it, and a documented sample has none
	{name: "methods", shape: methods, required: true},

	{name: "description", shape: anyString},
	{name: "stripe_version", shape: anyString},
	{name: "configuration"},
	{name: "script"},
	{name: "endpoints", shape: &shape{kind: kindArray, items: endpointShape, source: docsEndpoints}},
}}

// endpointShape is what a script may call, by its id. What is wrong with its URL is
// said by endpointRules.
var endpointShape = &shape{kind: kindObject, open: true, source: docsEndpoints, fields: []field{
	{name: "id", shape: nonEmpty, required: true},
	{name: "type", shape: nonEmpty, required: true},
	{name: "live", shape: endpointURL},
	{name: "managed_sandbox", shape: endpointURL},
}}

var endpointURL = &shape{kind: kindObject, open: true, source: docsEndpoints, fields: []field{
	{name: "url", shape: anyString, required: true},
	{name: "purpose", shape: anyString},
	{name: "auth"},
}}

// methods are named for what the interface asks for. The schema says what is in
// one of them.
var methods = &shape{kind: kindObject, lists: []string{"methods"}, grows: true, source: docsExtensions, fields: []field{
	{name: "custom_workflow_action_run", shape: method},
}, values: &shape{kind: kindObject, open: true, fields: []field{
	{name: "implementation_type", shape: implementation, required: true},
}}}

var method = &shape{kind: kindObject, fields: []field{
	{name: "implementation_type", shape: implementation, required: true},
	{name: "resource_id", shape: resourceID},
	{name: "sandbox_resource_id", shape: resourceID},
	{name: "custom_input_schema", shape: jsonFile},
	{name: "custom_input", shape: &shape{kind: kindObject, fields: []field{
		{name: "input_schema", shape: &shape{kind: kindObject, fields: []field{
			{name: "type", shape: inputSchemaType, required: true},
			{name: "content", shape: jsonFile, required: true},
		}}},
		{name: "ui_schema", shape: &shape{kind: kindObject, fields: []field{
			{name: "type", shape: uiSchemaType, required: true},
			{name: "content", shape: jsonFile, required: true},
		}}},
	}}},
}}

var (
	constants = &shape{kind: kindObject, null: true}
	boolean   = &shape{kind: kindBool}
	anyString = &shape{kind: kindString}
	urls      = &shape{kind: kindArray, null: true, items: anyString} // see sourceRules and redirectRules
)

// Strings that are one of a list.
var (
	permission = &shape{kind: kindString, lists: []string{"permissions"}, grows: true, source: docsPermissions,
		guess: meantPermission, form: &form{is: isOneWord, mend: knownPermission,
			must: "be one permission: give each an entry of its own"}}
	viewport         = &shape{kind: kindString, lists: []string{"viewports"}, grows: true, source: docsViewports}
	distributionType = &shape{kind: kindString, lists: []string{"distribution_types"}, anyCase: true}
	apiAccessType    = &shape{kind: kindString, lists: []string{"api_access_types"}, anyCase: true}
	implementation   = &shape{kind: kindString, lists: []string{"implementation_types"}}
	inputSchemaType  = &shape{kind: kindString, lists: []string{"input_schema_types"}}
	uiSchemaType     = &shape{kind: kindString, lists: []string{"ui_schema_types"}}
	postInstallType  = &shape{kind: kindString, source: docsPostInstall, what: "types of an action", grows: true,
		lists: []string{"post_install_inside", "post_install_outside", "post_install_other"}}
)

// misspelledPermissions are so in the schema. The documentation has the right ones,
// and nobody should be told to change anything into these.
var misspelledPermissions = []string{"apply_pay_domain_read", "apply_pay_domain_write", "shpping_rate_write"}

// isOneWord: a name with a space or comma in it can never be a newer one.
func isOneWord(s string) bool { return !strings.ContainsAny(s, " ,;\t\r\n") }

// knownPermission returns customer_read for customer read.
func knownPermission(s string) string {
	if name, certain := nearest(s, published().lists["permissions"].all()); certain {
		return name
	}
	return ""
}

// meantPermission returns charge_read for read_charge, and event_read for the name
// of an event.
func meantPermission(s string) string {
	action, object, _ := strings.Cut(s, "_")
	switch turned := object + "_" + action; {
	case slices.Contains(published().lists["permissions"].all(), turned):
		return turned
	case strings.Contains(s, "."):
		return "event_read"
	}
	return ""
}

// Strings that look like something.
var (
	nonEmpty = &shape{kind: kindString, form: &form{is: func(s string) bool { return s != "" },
		must: "not be empty"}}
	id = &shape{kind: kindString, form: &form{pattern: "id",
		must: "be letters, digits, dots, - and _ only, like com.example.my-app"}}
	interfaceID = &shape{kind: kindString, lists: []string{"interfaces"}, grows: true, source: docsExtensions,
		form: &form{pattern: "interface_id", must: "be letters, digits, dots, - and _ only"}}
	component = &shape{kind: kindString, form: &form{pattern: "component",
		must: "be the name of a component in src/views: letters, digits and _ only",
		mend: func(s string) string { return strings.TrimSuffix(s, ".tsx") }}}
	semver = &shape{kind: kindString, source: "https://semver.org", form: &form{pattern: "version",
		must: "be a semantic version of three numbers, like 1.0.0",
		mend: func(s string) string { return strings.TrimPrefix(s, "v") }}}
	resourceID = &shape{kind: kindString, form: &form{pattern: "resource_id",
		must: "be the id of a managed resource, as Stripe has given it"}}
	jsonFile = &shape{kind: kindString, form: &form{pattern: "json_file",
		must: "be the path of a .json file, of letters, digits, dots, slashes, - and _ only"}}
	postInstallURL = &shape{choose: func(n *node) *shape {
		if n.kind == kindString && n.isBlank() {
			return emptyURL
		}
		return urlElsewhere
	}}
	emptyURL = &shape{kind: kindString, source: docsPostInstall,
		remark: "is empty, so that the action leads nowhere: write where to, or take the action out"}
	urlElsewhere = &shape{kind: kindString, source: docsPostInstall, form: &form{is: isHTTPURL,
		must: "be an http or https URL"}}
	icon       = &shape{kind: kindString, form: iconForm}
	iconUnsure = &shape{kind: kindString, form: iconForm, unsure: true}
)

// iconForm: the first character can be .. and a slash, the rest has no dot.
var iconForm = &form{
	pattern: "icon",
	taken:   true, // Stripe's own example has none of the ./
	must:    "be the path of a PNG that starts with ./ and has no dot but the one of .png, like ./icon.png, or be empty",
	mend: func(s string) string {
		if strings.HasPrefix(s, "/") {
			return s // below the root of the disk, or of the app?
		}
		return "./" + s
	},
}
