package manifest

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/internal/csp"
)

// pair is one of testdata/matching.json.
type pair struct {
	Name, Source, Directive, URL string
	Allowed                      bool
}

func pairs(tb testing.TB) (pairs []pair) {
	tb.Helper()
	data, err := os.ReadFile("testdata/matching.json")
	require.NoError(tb, err)
	require.NoError(tb, json.Unmarshal(data, &pairs))
	return pairs
}

// The verdicts are Chromium's: testdata/README.md says how they were found.
func TestMatchingIsChromiums(t *testing.T) {
	all := pairs(t)
	assert.Greater(t, len(all), 100)
	allowed := 0
	for _, pair := range all {
		if pair.Allowed {
			allowed++
		}
		t.Run(pair.Name, func(t *testing.T) {
			target, problem := parseTarget(pair.URL)
			assert.Equal(t, pair.Allowed, problem == "" && csp.Parse(pair.Source).Matches(target.URL), "%s %q: %q", pair.Directive, pair.Source, pair.URL)
		})
	}
	assert.Greater(t, allowed, 30)
	assert.Greater(t, len(all)-allowed, 30)
}
