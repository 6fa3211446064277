package manifest

// URLRules returns the sentence of each rule for the URLs in connect-src and
// image-src, and of each for redirect URIs, by the names of its part and its own.
func URLRules() (sources, redirects map[string]string) {
	return textsOf(sourceRules), textsOf(redirectRules)
}

func textsOf(parts []part) map[string]string {
	texts := map[string]string{}
	for _, p := range parts {
		for _, r := range p.rules {
			texts[p.name+": "+r.name] = r.text
		}
	}
	return texts
}
