package manifest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

// ofApp is a public app with OAuth that breaks no rule.
const ofApp = `{
  "id": "com.example.app", "version": "1.0.0", "name": "Example", "icon": "./icon.png",
  "permissions": [{"permission": "charge_read", "purpose": "p"}, {"permission": "charge_write", "purpose": "p"}],
  "ui_extension": {"views": [{"viewport": "settings", "component": "S"}, {"viewport": "onboarding", "component": "O"}]},
  "post_install_action": {"type": "onboarding"},
  "distribution_type": "public", "sandbox_install_compatible": true, "stripe_api_access_type": "oauth",
  "allowed_redirect_uris": ["https://example.com/oauth/callback"], "constants": {"API": "https://api.example.com"}
}`

var appRules = []foundTest{
	{"as it is", `"id"`, `"id"`, nil},

	{"a word of Stripe's", `"Example"`, `"Free Stripe App"`, []string{
		"warning name: the word Free has no place in the name of a public app",
		"warning name: the word Stripe has no place in the name of a public app",
		"warning name: the word App has no place in the name of a public app",
	}},
	{"with punctuation", `"Example"`, `"Example (paid)"`, []string{"warning name: the word paid has no place in the name of a public app"}},
	{"within another word", `"Example"`, `"WhatsApp Stripes Freely prepaid"`, nil},
	{"of an app in upper case", `"Example"`, `"THE APP"`, []string{"warning name: the word APP has no place in the name of a public app"}},

	{"nothing about sandboxes", `"sandbox_install_compatible": true, `, "",
		[]string{"warning distribution_type: a public app has to say whether it can be installed into sandboxes: add sandbox_install_compatible"}},
	{"not in sandboxes", `"sandbox_install_compatible": true`, `"sandbox_install_compatible": false`, nil},
	{"no icon", `"./icon.png"`, `""`, []string{"warning icon: a public app needs an icon"}},
	{"localhost", `"https://example.com/oauth/callback"`, `"https://example.com/oauth/callback", "http://localhost:4241/callback"`, []string{
		"warning allowed_redirect_uris[1]: plain http on a loopback host: test mode takes it, live mode asks for https",
		"warning allowed_redirect_uris[1]: a loopback host in a public app: take it out before the review, and put it into a local manifest",
	}},
	{"OAuth without redirects", `"https://example.com/oauth/callback"`, "", []string{"warning stripe_api_access_type: an app that uses OAuth needs allowed_redirect_uris"}},
	{"an action without a view", `, {"viewport": "onboarding", "component": "O"}`, "",
		[]string{"warning post_install_action.type: there is no view with the viewport onboarding for it to lead to"}},
	{"another without a view", `"post_install_action": {"type": "onboarding"}`, `"post_install_action": {"type": "settings"}`, nil},
	{"an action elsewhere", `{"type": "onboarding"}`, `{"type": "external", "url": "https://example.com/"}`, nil},
	{"a permission twice", `"charge_write"`, `"charge_read"`, []string{"warning permissions[1].permission: stripe-app.json:3 asks for the same permission"}},
	{"a viewport twice", `"component": "O"}`, `"component": "O"}, {"viewport": "settings", "component": "S2"}`,
		[]string{"warning ui_extension.views[2].viewport: stripe-app.json:4 has a view for the same viewport"}},
	{"constants beside declarations", `"id"`, `"declarations": {"distribution_type": "public"}, "id"`,
		[]string{"warning constants: where there are declarations, the SDK looks for constants in them: put them there too"}},
	{"constants in declarations too", `"id"`, `"declarations": {"constants": {}}, "id"`, nil},
	{"no declarations", `"id"`, `"declarations": {}, "id"`, nil},
}

func TestRulesOfApps(t *testing.T) {
	checkFound(t, "stripe-app.json", ofApp, appRules)
}

func TestPrivateAppsAreNotReviewed(t *testing.T) {
	private := change(t, ofApp, `"public"`, `"private"`)
	checkFound(t, "stripe-app.json", private, []foundTest{
		{"any name", `"Example"`, `"Free Stripe App"`, nil},
		{"nothing about sandboxes", `"sandbox_install_compatible": true, `, "", nil},
		{"no icon", `"./icon.png"`, `""`, nil},
	})
	upper := change(t, change(t, ofApp, `"public"`, `"PUBLIC"`), `"Example"`, `"Free"`)
	assert.Len(t, found(t, "stripe-app.json", upper), 2, "PUBLIC is public")
}

func TestALocalManifestIsNotReviewed(t *testing.T) {
	m := mustLoad(t, files("stripe-app.json", ofApp, "stripe-app.dev.json",
		`{"extends": "stripe-app.json", "allowed_redirect_uris": ["http://localhost:4241/callback"]}`), "stripe-app.dev.json")
	for _, f := range m.Check() {
		assert.NotContains(t, f.Text, "public app")
	}
}

const ofAppV2 = `id: com.example.app
name: Example
version: 1.0.0
icon: ./icon.png
declarations:
  distribution_type: public
  sandbox_install_compatible: true
  stripe_api_access_type: oauth
  allowed_redirect_uris: [https://example.com/oauth/callback]
  post_install_action: {type: settings}
  constants: {API: https://api.example.com}
  stripe_api_access:
    permissions: [{permission: charge_read, purpose: p}, {permission: charge_write, purpose: p}]
extensions: []
ui_extension:
  views: [{viewport: settings, component: S}]
`

func TestRulesOfAppsInManifestV2(t *testing.T) {
	checkFound(t, "stripe-app.yaml", ofAppV2, []foundTest{
		{"as it is", "id: com", "id: com", nil},
		{"constants at the top", "icon: ./icon.png\n", "icon: ./icon.png\nconstants: {A: b}\n", []string{"warning constants: belongs in declarations"}},
		{"and nowhere else", "  constants: {API: https://api.example.com}\n  stripe_api_access:\n    permissions: [{permission: charge_read, purpose: p}, {permission: charge_write, purpose: p}]\n", "constants: {A: b}\n",
			[]string{"warning constants: belongs in declarations"}},
		{"a word of Stripe's", "name: Example", "name: Stripe Example", []string{"warning name: the word Stripe has no place in the name of a public app"}},
		{"nothing about sandboxes", "  sandbox_install_compatible: true\n", "",
			[]string{"warning declarations.distribution_type: a public app has to say whether it can be installed into sandboxes: add sandbox_install_compatible"}},
		{"OAuth without redirects", "https://example.com/oauth/callback", "",
			[]string{"warning declarations.stripe_api_access_type: an app that uses OAuth needs allowed_redirect_uris"}},
		{"an action without a view", "{type: settings}", "{type: onboarding}",
			[]string{"warning declarations.post_install_action.type: there is no view with the viewport onboarding for it to lead to"}},
		{"a permission twice", "charge_write", "charge_read",
			[]string{"warning declarations.stripe_api_access.permissions[1].permission: stripe-app.yaml:13 asks for the same permission"}},
	})
	checkFound(t, "stripe-app.yaml", plainYAML, []foundTest{
		{"a permission of an extension twice", "        purpose: to show names\n", "        purpose: to show names\n      - {permission: customer_read, purpose: again}\n",
			[]string{"warning extensions[0].permissions[1].permission: stripe-app.yaml:10 asks for the same permission"}},
	})
}

// The table above has a manifest for each rule.
func TestEveryRuleOfAppsIsBroken(t *testing.T) {
	rules := manifest.AppRules()
	assert.Len(t, rules, 9)
	for _, test := range appRules {
		for _, f := range mustLoad(t, files("stripe-app.json", change(t, ofApp, test.old, test.new)), "stripe-app.json").Check() {
			rules = without(rules, f.Text)
		}
	}
	assert.Empty(t, rules)
}

// without returns the texts but for the one that said is an instance of.
func without(texts []string, said string) []string {
	return slices.DeleteFunc(texts, func(text string) bool {
		before, after, _ := strings.Cut(text, "{what}")
		return strings.HasPrefix(said, before) && strings.HasSuffix(said, after)
	})
}
