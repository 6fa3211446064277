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
		assert.Subset(t, published().names(s.lists), names, "the fields of an object and their list")
	}
	u.by(t, s.items)
	u.by(t, s.values)
	for _, field := range s.fields {
		u.by(t, field.shape)
	}
}

func TestShapesTakeAllThatStripeJSONHas(t *testing.T) {
	u := used{map[string]bool{}, map[string]bool{}, map[*shape]bool{}}
	for _, s := range []*shape{manifestV1, manifestV2, postInstallInside, postInstallOutside, postInstallOther} {
		u.by(t, s)
	}
	p := published()
	assert.ElementsMatch(t, slices.Collect(maps.Keys(p.lists)), slices.Collect(maps.Keys(u.lists)))
	assert.ElementsMatch(t, slices.Collect(maps.Keys(p.patterns)), slices.Collect(maps.Keys(u.patterns)))
	assert.Subset(t, p.lists["permissions"].Names, misspelledPermissions)
}

func TestStripeJSONSaysWhereItIsFrom(t *testing.T) {
	const schema = `^stripe-app\.schema\.(json|yaml)#/`
	var file struct {
		Date, Source string
		Lists        map[string]struct {
			From string
			nameList
		}
		Patterns map[string]struct{ From, Pattern string }
	}
	require.NoError(t, json.Unmarshal(stripeJSON, &file))
	assert.Equal(t, "https://github.com/stripe/stripe-apps/tree/main/schema", file.Source)
	for name, list := range file.Lists {
		if assert.Equal(t, list.From == "", list.Names == nil, name); list.From != "" {
			assert.Regexp(t, schema, list.From, name)
		}
		names := list.all()
		assert.NotEmpty(t, names, name)
		unique := slices.Compact(slices.Sorted(slices.Values(names)))
		assert.Len(t, unique, len(names), "%s: a name is there twice", name)
		for _, more := range list.Also {
			assert.NotPanics(t, func() { day(more.Date) }, name)
			assert.Regexp(t, "^https://", more.Source, name)
			assert.NotEmpty(t, more.Names, name)
			assert.IsIncreasing(t, append([]string{""}, more.Names...), name)
		}
		for _, refused := range list.Refused {
			assert.Regexp(t, "^https://", refused.Source, refused.Name)
			assert.NotEmpty(t, refused.Text, refused.Name)
			if refused.Fix != "" {
				assert.Contains(t, names, refused.Fix)
			}
		}
		for wrong, meant := range list.Meant {
			assert.NotContains(t, names, wrong)
			assert.Contains(t, names, meant)
		}
	}
	for name, entry := range file.Patterns {
		assert.Regexp(t, schema+`.*/pattern$`, entry.From, name)
	}
}

func TestAListIsAsOldAsItsOldestPart(t *testing.T) {
	var list nameList
	require.NoError(t, json.Unmarshal([]byte(`{"also": [{"date": "2026-03-01"}, {"date": "2026-09-01"}]}`), &list))
	p := publishedSchema{date: day("2026-06-01"), lists: map[string]nameList{"a": list}}
	assert.Equal(t, day("2026-03-01"), p.asOf([]string{"a"}))
	assert.Equal(t, day("2026-06-01"), p.asOf(nil))
}
