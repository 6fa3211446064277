package manifest

// URLRules returns the sentence of each rule for the URLs in connect-src and
// image-src, of each for redirect URIs, and of each for endpoints, by the names of
// its part and its own.
func URLRules() (sources, redirects, endpoints map[string]string) {
	return textsOf(sourceRules), textsOf(redirectRules), textsOf(endpointRules)
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

// AppRules returns the sentence of each rule for a manifest as a whole.
func AppRules() (texts []string) {
	for _, r := range appRules {
		texts = append(texts, r.text)
	}
	return texts
}
