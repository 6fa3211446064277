package manifest

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// used is what the rules take from stripe.json.
type used struct {
	lists, patterns map[string]bool
	seen            map[*rule]bool
}

func (u used) by(t *testing.T, r *rule) {
	if r == nil || u.seen[r] {
		return
	}
	u.seen[r] = true
	for _, list := range r.lists {
		u.lists[list] = true
	}
	if r.form != nil && r.form.pattern != "" {
		u.patterns[r.form.pattern] = true
	}
	if r.lists != nil && r.fields != nil {
		var names []string
		for _, field := range r.fields {
			names = append(names, field.name)
		}
		assert.ElementsMatch(t, names, published().names(r.lists), "the fields of an object and their list")
	}
	u.by(t, r.items)
	for _, field := range r.fields {
		u.by(t, field.rule)
	}
}

func TestRulesTakeAllThatStripeJSONHas(t *testing.T) {
	u := used{map[string]bool{}, map[string]bool{}, map[*rule]bool{}}
	for _, r := range []*rule{manifestV1, manifestV2, postInstallInside, postInstallOutside} {
		u.by(t, r)
	}
	p := published()
	assert.ElementsMatch(t, slices.Collect(maps.Keys(p.lists)), slices.Collect(maps.Keys(u.lists)))
	assert.ElementsMatch(t, slices.Collect(maps.Keys(p.patterns)), slices.Collect(maps.Keys(u.patterns)))
	assert.Subset(t, p.lists["permissions"], misspeltPermissions)
}

func TestStripeJSONSaysWhereItIsFrom(t *testing.T) {
	var file struct {
		Date, Source string
		Lists        map[string]struct {
			From  string
			Names []string
		}
		Patterns map[string]struct{ From, Pattern string }
	}
	require.NoError(t, json.Unmarshal(stripeJSON, &file))
	assert.Equal(t, "https://github.com/stripe/stripe-apps/tree/main/schema", file.Source)
	for name, list := range file.Lists {
		assert.Regexp(t, `^stripe-app\.schema\.(json|yaml)#/`, list.From, name)
		assert.NotEmpty(t, list.Names, name)
		assert.Len(t, slices.Compact(slices.Sorted(slices.Values(list.Names))), len(list.Names), "%s: a name is there twice", name)
	}
	for name, entry := range file.Patterns {
		assert.Regexp(t, `^stripe-app\.schema\.(json|yaml)#/.*/pattern$`, entry.From, name)
	}
}
