package manifest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

func TestFindingAsText(t *testing.T) {
	for want, f := range map[string]manifest.Finding{
		`a.json:3:4: error: b.c[0]: is wrong: write "d\"e" (https://f)`: {isError, "a.json", 3, 4, "b.c[0]", "is wrong", `d"e`, "https://f"},
		"a.json:3:4: warning: is odd":                                   {Severity: isWarning, File: "a.json", Line: 3, Column: 4, Text: "is odd"},
		"warning: is odd (https://f)":                                   {Severity: isWarning, Text: "is odd", Source: "https://f"},
	} {
		assert.Equal(t, want, f.String())
	}
}
