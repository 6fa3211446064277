package manifest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

const (
	permissionsPage = "https://docs.stripe.com/stripe-apps/reference/permissions"
	viewportsPage   = "https://docs.stripe.com/stripe-apps/reference/viewports"
	postInstallPage = "https://docs.stripe.com/stripe-apps/post-install-actions"
	extensionPoints = "https://docs.stripe.com/extensions/extension-points"
)

// dateOfNames is when stripe.json was made, as a finding says it.
func dateOfNames(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("stripe.json")
	require.NoError(t, err)
	var file struct{ Date string }
	require.NoError(t, json.Unmarshal(data, &file))
	date, err := time.Parse(time.DateOnly, file.Date)
	require.NoError(t, err)
	return fmt.Sprint(date.Month(), " ", date.Year())
}

func TestUnknownNamesAreHeldAgainstAListWithADate(t *testing.T) {
	for _, test := range []struct{ name, file, text, old string }{
		{"permissions", "stripe-app.json", plainJSON, "customer_read"},
		{"viewports", "stripe-app.json", plainJSON, `settings`},
		{"methods", "stripe-app.yaml", plainYAML, "custom_workflow_action_run"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := change(t, test.text, test.old, "not_yet_known")
			found := mustLoad(t, files(test.file, text), test.file).Check()
			require.Len(t, found, 1)
			assert.Equal(t, manifest.SeverityWarning, found[0].Severity)
			assert.Equal(t, "is not one of the "+test.name+" in Stripe's schema and documents of "+dateOfNames(t)+", and can be newer", found[0].Text)
		})
	}
}

func TestManifestsThatStripesSchemasAccept(t *testing.T) {
	for _, test := range []struct{ name, file, text, old, new string }{
		{"what is required", "stripe-app.json", plainJSON, "{\n  \"id\"", "{\n  \"id\""},
		{"an extension", "stripe-app.yaml", plainYAML, "id: com", "id: com"},
		{"everything else", "stripe-app.json", plainJSON, `"id"`, `"$schema": "https://stripe.com/stripe-app.schema.json",
			"constants": {"API_BASE": 1}, "allowed_redirect_uris": null, "distribution_type": "private",
			"stripe_api_access_type": "restricted_api_key", "sandbox_install_compatible": false, "post_install_action": null, "id"`},
		{"no icon yet", "stripe-app.json", plainJSON, `"./icon.png"`, `""`},
		{"an icon in a folder", "stripe-app.json", plainJSON, "./icon.png", "./assets/img/icon-1.png"},
		{"an icon one folder up", "stripe-app.json", plainJSON, "./icon.png", "./../icon.png"},
		{"an action inside the Dashboard", "stripe-app.json", plainJSON, `"id"`, `"post_install_action": {"type": "settings"}, "id"`},
		{"an action elsewhere", "stripe-app.json", plainJSON, `"id"`, `"post_install_action": {"type": "external", "url": "https://u@[::1]:8443/a%20b?c=/?#d"}, "id"`},
		{"fields that the schema leaves open", "stripe-app.json", plainJSON, `"views": [
      {`, `"actions": [], "views": [
      {"title": "Settings", `},
		{"a permission that the schema misspells", "stripe-app.json", plainJSON, "customer_read", "shpping_rate_write"},
		{"a resource of test mode", "stripe-app.yaml", plainYAML, "resource_id: res_6", "sandbox_resource_id: res_test_6"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := change(t, test.text, test.old, test.new)
			assert.Empty(t, mustLoad(t, files(test.file, text), test.file).Check())
		})
	}
}

// changed is a manifest without findings, changed in one place, and what is found
// in it then.
type changed struct {
	name, old, new string
	want           manifest.Findings
}

func checkChanged(t *testing.T, file, text string, tests []changed) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := change(t, text, test.old, test.new)
			assert.Equal(t, test.want, mustLoad(t, files(file, text), file).Check())
		})
	}
}

// newer is what is said of a name that is not in a list.
func newer(t *testing.T) string {
	t.Helper()
	return "in Stripe's schema and documents of " + dateOfNames(t) + ", and can be newer"
}

// newField is what is said of a field at the top that is not known.
func newField(t *testing.T) string {
	t.Helper()
	return "is not a field that is known here: Stripe may have added it since " + dateOfNames(t)
}

const iconMust = "must be the path of a PNG that starts with ./ and has no dot but the one of .png, " +
	"like ./icon.png, or be empty"

func TestWhatIsMissingFromJSONIsFound(t *testing.T) {
	checkChanged(t, "stripe-app.json", plainJSON, []changed{
		{"a required field is missing", `"version": "1.2.3",`, ``, manifest.Findings{
			{"error", "stripe-app.json", 1, 1, "version", "is missing", "", docsManifest}}},
		{"one of an entry is missing", `, "purpose": "to show names"`, ``, manifest.Findings{
			{"error", "stripe-app.json", 7, 5, "permissions[0].purpose", "is missing", "", docsManifest}}},
		{"no component", `, "component": "Settings"`, ``, manifest.Findings{
			{"error", "stripe-app.json", 11, 7, "ui_extension.views[0].component", "is missing", "", viewportsPage}}},
		{"no user interface, which works", "\"ui_extension\": {\n    \"views\": [\n      {\"viewport\": \"settings\", \"component\": \"Settings\"}\n    ]\n  }", `"$schema": ""`, manifest.Findings{
			{"warning", "stripe-app.json", 1, 1, "ui_extension", `is missing: Stripe's documents write "ui_extension": [] for an app without a user interface, and its published schema requires an object; apps were uploaded without it`, "", "https://github.com/stripe/stripe-apps/issues/867"}}},
	})
}

func TestFieldsThatJSONCannotHaveAreFound(t *testing.T) {
	newField := newField(t)
	checkChanged(t, "stripe-app.json", plainJSON, []changed{
		{"a field that nobody knows", `"id"`, `"color": "red", "id"`, manifest.Findings{
			{"warning", "stripe-app.json", 2, 3, "color", newField, "", docsManifest}}},
		{"a field with a slip of the pen", `"id"`, `"allowed_redirect_uri": [], "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 3, "allowed_redirect_uri", "is not a field that is known here: did you mean allowed_redirect_uris?", "", docsManifest}}},
		{"a field in another style", `"id"`, `"Post-Install-Action": null, "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 3, "Post-Install-Action", "is not a field that is known here", "post_install_action", docsManifest}}},
		{"a field with a name that is none", `"id"`, `"a \"b": 1, "id"`, manifest.Findings{
			{"warning", "stripe-app.json", 2, 3, `["a \"b"]`, newField, "", docsManifest}}},
		{"a field with a long name", `"id"`, `"` + strings.Repeat("a", 1000) + `": 1, "id"`, manifest.Findings{
			{"warning", "stripe-app.json", 2, 3, strings.Repeat("a", 80) + "…", newField, "", docsManifest}}},
		{"a field of an entry that has few", `"purpose"`, `"reason": "x", "purpose"`, manifest.Findings{
			{"error", "stripe-app.json", 7, 37, "permissions[0].reason", "is not a field of this object, which has only permission, purpose, name", "", docsManifest}}},
		{"a slip of the pen in an entry that has few", `"purpose"`, `"purposes": "x", "purpose"`, manifest.Findings{
			{"error", "stripe-app.json", 7, 37, "permissions[0].purposes", "is not a field of this object, which has only permission, purpose, name", "", docsManifest}}},
		{"a slip of the pen where fields are open", `"views"`, `"content-security-policy": {}, "views"`, manifest.Findings{
			{"warning", "stripe-app.json", 10, 5, "ui_extension.content-security-policy", "is not a field that is known here", "content_security_policy", docsManifest}}},
		{"a field that Stripe has removed", `"id"`, `"app_backend": {"webhooks": null}, "id"`, manifest.Findings{
			{"warning", "stripe-app.json", 2, 3, "app_backend", "does nothing: Stripe does not support it any more, and has taken it out of the schema; remove it", "", "https://github.com/stripe/stripe-apps/pull/863"}}},
		{"a field that an upload adds", `"id"`, `"connect_permissions": ["x"], "id"`, manifest.Findings{
			{"warning", "stripe-app.json", 2, 3, "connect_permissions", "is not in stripe-app.schema.json, which Stripe publishes, but its CLI writes it", "", "https://github.com/stripe/stripe-apps/issues/593"}}},
		{"another field that an upload adds", `"id"`, `"extensions": [{}], "id"`, manifest.Findings{
			{"warning", "stripe-app.json", 2, 3, "extensions", "is not in stripe-app.schema.json, which Stripe publishes, but its CLI writes it", "", "https://github.com/stripe/stripe-apps/issues/593"}}},
	})
}

func TestValuesOfTheWrongKindAreFound(t *testing.T) {
	checkChanged(t, "stripe-app.json", plainJSON, []changed{
		{"a number for a string", `"1.2.3"`, `1.20`, manifest.Findings{
			{"error", "stripe-app.json", 3, 14, "version", "must be a string, and is a number: put it in quotes", "1.20", docsManifest}}},
		{"null for a string", `"My App"`, `null`, manifest.Findings{
			{"error", "stripe-app.json", 4, 11, "name", "must be a string, and is null", "", docsManifest}}},
		{"a string for a boolean", `"id"`, `"sandbox_install_compatible": "true", "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 33, "sandbox_install_compatible", "must be a boolean, and is a string: take away the quotes", "", docsManifest}}},
		{"an array for an object or null", `"id"`, `"constants": [], "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 16, "constants", "must be an object or null, and is an array", "", docsManifest}}},
		{"a string among objects", `{"permission": "customer_read", "purpose": "to show names"}`, `"customer_read"`, manifest.Findings{
			{"error", "stripe-app.json", 7, 5, "permissions[0]", "must be an object, and is a string", "", docsManifest}}},
		{"an object for a list of views", "[\n      {\"viewport\": \"settings\", \"component\": \"Settings\"}\n    ]", `{}`, manifest.Findings{
			{"error", "stripe-app.json", 10, 14, "ui_extension.views", "must be an array, and is an object", "", docsManifest}}},
	})
}

func TestStringsOfTheWrongFormAreFound(t *testing.T) {
	checkChanged(t, "stripe-app.json", plainJSON, []changed{
		{"an empty name", `"My App"`, `""`, manifest.Findings{
			{"error", "stripe-app.json", 4, 11, "name", "must not be empty", "", docsManifest}}},
		{"an empty purpose", `"to show names"`, `""`, manifest.Findings{
			{"error", "stripe-app.json", 7, 48, "permissions[0].purpose", "must not be empty", "", docsManifest}}},
		{"an id with a line at its end", `my-app"`, `my-app\n"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 9, "id", "must be letters, digits, dots, - and _ only, like com.example.my-app", "", docsManifest}}},
		{"an icon without ./", `./icon.png`, `icon.png`, manifest.Findings{
			{"warning", "stripe-app.json", 5, 11, "icon", iconMust, "./icon.png", docsManifest}}},
		{"an icon without ./, in a folder", `./icon.png`, `src/views/icon.png`, manifest.Findings{
			{"warning", "stripe-app.json", 5, 11, "icon", iconMust, "./src/views/icon.png", docsManifest}}},
		{"an icon that is no PNG", `./icon.png`, `./icon.svg`, manifest.Findings{
			{"error", "stripe-app.json", 5, 11, "icon", iconMust, "", docsManifest}}},
		{"an icon that is a URL", `./icon.png`, `https://example.com/icon.png`, manifest.Findings{
			{"error", "stripe-app.json", 5, 11, "icon", iconMust, "", docsManifest}}},
		{"an icon with a path from the root", `./icon.png`, `/icon.png`, manifest.Findings{
			{"error", "stripe-app.json", 5, 11, "icon", iconMust, "", docsManifest}}},
		{"an icon with a second dot", `./icon.png`, `./icon.300.png`, manifest.Findings{
			{"error", "stripe-app.json", 5, 11, "icon", iconMust, "", docsManifest}}},
		{"a component with the name of its file", `"Settings"`, `"Settings.tsx"`, manifest.Findings{
			{"error", "stripe-app.json", 11, 45, "ui_extension.views[0].component", "must be the name of a component in src/views: letters, digits and _ only", "Settings", docsManifest}}},
	})
}

func TestStringsThatAreNotListedAreFound(t *testing.T) {
	newer := newer(t)
	checkChanged(t, "stripe-app.json", plainJSON, []changed{
		{"one of few values in another case", `"id"`, `"stripe_api_access_type": "Platform", "id"`, manifest.Findings{
			{"warning", "stripe-app.json", 2, 29, "stripe_api_access_type", "must be one of restricted_api_key, oauth, platform", "platform", docsManifest}}},
		{"one of few values with other separators", `"id"`, `"stripe_api_access_type": "restricted-api-key", "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 29, "stripe_api_access_type", "must be one of restricted_api_key, oauth, platform", "restricted_api_key", docsManifest}}},
		{"another of few values in another case", `"id"`, `"distribution_type": "PRIVATE", "id"`, manifest.Findings{
			{"warning", "stripe-app.json", 2, 24, "distribution_type", "must be one of public, private", "private", docsManifest}}},
		{"none of few values", `"id"`, `"distribution_type": "everybody", "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 24, "distribution_type", "must be one of public, private", "", docsManifest}}},
		{"a new permission", `customer_read`, `billing_meters_of_tomorrow_read`, manifest.Findings{
			{"warning", "stripe-app.json", 7, 20, "permissions[0].permission", "is not one of the permissions " + newer, "", permissionsPage}}},
		{"a permission with two letters the wrong way round", `customer_read`, `cutsomer_read`, manifest.Findings{
			{"warning", "stripe-app.json", 7, 20, "permissions[0].permission", "is not one of the permissions " + newer + ": did you mean customer_read?", "", permissionsPage}}},
		{"a permission with a hyphen", `customer_read`, `customer-read`, manifest.Findings{
			{"warning", "stripe-app.json", 7, 20, "permissions[0].permission", "is not one of the permissions " + newer, "customer_read", permissionsPage}}},
		{"a viewport of tomorrow", `"settings"`, `"stripe.dashboard.moon.list"`, manifest.Findings{
			{"warning", "stripe-app.json", 11, 20, "ui_extension.views[0].viewport", "is not one of the viewports " + newer, "", viewportsPage}}},
		{"a viewport with a letter too many", `"settings"`, `"stripe.dashboard.customers.detail"`, manifest.Findings{
			{"warning", "stripe-app.json", 11, 20, "ui_extension.views[0].viewport", "is not one of the viewports " + newer + ": did you mean stripe.dashboard.customer.detail?", "", viewportsPage}}},
	})
}

func TestPostInstallActionsAreChecked(t *testing.T) {
	typesMust := "is not one of the types of an action in Stripe's schema and documents of " + dateOfNames(t) +
		" (onboarding, settings, external, modal), and can be newer"
	checkChanged(t, "stripe-app.json", plainJSON, []changed{
		{"an action without a type", `"id"`, `"post_install_action": {}, "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 26, "post_install_action.type", "is missing", "", postInstallPage}}},
		{"an action elsewhere, but not where", `"id"`, `"post_install_action": {"type": "external"}, "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 26, "post_install_action.url", "is missing", "", postInstallPage}}},
		{"an action elsewhere, without the scheme", `"id"`, `"post_install_action": {"type": "external", "url": "example.com"}, "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 54, "post_install_action.url", "must be an http or https URL", "", postInstallPage}}},
		{"an action elsewhere, with a space", `"id"`, `"post_install_action": {"type": "external", "url": "https://example.com/a b"}, "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 54, "post_install_action.url", "must be an http or https URL", "", postInstallPage}}},
		{"an action elsewhere, at no IPv6 address", `"id"`, `"post_install_action": {"type": "external", "url": "https://[1::2::3]/"}, "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 54, "post_install_action.url", "must be an http or https URL", "", postInstallPage}}},
		{"an action elsewhere, at an IPv4 address in brackets", `"id"`, `"post_install_action": {"type": "external", "url": "https://[127.0.0.1]/"}, "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 54, "post_install_action.url", "must be an http or https URL", "", postInstallPage}}},
		{"an action inside with a URL", `"id"`, `"post_install_action": {"type": "settings", "url": "https://example.com/"}, "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 47, "post_install_action.url", "belongs to the type external only", "", postInstallPage}}},
		{"an onboarding with a URL", `"id"`, `"post_install_action": {"url": "https://example.com/", "type": "onboarding"}, "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 27, "post_install_action.url", "belongs to the type external only", "", postInstallPage},
			{"warning", "stripe-app.json", 2, 66, "post_install_action.type", "there is no view with the viewport onboarding for it to lead to", "", postInstallPage}}},
		{"an action inside with another field", `"id"`, `"post_install_action": {"type": "settings", "urls": 1}, "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 47, "post_install_action.urls", "is not a field of this object, which has only type", "", postInstallPage}}},
		{"an action of another type", `"id"`, `"post_install_action": {"type": "popup"}, "id"`, manifest.Findings{
			{"warning", "stripe-app.json", 2, 35, "post_install_action.type", typesMust, "", postInstallPage}}},
		{"an action of another type with a URL", `"id"`, `"post_install_action": {"type": "popup", "url": "example.com"}, "id"`, manifest.Findings{
			{"warning", "stripe-app.json", 2, 35, "post_install_action.type", typesMust, "", postInstallPage}}},
		{"an action that is a string", `"id"`, `"post_install_action": "settings", "id"`, manifest.Findings{
			{"error", "stripe-app.json", 2, 26, "post_install_action", "must be an object or null, and is a string", "", postInstallPage}}},
	})
}

func TestAllThatIsWrongIsFound(t *testing.T) {
	checkChanged(t, "stripe-app.json", plainJSON, []changed{
		{"two at once", `"id": "com.example.my-app",`, `"id": "", "distribution_type": 1,`, manifest.Findings{
			{"error", "stripe-app.json", 2, 9, "id", "must be letters, digits, dots, - and _ only, like com.example.my-app", "", docsManifest},
			{"error", "stripe-app.json", 2, 34, "distribution_type", "must be a string, and is a number: put it in quotes", "1", docsManifest}}},
	})
}

func TestExtensionsAreChecked(t *testing.T) {
	newer := newer(t)
	const (
		action    = "extensions[0].methods.custom_workflow_action_run"
		jsonMust  = "must be the path of a .json file, of letters, digits, dots, slashes, - and _ only"
		idMust    = "must be the id of a managed resource, as Stripe has given it"
		threeMust = "must be a semantic version of three numbers, like 1.0.0"
	)
	checkChanged(t, "stripe-app.yaml", plainYAML, []changed{
		{"a required field is missing", "version: 1.2.3\n", "", manifest.Findings{
			{"error", "stripe-app.yaml", 1, 1, "version", "is missing", "", docsManifest}}},
		{"one of an extension is missing", "\n    name: Round up", "", manifest.Findings{
			{"error", "stripe-app.yaml", 5, 5, "extensions[0].name", "is missing", "", docsManifest}}},
		{"a version without quotes that is a number", "version: 1.2.3", "version: 1.20", manifest.Findings{
			{"error", "stripe-app.yaml", 3, 10, "version", "must be a string, and is a number: put it in quotes", "1.20", docsManifest}}},
		{"an extension's version with two numbers", `1.0.0-rc.1+build`, `"1.0"`, manifest.Findings{
			{"error", "stripe-app.yaml", 8, 14, "extensions[0].version", threeMust, "", "https://semver.org"}}},
		{"an extension's version with a v", `1.0.0-rc.1+build`, `v1.0.0`, manifest.Findings{
			{"error", "stripe-app.yaml", 8, 14, "extensions[0].version", threeMust, "1.0.0", "https://semver.org"}}},
		{"an extension's version with a leading zero", `1.0.0-rc.1+build`, `1.0.0-01`, manifest.Findings{
			{"error", "stripe-app.yaml", 8, 14, "extensions[0].version", threeMust, "", "https://semver.org"}}},
		{"an interface with a space", `core.workflows.custom_action`, `core workflows`, manifest.Findings{
			{"error", "stripe-app.yaml", 7, 19, "extensions[0].interface_id", "must be letters, digits, dots, - and _ only", "", extensionPoints}}},
		{"an unknown permission", `permission: customer_read`, `permission: customers_read`, manifest.Findings{
			{"warning", "stripe-app.yaml", 10, 21, "extensions[0].permissions[0].permission", "is not one of the permissions " + newer + ": did you mean customer_read?", "", permissionsPage}}},
		{"an unknown implementation", `remote_function`, `lambda`, manifest.Findings{
			{"error", "stripe-app.yaml", 14, 30, action + ".implementation_type", "must be one of remote_function, script", "", docsManifest}}},
		{"a resource id that is too short", `res_6a`, `res_6`, manifest.Findings{
			{"error", "stripe-app.yaml", 15, 22, action + ".resource_id", idMust, "", docsManifest}}},
		{"the schemas' types mixed up", `json_schema`, `jsonforms`, manifest.Findings{
			{"error", "stripe-app.yaml", 17, 32, action + ".custom_input.input_schema.type", "must be json_schema", "json_schema", docsManifest}}},
		{"a schema that is no file", `a/c.json`, `a/c.yaml`, manifest.Findings{
			{"error", "stripe-app.yaml", 18, 49, action + ".custom_input.ui_schema.content", jsonMust, "", docsManifest}}},
		{"another method", `custom_workflow_action_run`, `compute_tides`, manifest.Findings{
			{"warning", "stripe-app.yaml", 13, 7, "extensions[0].methods.compute_tides", "is not one of the methods " + newer, "", extensionPoints}}},
	})
}

func TestFieldsThatYAMLCannotHaveAreFound(t *testing.T) {
	checkChanged(t, "stripe-app.yaml", plainYAML, []changed{
		{"a field that nobody knows", `interface_id`, "color: red\n    interface_id", manifest.Findings{
			{"warning", "stripe-app.yaml", 7, 5, "extensions[0].color", newField(t), "", docsManifest}}},
		{"a field of manifest v1 that has moved", "version: 1.2.3", "version: 1.2.3\npermissions: []", manifest.Findings{
			{"error", "stripe-app.yaml", 4, 1, "permissions", "belongs in declarations.stripe_api_access.permissions", "", docsManifest}}},
		{"one of them with a slip of the pen", "version: 1.2.3", "version: 1.2.3\npermission: []", manifest.Findings{
			{"error", "stripe-app.yaml", 4, 1, "permission", "belongs in declarations.stripe_api_access.permissions", "", docsManifest}}},
		{"a field of manifest v1 that has not", "version: 1.2.3", "version: 1.2.3\nconstants: {}", manifest.Findings{
			{"warning", "stripe-app.yaml", 4, 1, "constants", "belongs in declarations", "", docsManifest}}},
	})
}

func TestWhatTheCLIWritesToYAMLIsChecked(t *testing.T) {
	checkChanged(t, "stripe-app.yaml", plainYAML, []changed{
		{"what the CLI writes, as it should be", "version: 1.2.3", "version: 1.2.3\nicon: ./assets/icon.png\ndeclarations: {distribution_type: private}\nui_extension: {views: []}", nil},
		{"an icon that v1 would not take", "version: 1.2.3", "version: 1.2.3\nicon: public/icon.png", manifest.Findings{
			{"warning", "stripe-app.yaml", 4, 7, "icon", iconMust, "./public/icon.png", docsManifest}}},
		{"declarations that are wrong", "version: 1.2.3", `version: 1.2.3
declarations:
  distribution_type: Private
  sandbox_install_compatible: yes please
  stripe_api_acces_type: oauth
  something_new: 1
  stripe_api_access:
    permissions:
      - permission: secret_write
        purpose: ""`, manifest.Findings{
			{"warning", "stripe-app.yaml", 5, 22, "declarations.distribution_type", "must be one of public, private", "private", docsManifest},
			{"error", "stripe-app.yaml", 6, 31, "declarations.sandbox_install_compatible", "must be a boolean, and is a string", "", docsManifest},
			{"warning", "stripe-app.yaml", 7, 3, "declarations.stripe_api_acces_type", "is not a field that is known here: did you mean stripe_api_access_type?", "", docsManifest},
			{"error", "stripe-app.yaml", 12, 18, "declarations.stripe_api_access.permissions[0].purpose", "must not be empty", "", docsManifest}}},
		{"a view without a component", "version: 1.2.3", "version: 1.2.3\nui_extension:\n  views:\n    - viewport: settings", manifest.Findings{
			{"error", "stripe-app.yaml", 6, 7, "ui_extension.views[0].component", "is missing", "", viewportsPage}}},
	})
}

func TestALocalManifestIsCheckedWithWhatItExtends(t *testing.T) {
	newField := newField(t)
	const local = "app/stripe-app.dev.json"
	const base = "stripe-app.json"
	for _, test := range []struct {
		name, local, base string
		want              manifest.Findings
	}{
		{"alone it needs nothing", `{"extends": "../stripe-app.json"}`, plainJSON, nil},
		{"it has what the base lacks", `{"extends": "../stripe-app.json", "version": "1-dev"}`, change(t, plainJSON, `"version": "1.2.3",`, ``), nil},
		{"both lack it", "\n {\"extends\": \"../stripe-app.json\"}", change(t, plainJSON, `"version": "1.2.3",`, ``), manifest.Findings{
			{"error", local, 2, 2, "version", "is missing", "", docsManifest}}},
		{"a mistake in the base", `{"extends": "../stripe-app.json", "name": "Dev"}`, change(t, plainJSON, `"Settings"`, `"No Settings"`), manifest.Findings{
			{"error", base, 11, 45, "ui_extension.views[0].component", "must be the name of a component in src/views: letters, digits and _ only", "", docsManifest}}},
		{"a mistake in the local one", `{"extends": "../stripe-app.json", "name": ""}`, plainJSON, manifest.Findings{
			{"error", local, 1, 43, "name", "must not be empty", "", docsManifest}}},
		{"a mistake in the base that the local one hides", `{"extends": "../stripe-app.json", "name": "Dev"}`, change(t, plainJSON, `"My App"`, `""`), manifest.Findings{
			{"error", base, 4, 11, "name", "must not be empty", "", docsManifest}}},
		{"a mistake in both", `{"extends": "../stripe-app.json", "name": ""}`, change(t, plainJSON, `"My App"`, `""`), manifest.Findings{
			{"error", local, 1, 43, "name", "must not be empty", "", docsManifest},
			{"error", base, 4, 11, "name", "must not be empty", "", docsManifest}}},
		{"a field that one cannot have", `{"extends": "../stripe-app.json", "color": 1}`, plainJSON, manifest.Findings{
			{"warning", local, 1, 35, "color", newField, "", docsManifest}}},
		{"a field that both cannot have", `{"extends": "../stripe-app.json", "color": 1}`, change(t, plainJSON, `"id"`, `"color": 2, "id"`), manifest.Findings{
			{"warning", local, 1, 35, "color", newField, "", docsManifest},
			{"warning", base, 2, 3, "color", newField, "", docsManifest}}},
		{"half an action", `{"extends": "../stripe-app.json", "post_install_action": {"url": "https://example.com/"}}`,
			change(t, plainJSON, `"id"`, `"post_install_action": {"type": "external", "url": "https://example.com/a"}, "id"`), manifest.Findings{
				{"error", local, 1, 58, "post_install_action.type", "is missing", "", postInstallPage}}},
		{"two actions that do not go together", `{"extends": "../stripe-app.json", "post_install_action": {"type": "settings"}}`,
			change(t, plainJSON, `"id"`, `"post_install_action": {"type": "external", "url": "https://example.com/a"}, "id"`), manifest.Findings{
				{"error", base, 2, 47, "post_install_action.url", "belongs to the type external only", "", postInstallPage}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, mustLoad(t, files(local, test.local, base, test.base), local).Check())
		})
	}
}
