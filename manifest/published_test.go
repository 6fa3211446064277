package manifest

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// used is what the shapes take from stripe.json.
type used struct {
	lists, patterns map[string]bool
	seen            map[*shape]bool
}

func (u used) by(t *testing.T, s *shape) {
	if s == nil || u.seen[s] {
		return
	}
	u.seen[s] = true
	for _, list := range s.lists {
		u.lists[list] = true
	}
	if s.form != nil && s.form.pattern != "" {
		u.patterns[s.form.pattern] = true
	}
	if s.lists != nil && s.fields != nil {
		var names []string
		for _, field := range s.fields {
			names = append(names, field.name)
		}
		assert.ElementsMatch(t, names, published().names(s.lists), "the fields of an object and their list")
	}
	u.by(t, s.items)
	for _, field := range s.fields {
		u.by(t, field.shape)
	}
}

func TestShapesTakeAllThatStripeJSONHas(t *testing.T) {
	u := used{map[string]bool{}, map[string]bool{}, map[*shape]bool{}}
	for _, s := range []*shape{manifestV1, manifestV2, postInstallInside, postInstallOutside} {
		u.by(t, s)
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
		unique := slices.Compact(slices.Sorted(slices.Values(list.Names)))
		assert.Len(t, unique, len(list.Names), "%s: a name is there twice", name)
	}
	for name, entry := range file.Patterns {
		assert.Regexp(t, `^stripe-app\.schema\.(json|yaml)#/.*/pattern$`, entry.From, name)
	}
}
