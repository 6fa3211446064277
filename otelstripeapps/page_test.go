package otelstripeapps_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The lines of Go in docs/observability.md are indented by spaces there, and by a tab here.
func TestTheLinesOfThePageAreInTheExample(t *testing.T) {
	page, err := os.ReadFile("../docs/observability.md")
	require.NoError(t, err)
	example, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	lines := regexp.MustCompile(`(?m)^    (\S.* := .*)$`).FindAllStringSubmatch(string(page), -1)
	require.Len(t, lines, 2)
	for _, line := range lines {
		assert.Contains(t, strings.Split(string(example), "\n"), "\t"+line[1])
	}
}
