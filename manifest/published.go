package manifest

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"sync"
	"time"
)

// stripe.json has what Stripe's published schemas list, as of its date. stripe.mjs
// makes it again.
//
//go:embed stripe.json
var stripeJSON []byte

// publishedSchema is what stripe.json says.
type publishedSchema struct {
	date     time.Time
	lists    map[string][]string
	patterns map[string]*regexp.Regexp
}

// published decodes stripe.json when a manifest is checked for the first time.
var published = sync.OnceValue(func() publishedSchema {
	var file struct {
		Date  string
		Lists map[string]struct{ Names []string }
		// In Go, $ is the end of the text, as it is in the schemas' JavaScript.
		Patterns map[string]struct{ Pattern string }
	}
	if err := json.Unmarshal(stripeJSON, &file); err != nil {
		panic(err) // a test reads it
	}
	date, err := time.Parse(time.DateOnly, file.Date)
	if err != nil {
		panic(err)
	}
	p := publishedSchema{date, map[string][]string{}, map[string]*regexp.Regexp{}}
	for name, list := range file.Lists {
		p.lists[name] = list.Names
	}
	for name, entry := range file.Patterns {
		p.patterns[name] = regexp.MustCompile(entry.Pattern)
	}
	return p
})

// names returns those of some of the lists, in their order.
func (p publishedSchema) names(lists []string) (names []string) {
	for _, list := range lists {
		names = append(names, p.lists[list]...)
	}
	return names
}
