package manifest

import (
	"cmp"
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

// A miss is an entry that fails in one thing only, and what that is.
type miss struct {
	entry
	why  string
	rank int // of the reasons: 0 says most of what is meant
}

// closest returns the best of the misses, whatever the order of the entries: the
// one that differs in the least, and of those the most specific.
func closest(entries []entry, t target) (best miss) {
	for _, e := range entries {
		m := missOf(e, t)
		if m.why == "" {
			continue
		}
		if best.why == "" || cmp.Or(cmp.Compare(m.rank, best.rank), m.compare(best.entry)) < 0 {
			best = m
		}
	}
	return best
}

func missOf(e entry, t target) miss {
	s := e.source
	if s.Kind != csp.Host {
		return miss{}
	}
	schemeOK, hostOK := s.MatchesScheme(t.URL), s.MatchesHost(t.URL)
	portOK, pathOK := s.MatchesPort(t.URL), s.MatchesPath(t.URL)
	switch {
	case hostOK && schemeOK && portOK && !pathOK:
		return miss{e, pathDiffers(e, t), 0}
	case hostOK && pathOK && !schemeOK:
		return miss{e, fmt.Sprintf("the scheme is another: the URL's is %s", t.Scheme), 1}
	case hostOK && pathOK && !portOK:
		return miss{e, fmt.Sprintf("the port is another: the URL's is %d", t.Port), 2}
	case s.Subdomains && s.Host == t.Host:
		return miss{e, fmt.Sprintf("a wildcard stands for what is below the host, and not for %s itself", t.Host), 3}
	}
	return miss{}
}

// compare orders entries that match the same URL: a host before a wildcard, then
// the longest path, and then by their text, so that the order in the file plays no
// part.
func (e entry) compare(other entry) int {
	wildcard := func(e entry) int {
		if e.source.Subdomains {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(wildcard(e), wildcard(other)),
		cmp.Compare(len(other.source.Path), len(e.source.Path)),
		cmp.Compare(e.text, other.text),
	)
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
