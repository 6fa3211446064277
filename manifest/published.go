package manifest

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"slices"
	"sync"
	"time"
)

// stripe.json has the names and patterns of Stripe's published schemas, as of its
// date, and what else is known of the names: each with where it is from, and when.
// stripe.mjs brings what is from the schemas up to date.
//
//go:embed stripe.json
var stripeJSON []byte

// publishedSchema is what stripe.json says.
type publishedSchema struct {
	date     time.Time
	lists    map[string]nameList
	patterns map[string]*regexp.Regexp
}

// nameList are the names that Stripe takes in one place.
type nameList struct {
	Names []string // of the published schema
	// Also are those that Stripe's documents have and the schema has not, or that
	// were seen in manifests that Stripe has taken.
	Also []struct {
		Date, Source string
		Names        []string
	}
	// Refused are those that Stripe refuses, whatever the schema says.
	Refused []refusedName
	// Meant has what people write, and what they mean.
	Meant map[string]string
}

// refusedName is a name that Stripe refuses.
type refusedName struct{ Name, Text, Fix, Source string }

// published decodes stripe.json when a manifest is checked for the first time.
var published = sync.OnceValue(func() publishedSchema {
	var file struct {
		Date  string
		Lists map[string]nameList
		// In Go, $ is the end of the text, as it is in the schemas' JavaScript.
		Patterns map[string]struct{ Pattern string }
	}
	if err := json.Unmarshal(stripeJSON, &file); err != nil {
		panic(err) // a test reads it
	}
	p := publishedSchema{day(file.Date), file.Lists, map[string]*regexp.Regexp{}}
	for name, entry := range file.Patterns {
		p.patterns[name] = regexp.MustCompile(entry.Pattern)
	}
	return p
})

func day(text string) time.Time {
	date, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err) // a test reads them
	}
	return date
}

// all returns the names of a list.
func (l nameList) all() []string {
	names := slices.Clone(l.Names)
	for _, more := range l.Also {
		names = append(names, more.Names...)
	}
	return names
}

// names returns those of some of the lists, in their order.
func (p publishedSchema) names(lists []string) (names []string) {
	for _, list := range lists {
		names = append(names, p.lists[list].all()...)
	}
	return names
}

// refused returns why a name of one of the lists is refused, if it is.
func (p publishedSchema) refused(lists []string, name string) (refusedName, bool) {
	for _, list := range lists {
		for _, refused := range p.lists[list].Refused {
			if refused.Name == name {
				return refused, true
			}
		}
	}
	return refusedName{}, false
}

// meant returns the name of one of the lists that is meant by another one, or "".
func (p publishedSchema) meant(lists []string, name string) string {
	for _, list := range lists {
		if meant := p.lists[list].Meant[name]; meant != "" {
			return meant
		}
	}
	return ""
}

// asOf returns the date of the oldest part of some of the lists.
func (p publishedSchema) asOf(lists []string) time.Time {
	date := p.date
	for _, list := range lists {
		for _, more := range p.lists[list].Also {
			if d := day(more.Date); d.Before(date) {
				date = d
			}
		}
	}
	return date
}
