package main

import (
	"testing"
)

func TestManifest(t *testing.T) {
	manifestFile := write(t, "stripe-app.json", `{
		"id": "com.example.app", "version": "1.0.0", "name": "A", "icon": "./i.png", "permissions": [],
		"ui_extension": {"content_security_policy": {
			"connect-src": ["https://api.example.com/v1/"],
			"image-src": ["https://img.example.com/a.png"],
			"purpose": "to show refunds"
		}},
		"allowed_redirect_uris": ["https://example.com/installed"]
	}`)
	withoutUI := write(t, "oauth.json", `{
		"id": "com.example.app", "version": "1.0.0", "name": "A", "icon": "./i.png", "ui_extension": [],
		"allowed_redirect_uris": ["https://example.com/installed"]
	}`)
	brokenManifest := write(t, "broken.json", "{\n  \"id\":,\n}")
	testCommands(t, nil, map[string]commandTest{
		"manifest allows a URL": {
			args: words("manifest allows " + manifestFile + " https://api.example.com/v1/refunds"),
			out:  "https://api.example.com/v1/refunds: allowed: *",
		},
		"manifest does not allow another": {
			code: 1,
			args: words("manifest allows -json " + manifestFile +
				" https://api.example.com/v1/refunds https://example.org/"),
			out: `{"url":"https://api.example.com/v1/refunds","allowed":true,"reason":"*`,
		},
		"manifest allows an image": {
			args: words("manifest allows -image " + manifestFile + " https://img.example.com/a.png"),
			out:  "https://img.example.com/a.png: allowed: *",
		},
		"manifest allows a redirect": {
			args: words("manifest allows -redirect " + manifestFile + " https://example.com/installed"),
			out:  "https://example.com/installed: allowed: *",
		},
		"manifest check finds nothing": {
			args: words("manifest check " + manifestFile),
			out:  manifestFile + ": nothing found\n",
		},
		"manifest allows a redirect of an app without a user interface": {
			args: words("manifest allows -redirect " + withoutUI + " https://example.com/installed"),
			out:  "https://example.com/installed: allowed: *",
		},
		"manifest check finds nothing in an app without a user interface": {
			args: words("manifest check " + withoutUI),
			out:  withoutUI + ": nothing found\n",
		},
		"manifest check prints JSON": {
			args: words("manifest check -json " + manifestFile),
			out:  `{"file":"` + manifestFile + `","ok":true,"findings":[]}` + "\n",
		},
		"manifest check finds what is not JSON": {
			args: words("manifest check " + brokenManifest), code: 1,
			out: brokenManifest + ":2:*",
		},
		"manifest check refuses what is not there": {
			args: words("manifest check /nowhere/stripe-app.json"), code: 2,
			err: "stripeapps: /nowhere/stripe-app.json: cannot be read: *",
		},
		"manifest check needs a file": {
			args: words("manifest check"), code: 2,
			err: "stripeapps: which manifest? give its file, like stripe-app.json (see stripeapps manifest " +
				"check -h)\n",
		},
		"manifest allows needs a URL": {
			args: words("manifest allows x"), code: 2,
			err: "stripeapps: which manifest, and which URL? give FILE URL… (see stripeapps manifest allows -h)\n",
		},
		"manifest allows is about one thing": {
			args: words("manifest allows -image -redirect a b"), code: 2,
			err: "stripeapps: -image and -redirect are both given: give one of them (see stripeapps manifest " +
				"allows -h)\n",
		},
		"manifest allows wants the manifest first": {
			args: words("manifest allows https://h/ " + manifestFile), code: 2,
			err: "stripeapps: the manifest comes first: manifest allows FILE URL… (see stripeapps manifest " +
				"allows -h)\n",
		},
	})
}
