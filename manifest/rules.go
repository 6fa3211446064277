package manifest

// rule is one thing that can be wrong with a URL in a manifest.
type rule struct {
	name     string
	broken   func(writtenURL) bool
	severity Severity
	text     string                  // {scheme} stands for the URL's
	fix      func(writtenURL) string // nil: there is none
	source   string                  // where this is written
}

// part is what its rules apply to. The first of them that is broken is the finding
// on it.
type part struct {
	name    string
	ends    bool // a finding here leaves nothing to say of the parts after it
	ifSound bool // it is looked at only if no part before it has an error
	rules   []rule
}

// appRule is one thing that can be wrong with a manifest as a whole.
type appRule struct {
	name     string
	broken   func(*Manifest) []spot // where
	severity Severity
	text     string // {what} stands for what a spot says
	source   string
}

// Where the rules are written.
const (
	docsManifest = "https://docs.stripe.com/stripe-apps/reference/app-manifest"
	docsBuildUI  = "https://docs.stripe.com/stripe-apps/build-ui#use-third-party-apis"
	docsInstall  = "https://docs.stripe.com/stripe-apps/install-links"

	docsPublish = "https://docs.stripe.com/stripe-apps/publish-app"
	docsReview  = "https://docs.stripe.com/stripe-apps/review-requirements"
	docsSandbox = "https://docs.stripe.com/stripe-apps/enable-sandbox-support"

	// An upload adds declarations, and what became of the constants.
	pullDeclarations = "https://github.com/PostHog/posthog/pull/56404"

	csp3 = "https://www.w3.org/TR/CSP3/"
)

// noSlash is not said of an entry whose list has the one with the slash too.
const noSlash = "without a slash at its end it allows this one URL, and nothing below it"

// sourceRules are those for an entry of connect-src or image-src.
var sourceRules = []part{
	{name: "the text", ends: true, rules: []rule{
		{"white space around it", writtenURL.padded, SeverityError,
			"there is white space around the URL", writtenURL.trimmed, docsBuildUI},
		{"empty", writtenURL.empty, SeverityError,
			"the URL is empty: write it or take the entry out", nil, docsBuildUI},
		{"no URL", writtenURL.noURL, SeverityError,
			"this is no URL: an entry is https:// with a host and a path", nil, docsBuildUI},
		{"outside ASCII", writtenURL.outsideASCII, SeverityError,
			"a control character, or one outside ASCII: Chromium ignores the whole list then",
			writtenURL.percentEncoded, csp3 + "#parse-serialized-policy"},
		{"no scheme", writtenURL.noScheme, SeverityError,
			"the scheme is missing", writtenURL.withScheme, docsBuildUI},
	}},
	{name: "the case of the scheme", rules: []rule{
		{"https in upper case", writtenURL.upperHTTPS, SeverityError,
			"Stripe's schema demands https:// in lower case", writtenURL.withLowerScheme, docsManifest},
		{"http in upper case", writtenURL.upperHTTP, SeverityError,
			"Stripe's schema demands the scheme in lower case", writtenURL.withLowerScheme, docsManifest},
	}},
	{name: "the scheme", rules: []rule{
		{"plain http on loopback", writtenURL.httpOnLoopback, SeverityWarning,
			"plain http on a loopback host: the sample of a local manifest has one, but the Stripe CLI has refused it " +
				"(July 2026), and a preview allows localhost anyway; never upload it", nil, docsManifest + "#extended-manifest"},
		{"plain http", writtenURL.isHTTP, SeverityError,
			"plain http, and Stripe takes https only", writtenURL.upgraded, docsBuildUI},
		{"another scheme", writtenURL.notHTTPS, SeverityError,
			"the scheme {scheme}, and Stripe takes https only", nil, docsBuildUI},
	}},
	{name: "the authority", ends: true, rules: []rule{
		{"a user", writtenURL.hasUser, SeverityError,
			"a user in the URL: a source has none", writtenURL.withHTTPSAndNoUser, docsBuildUI},
		{"not a host", writtenURL.noHost, SeverityError,
			"the host is not letters, digits and - with dots between: a browser ignores the entry " +
				"(a host in another script is written as xn--…; CSP knows no underscore and no IPv6)",
			nil, csp3 + "#grammardef-host-part"},
	}},
	{name: "the host", rules: []rule{
		{"a wildcard in the wrong place", writtenURL.wrongWildcard, SeverityError,
			"a wildcard can be the whole left-most label only, below a domain: https://*.example.com/api/",
			writtenURL.withWildcardFirst, docsBuildUI},
		{"a wildcard for Stripe's hosts", writtenURL.stripeWildcard, SeverityWarning,
			"the wildcard stands for hosts of Stripe's API too: those cannot be in the manifest, " +
				"and Stripe's documents do not say whether this can", nil, docsBuildUI},
		{"a wildcard without a path", writtenURL.wildcardAlone, SeverityWarning,
			"a wildcard host without a path: a sample of Stripe's documents has one, " +
				"and the rule beside it says that every URL needs a path", nil, docsBuildUI},
		{"Stripe's files as images", writtenURL.showsStripe, SeverityWarning,
			"a host of Stripe's API: it cannot be in connect-src, and Stripe's documents do not say whether images can come from it",
			nil, docsBuildUI},
		{"Stripe's API", writtenURL.callsStripe, SeverityError,
			"a host of Stripe's API: it cannot be in the manifest; call it with the extension SDK's HTTP client",
			nil, docsBuildUI},
	}},
	{name: "the port", rules: []rule{
		{"not a port", writtenURL.wrongPort, SeverityError,
			"the port is not a number up to 65535: a browser ignores the entry", nil, csp3 + "#grammardef-port-part"},
		{"the port of https", writtenURL.defaultPort, SeverityWarning,
			"443 is the port of https anyway, and Stripe's documents do not say whether it takes ports",
			writtenURL.withHTTPSAndNoPort, docsBuildUI},
		{"a port", writtenURL.portElsewhere, SeverityWarning,
			"a port: Stripe's documents do not say whether it takes ports other than those of a loopback host",
			nil, docsBuildUI},
	}},
	{name: "the query", rules: []rule{
		{"a query or fragment", writtenURL.hasQuery, SeverityError,
			"a query or fragment: a browser ignores it in a source, and allows every one",
			writtenURL.withoutQuery, csp3 + "#grammardef-path-part"},
	}},
	{name: "the path", rules: []rule{
		{"what ends a source", writtenURL.endsSource, SeverityError,
			"a space, semicolon or comma in the path ends a source",
			writtenURL.withPathEncoded, csp3 + "#grammardef-source-list"},
		{"a star", writtenURL.starInPath, SeverityError,
			"a * in the path matches a literal *: a path that ends in a slash allows all below it",
			writtenURL.withPathBeforeStar, docsBuildUI},
		{"no path to connect to", writtenURL.connectsWithoutPath, SeverityError,
			"there is no path (\"path cannot be empty\"): name one, like /api/, which allows all below it",
			nil, docsBuildUI},
		{"no path of an image", writtenURL.imageWithoutPath, SeverityWarning,
			"there is no path: a browser allows the whole host then; " +
				"Stripe's schema accepts that for images, its documents ask for a path", nil, docsBuildUI},
		{"a backslash", writtenURL.hasBackslash, SeverityError,
			`a \ in the path: a browser makes a / of it in what is asked for, and so it never matches`,
			writtenURL.withSlashes, "https://url.spec.whatwg.org/#path-start-state"},
		{"dots", writtenURL.hasDots, SeverityError,
			"a . or .. in the path: a browser resolves it in what is asked for, and so it never matches",
			writtenURL.withoutDots, csp3 + "#path-part-match"},
		{"two slashes", writtenURL.twoSlashes, SeverityWarning,
			"two slashes in the path match two slashes only", nil, csp3 + "#path-part-match"},
		{"a slash behind a file", writtenURL.fileWithSlash, SeverityWarning,
			"the slash at its end allows what is below it, and not this file", writtenURL.withoutLastSlash, docsBuildUI},
		{"no slash behind a folder", writtenURL.folderWithoutSlash, SeverityWarning,
			noSlash,
			writtenURL.withLastSlash, docsBuildUI},
	}},
	{name: "the characters", ifSound: true, rules: []rule{
		{"a character of no URL", writtenURL.noSourceURI, SeverityError,
			"a character in it has no place in a URL, or a % stands alone: percent-encode it", nil, docsManifest},
	}},
}

// redirectRules are those for one of allowed_redirect_uris. What is compared
// character for character is read so: HTTP:// is not http:// here.
var redirectRules = []part{
	{name: "the URI", rules: []rule{
		{"white space around it", writtenURL.padded, SeverityError,
			"there is white space around the URI", writtenURL.trimmed, docsInstall},
		{"not absolute", writtenURL.notAbsolute, SeverityError,
			"this is no absolute URI: write https:// with a host and a path", nil, docsInstall},
		{"a wildcard", writtenURL.hasStar, SeverityError,
			"redirect URIs are compared character for character, and know no wildcard: list each one", nil, docsInstall},
		{"a user", writtenURL.hasUser, SeverityError,
			"a user in a redirect URI", writtenURL.withoutUser, docsInstall},
		{"a fragment", writtenURL.hasFragment, SeverityError,
			"a redirect URI has no fragment (RFC 6749, section 3.1.2)", writtenURL.withoutFragment, docsInstall},
		{"plain http on loopback", writtenURL.redirectsToLoopback, SeverityWarning,
			"plain http on a loopback host: test mode takes it, live mode asks for https", nil, docsInstall},
		{"plain http", writtenURL.redirectsToHTTP, SeverityWarning,
			"plain http, and live mode asks for https", writtenURL.upgraded, docsInstall},
		{"another scheme", writtenURL.redirectsElsewhere, SeverityError,
			"a redirect URI is an https URI", nil, docsInstall},
	}},
	{name: "the path", rules: []rule{
		{"no path", writtenURL.redirectsToNoPath, SeverityError,
			"there is no path: Stripe's schema demands one, like /oauth/callback", nil, docsInstall},
	}},
	{name: "the characters", ifSound: true, rules: []rule{
		{"a character of no URI", writtenURL.noURI, SeverityError,
			"a character in it has no place in a URI, or a % stands alone: percent-encode it", nil, docsInstall},
	}},
}

// endpointRules are those for the URL of an endpoint. Stripe's documents show one,
// without a path, and have no rules for it.
var endpointRules = []part{
	{name: "the URL", rules: []rule{
		{"white space around it", writtenURL.padded, SeverityError,
			"there is white space around the URL", writtenURL.trimmed, docsEndpoints},
		{"not absolute", writtenURL.notAbsolute, SeverityError,
			"this is no absolute URL: write https:// with a host", nil, docsEndpoints},
		{"a wildcard", writtenURL.hasStar, SeverityWarning,
			"an endpoint is one URL: no wildcard is known for it", nil, docsEndpoints},
		{"loopback", writtenURL.isLoopback, SeverityWarning,
			"a loopback host: scripts run on Stripe's servers, which cannot reach it", nil, docsEndpoints},
		{"plain http", writtenURL.isHTTP, SeverityWarning,
			"plain http, and Stripe's documents have https only", writtenURL.upgraded, docsEndpoints},
		{"another scheme", writtenURL.notHTTPS, SeverityError,
			"an endpoint of the type custom_http is an https URL", nil, docsEndpoints},
	}},
}

// appRules are those for a manifest as a whole. All are warnings: a review finds
// them, or users, and not the upload.
var appRules = []appRule{
	{"the name of a public app", (*Manifest).publicNames, SeverityWarning,
		"the word {what} has no place in the name of a public app", docsManifest},
	{"a public app says nothing of sandboxes", (*Manifest).publicWithoutSandbox, SeverityWarning,
		"a public app has to say whether it can be installed into sandboxes: add sandbox_install_compatible", docsSandbox},
	{"a public app has no icon", (*Manifest).publicWithoutIcon, SeverityWarning,
		"a public app needs an icon", docsReview},
	{"a public app goes to loopback", (*Manifest).publicOnLoopback, SeverityWarning,
		"a loopback host in a public app: take it out before the review, and put it into a local manifest", docsPublish},
	{"OAuth leads nowhere", (*Manifest).oauthWithoutRedirects, SeverityWarning,
		"an app that uses OAuth needs allowed_redirect_uris", docsManifest},
	{"an action leads nowhere", (*Manifest).actionsWithoutView, SeverityWarning,
		"there is no view with the viewport {what} for it to lead to", docsPostInstall},
	{"a permission twice", (*Manifest).repeatedPermissions, SeverityWarning,
		"{what} asks for the same permission", docsPermissions},
	{"a viewport twice", (*Manifest).repeatedViewports, SeverityWarning,
		"{what} has a view for the same viewport", docsViewports},
	{"constants that nobody reads", (*Manifest).unreadConstants, SeverityWarning,
		"where there are declarations, the SDK looks for constants in them: put them there too", pullDeclarations},
}
