package manifest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// found lists what Check says, a line each: "error path: text → fix".
func found(t *testing.T, file, text string) (lines []string) {
	t.Helper()
	for _, f := range mustLoad(t, files(file, text), file).Check() {
		line := fmt.Sprintf("%s %s: %s", f.Severity, f.Path, f.Text)
		if f.Fix != "" {
			line += " → " + f.Fix
		}
		lines = append(lines, line)
	}
	return lines
}

// checkFound holds manifests that are changed in one place against found.
func checkFound(t *testing.T, file, text string, tests []foundTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, found(t, file, change(t, text, test.old, test.new)))
		})
	}
}

type foundTest struct {
	name, old, new string
	want           []string
}

// views is where plainJSON has its user interface.
const views = `"ui_extension": {
    "views": [
      {"viewport": "settings", "component": "Settings"}
    ]
  }`

// An app without a user interface, as Stripe's documents tell to write it.
const withoutUI = `{"id": "com.example.app", "version": "1.0.0", "name": "Example", "icon": "./icon.png", "permissions": [],
  "ui_extension": [], "stripe_api_access_type": "oauth", "allowed_redirect_uris": ["https://example.com/oauth/callback"]}`

func TestAnAppWithoutAUserInterface(t *testing.T) {
	m := mustLoad(t, files("stripe-app.json", withoutUI), "stripe-app.json")
	assert.Empty(t, m.Check())
	assert.True(t, m.AllowsRedirect("https://example.com/oauth/callback").Allowed)
	assert.False(t, m.AllowsConnect("https://example.com/oauth/callback").Allowed)

	m = mustLoad(t, files("stripe-app.json", plainJSON, "stripe-app.dev.json", `{"extends": "stripe-app.json", "ui_extension": []}`), "stripe-app.dev.json")
	assert.Empty(t, m.Check())

	e := loadError(t, files("stripe-app.json", `{"ui_extension": [{}]}`), "stripe-app.json")
	assert.Equal(t, "ui_extension must be an object, and is an array", e.Text)
}

const leaveOut = "is null, which Stripe's published schema refuses here: leave the field out"

func TestNullIsNoReasonNotToLoad(t *testing.T) {
	const policy = "ui_extension.content_security_policy"
	checkFound(t, "stripe-app.json", plainJSON, []foundTest{
		{"no user interface", views, `"ui_extension": null`, []string{"warning ui_extension: " + leaveOut}},
		{"no views", views, `"ui_extension": {"views": null}`, []string{"warning ui_extension.views: " + leaveOut}},
		{"no policy", views, `"ui_extension": {"content_security_policy": null}`, []string{"warning " + policy + ": " + leaveOut}},
		{"no access type", `"id"`, `"stripe_api_access_type": null, "id"`, []string{"warning stripe_api_access_type: " + leaveOut}},
		{"no name", `"My App"`, `null`, []string{"error name: must be a string, and is null"}},
		{"no policy's purpose", views, `"ui_extension": {"content_security_policy": {"purpose": null}}`,
			[]string{"warning " + policy + ".purpose: purpose is null, which Stripe's published schema refuses: say to users why the app needs these URLs"}},
		{"a purpose of another kind", views, `"ui_extension": {"content_security_policy": {"purpose": 1}}`,
			[]string{"error " + policy + ".purpose: must be a string, and is a number: put it in quotes → 1"}},
	})
	for _, text := range []string{
		`{"ui_extension": null}`, `{"ui_extension": {"content_security_policy": null}}`, `{"declarations": null}`,
		`{"ui_extension": {"content_security_policy": {"purpose": 1}}}`,
	} {
		v := mustLoad(t, files("stripe-app.json", text), "stripe-app.json").AllowsRedirect("https://a.example/x")
		assert.False(t, v.Allowed, text)
	}
}

func TestAnActionWithoutAURLHasAnEmptyOne(t *testing.T) {
	checkFound(t, "stripe-app.json", plainJSON, []foundTest{
		{"as the CLI writes it", `"id"`, `"post_install_action": {"type": "settings", "url": ""}, "id"`, nil},
		{"for an onboarding", views, `"post_install_action": {"type": "onboarding", "url": ""}, "ui_extension": {"views": [{"viewport": "onboarding", "component": "O"}]}`, nil},
		{"null", `"id"`, `"post_install_action": {"type": "settings", "url": null}, "id"`, nil},
		{"a URL", `"id"`, `"post_install_action": {"type": "settings", "url": "https://example.com/"}, "id"`,
			[]string{"error post_install_action.url: belongs to the type external only"}},
		{"elsewhere, but nowhere", `"id"`, `"post_install_action": {"type": "external", "url": ""}, "id"`,
			[]string{"warning post_install_action.url: is empty, so that the action leads nowhere: write where to, or take the action out"}},
	})
}

const onlyInReference = "is in Stripe's reference of the manifest, and its published schema refuses it"

func TestWhatTheReferenceHasAndTheSchemaHasNot(t *testing.T) {
	const policy = "ui_extension.content_security_policy"
	checkFound(t, "stripe-app.json", plainJSON, []foundTest{
		{"a permission's purpose for each locale", `"to show names"`, `{"en-US": "to show names", "de": "um Namen zu zeigen"}`,
			[]string{"warning permissions[0].purpose: " + onlyInReference}},
		{"an empty one of them", `"to show names"`, `{"en-US": ""}`,
			[]string{"warning permissions[0].purpose: " + onlyInReference, "error permissions[0].purpose.en-US: must not be empty"}},
		{"one of them that is no string", `"to show names"`, `{"en-US": 1}`,
			[]string{"warning permissions[0].purpose: " + onlyInReference, "error permissions[0].purpose.en-US: must be a string, and is a number: put it in quotes → 1"}},
		{"a permission's name", `"purpose"`, `"name": "for reviewers", "purpose"`,
			[]string{"warning permissions[0].name: " + onlyInReference}},
		{"a policy's purpose for each locale", views, `"ui_extension": {"content_security_policy": {"connect-src": ["https://api.example.com/v1/"], "purpose": {"en-US": "x"}}}`,
			[]string{"warning " + policy + ".purpose: " + onlyInReference}},
	})
}

func TestFieldsAtTheTopThatTheSchemaDoesNotHave(t *testing.T) {
	tests := []foundTest{
		{"of an app that is published", `"id"`, `"provisioning": {"base_url": "https://api.example.com/", "oauth_scopes": ["a:read"], "capabilities": [], "deep_link_purposes": ["dashboard"]}, "id"`, nil},
		{"one that may be newer", `"id"`, `"payouts": {}, "id"`, []string{"warning payouts: " + newField(t)}},
		{"a slip of the pen", `"id"`, `"permisions": [], "id"`, []string{"error permisions: is not a field that is known here: did you mean permissions?"}},
	}
	for name, text := range map[string]string{
		"webhook":                 "is not a field of a manifest: event destinations are made in the Dashboard or by the API",
		"webhooks":                "is not a field of a manifest: event destinations are made in the Dashboard or by the API",
		"description":             "is not a field of a manifest: it belongs to the app's listing, in the Dashboard",
		"homepage":                "is not a field of a manifest: it belongs to the app's listing, in the Dashboard",
		"app_id":                  "is not a field of a manifest: the app's id is in id",
		"icons":                   "is not a field of a manifest: its one icon is in icon",
		"oauth":                   "is not a field of a manifest: see stripe_api_access_type and allowed_redirect_uris",
		"content_security_policy": "belongs in ui_extension",
	} {
		tests = append(tests, foundTest{name, `"id"`, `"` + name + `": {}, "id"`, []string{"error " + name + ": " + text}})
	}
	checkFound(t, "stripe-app.json", plainJSON, tests)
}

// Nobody can take away what the CLI writes again.
func TestWhatTheToolsOfStripeWriteIsNoFinding(t *testing.T) {
	checkFound(t, "stripe-app.json", plainJSON, []foundTest{
		{"extensions: null", `"id"`, `"extensions": null, "id"`, nil},
		{"extensions: []", `"id"`, `"extensions": [], "id"`, nil},
		{"connect_permissions: null", `"id"`, `"connect_permissions": null, "id"`, nil},
		{"declarations, of an upload", `"id"`, `"declarations": {"distribution_type": "private", "constants": {}, "post_install_action": {"type": "settings", "url": ""}}, "id"`, nil},
		{"declarations that are wrong", `"id"`, `"declarations": {"distribution_type": "all", "constants": 1, "post_install_action": {}}, "id"`, []string{
			"error declarations.distribution_type: must be one of public, private",
			"error declarations.constants: must be an object or null, and is a number",
			"error declarations.post_install_action.type: is missing",
		}},
	})
	checkFound(t, "stripe-app.yaml", plainYAML, []foundTest{
		{"of stripe generate app", "version: 1.2.3", "version: 1.2.3\nicon: ./assets/icon.png\ndeclarations: {distribution_type: private}\nui_extension: {views: []}", nil},
		{"what has moved, with a slip of the pen", "version: 1.2.3", "version: 1.2.3\nconstant: {}", []string{"warning constant: belongs in declarations"}},
		{"what has moved", "version: 1.2.3", "version: 1.2.3\nprovisioning: {}\npost_install_action: {}\nconstants: {}", []string{
			"warning provisioning: belongs in declarations",
			"warning post_install_action: belongs in declarations",
			"warning constants: belongs in declarations",
		}},
	})
}

func TestPermissionsCanBeMissing(t *testing.T) {
	const none = "\"permissions\": [\n    {\"permission\": \"customer_read\", \"purpose\": \"to show names\"}\n  ],"
	checkFound(t, "stripe-app.json", plainJSON, []foundTest{
		{"the CLI drops an empty list", none, "", nil},
		{"an empty list", none, `"permissions": [],`, nil},
		{"one without a purpose", `, "purpose": "to show names"`, "", []string{"error permissions[0].purpose: is missing"}},
		{"one that is a string", `{"permission": "customer_read", "purpose": "to show names"}`, `"customer_read"`,
			[]string{"error permissions[0]: must be an object, and is a string"}},
	})
}

// withEndpoints is as Stripe's documents have it.
const withEndpoints = `id: com.example.app
name: Example
version: 1.0.0
extensions:
  - id: notify
    name: Notify
    description: tells the chat
    stripe_version: 2026-09-01-20.internal
    interface_id: core.workflows.custom_action
    version: 1.0.0
    configuration:
      input_schema: {type: json_schema, content: extensions/notify/generated/config.schema.json}
    script: {type: typescript, content: extensions/notify/src/index.ts}
    endpoints:
      - id: api
        type: custom_http
        live:
          url: https://api.example.com/hook
          purpose: to tell the chat
          auth: {type: header, header_name: Authorization, secret_name: token}
    methods:
      custom_workflow_action_run: {implementation_type: script}
`

func TestExtensionsOfTheDocuments(t *testing.T) {
	checkFound(t, "stripe-app.yaml", withEndpoints, []foundTest{
		{"as it is", "id: com", "id: com", nil},
		{"in a sandbox", "live:", "managed_sandbox:", nil},
		{"an endpoint without an id", "id: api", "live_too: {}", []string{"error extensions[0].endpoints[0].id: is missing"}},
		{"an endpoint without a URL", "url: https://api.example.com/hook", "method: POST", []string{"error extensions[0].endpoints[0].live.url: is missing"}},
		{"a slip of the pen", "live:", "lives:", []string{"warning extensions[0].endpoints[0].lives: is not a field that is known here: did you mean live?"}},
	})
}

// What Stripe's documents have, or apps that Stripe has taken, and its schema has
// not.
func TestNamesThatTheSchemaDoesNotHave(t *testing.T) {
	for _, permission := range []string{
		"promotion_code_read", "shipping_rate_write", "apple_pay_domain_read", "review_write", "tax_settings_read",
		"tax_calculations_and_transactions_write", "tax_locations_read", "terminal_configuration_write",
		"terminal_location_read", "terminal_reader_write", "terminal_connection_token_write", "payment_records_read",
		"report_runs_and_report_types_write", "entitlement_read", "billing_meter_read", "customer_session_write",
		"payment_method_configurations_read", "payment_method_domain_write", "provisioning_account_request_write",
		"api_key_write", "secret_read", "workflow_custom_action_run_write",
	} {
		assert.Empty(t, found(t, "stripe-app.json", change(t, plainJSON, "customer_read", permission)), permission)
	}
	for _, viewport := range []string{
		"stripe.dashboard.fullpage", "stripe.dashboard.shipping-rates.list", "stripe.dashboard.shipping-rates.detail",
	} {
		assert.Empty(t, found(t, "stripe-app.json", change(t, plainJSON, `"settings"`, `"`+viewport+`"`)), viewport)
	}
	for _, name := range []string{
		"extend.workflows.custom_action", "billing.prorations", "billing.customer_balance_application",
		"billing.recurring_billing_item_handling", "commerce.discount_calculation", "core.workflows.custom_action",
	} {
		assert.Empty(t, found(t, "stripe-app.yaml", change(t, withEndpoints, "core.workflows.custom_action", name)), name)
	}
	for _, method := range []string{
		"execute", "get_form_state", "compute_discounts", "prorate_items", "compute_applied_customer_balance", "before_item_creation",
	} {
		assert.Empty(t, found(t, "stripe-app.yaml", change(t, withEndpoints, "custom_workflow_action_run", method)), method)
	}
	checkFound(t, "stripe-app.yaml", withEndpoints, []foundTest{
		{"what a method must have", "custom_workflow_action_run: {implementation_type: script}", "execute: {}",
			[]string{"error extensions[0].methods.execute.implementation_type: is missing"}},
		{"an unknown interface", "core.workflows.custom_action", "core.tides", []string{"warning extensions[0].interface_id: is not one of the interfaces " + newer(t)}},
	})
	checkFound(t, "stripe-app.json", plainJSON, []foundTest{
		{"the action of Stripe's own example", `"id"`, `"post_install_action": {"type": "modal", "url": ""}, "id"`, nil},
	})
}

func TestViewportsThatAreMeant(t *testing.T) {
	for written, meant := range map[string]string{
		"stripe.dashboard.settings":              "settings",
		"stripe.dashboard.onboarding":            "onboarding",
		"stripe.dashboard.drawer":                "stripe.dashboard.drawer.default",
		"stripe.dashboard.charge.detail":         "stripe.dashboard.payment.detail",
		"stripe.dashboard.payment_intent.detail": "stripe.dashboard.payment.detail",
	} {
		assert.Equal(t, []string{"warning ui_extension.views[0].viewport: is not one of the viewports " + newer(t) + ": did you mean " + meant + "?"},
			found(t, "stripe-app.json", change(t, plainJSON, `"settings"`, `"`+written+`"`)))
	}
}

func TestPermissionsThatStripeRefuses(t *testing.T) {
	for permission, want := range map[string]string{
		"webhook_write":   "is refused when an app is uploaded: take it out",
		"datastore_write": "is not a permission any more: Stripe has withdrawn it",
		"refund_read":     "is not a permission: refunds are part of charges → charge_read",
		"refund_write":    "is not a permission: refunds are part of charges → charge_write",
	} {
		assert.Equal(t, []string{"error permissions[0].permission: " + want},
			found(t, "stripe-app.json", change(t, plainJSON, "customer_read", permission)))
	}
	assert.Equal(t, []string{"warning permissions[0].permission: is not one of the permissions " + newer(t) + ": did you mean payment_records_read?"},
		found(t, "stripe-app.json", change(t, plainJSON, "customer_read", "payment_record_read")))
}

func TestPermissionsThatAreMeant(t *testing.T) {
	const several = "must be one permission: give each an entry of its own"
	checkFound(t, "stripe-app.json", plainJSON, []foundTest{
		{"two in a string", "customer_read", "coupon_read, coupon_write", []string{"error permissions[0].permission: " + several}},
		{"with a space", "customer_read", "coupon_read coupon_write", []string{"error permissions[0].permission: " + several}},
		{"one with a space", "customer_read", "customer read", []string{"error permissions[0].permission: " + several + " → customer_read"}},
		{"with a comma", "customer_read", "coupon_read,coupon_write", []string{"error permissions[0].permission: " + several}},
		{"the other way round", "customer_read", "read_charge",
			[]string{"warning permissions[0].permission: is not one of the permissions " + newer(t) + ": did you mean charge_read?"}},
		{"to write", "customer_read", "write_payment_intent",
			[]string{"warning permissions[0].permission: is not one of the permissions " + newer(t) + ": did you mean payment_intent_write?"}},
		{"an event", "customer_read", "account.application.authorized",
			[]string{"warning permissions[0].permission: is not one of the permissions " + newer(t) + ": did you mean event_read?"}},
		{"nothing that is known", "customer_read", "read_moon", []string{"warning permissions[0].permission: is not one of the permissions " + newer(t)}},
	})
}
