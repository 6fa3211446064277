package manifest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/csp"
	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

// suggest says what to add, and nothing that Stripe would refuse.
func suggest(t target, directive string) string {
	if !csp.IsNetworkScheme(t.Scheme) {
		return fmt.Sprintf(", and Stripe takes none for %s: URLs", short(t.Scheme))
	}
	check := func(entry string) error { return checkSource(entryOf(entry), directive).Err() }
	exact, folder := t.exact(), t.folder()
	switch exactFault, folderFault := check(exact), check(folder); {
	case exactFault != nil && t.Scheme != "https":
		t.Scheme, t.Port = "https", fetch.DefaultPort("https")
		return ", and Stripe takes https only: call " + t.exact()
	case exactFault != nil && isStripeAPI(t.Host):
		return ", and Stripe's own hosts cannot be in the manifest: use the extension SDK's HTTP client"
	case exactFault != nil && t.Path == "/":
		return ", and Stripe takes none without a path: move it below one, like /api/"
	case exactFault != nil:
		return ", and Stripe takes none for it"
	case exact == folder:
		return fmt.Sprintf(": add %q, which allows it and all below it", exact)
	case folderFault != nil:
		return fmt.Sprintf(": add %q, which allows this URL alone", exact)
	}
	return fmt.Sprintf(": add %q, which allows this URL alone, or %q, which allows all below it", exact, folder)
}

func entryOf(text string) entry {
	return entry{node: &node{kind: kindString, text: text}, source: csp.Parse(text)}
}

func (t target) origin() string {
	origin := t.Scheme + "://" + t.Host
	if t.Port != fetch.DefaultPort(t.Scheme) {
		origin += ":" + strconv.Itoa(int(t.Port))
	}
	return origin
}

func (t target) exact() string { return t.origin() + t.Path }

func (t target) folder() string { return t.origin() + t.Path[:strings.LastIndexByte(t.Path, '/')+1] }

// closest returns an entry that fails in one thing only, and what that is.
func closest(entries []entry, t target) (entry, string) {
	for _, e := range entries {
		s := e.source
		if s.Kind != csp.Host {
			continue
		}
		schemeOK, hostOK := s.MatchesScheme(t.URL), s.MatchesHost(t.URL)
		portOK, pathOK := s.MatchesPort(t.URL), s.MatchesPath(t.URL)
		switch {
		case hostOK && schemeOK && portOK && !pathOK:
			if why := pathDiffers(e, t); why != "" {
				return e, why
			}
		case hostOK && schemeOK && pathOK && !portOK:
			return e, fmt.Sprintf("the port is another: the URL's is %d", t.Port)
		case hostOK && pathOK && !schemeOK:
			return e, fmt.Sprintf("the scheme is another: the URL's is %s", t.Scheme)
		case s.Subdomains && s.Host == t.Host:
			return e, fmt.Sprintf("a wildcard stands for what is below the host, and not for %s itself", t.Host)
		}
	}
	return entry{}, ""
}

// pathDiffers says how the path of t differs from that of e, if it is a small thing.
func pathDiffers(e entry, t target) string {
	s := e.source
	switch {
	case csp.Decode(s.Path) == csp.Decode(t.Path)+"/":
		return fmt.Sprintf("the slash at its end allows what is below it, and not %s itself: add %q",
			t.Path, strings.TrimSuffix(e.text, "/"))
	case !strings.HasSuffix(s.Path, "/") && strings.HasPrefix(csp.Decode(t.Path), csp.Decode(s.Path)+"/"):
		return fmt.Sprintf("without a slash at its end it allows that URL alone: add %q", e.text+"/")
	case strings.EqualFold(csp.Decode(s.Path), csp.Decode(t.Path)):
		return "paths are case-sensitive"
	}
	return ""
}
