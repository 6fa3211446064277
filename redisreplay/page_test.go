package redisreplay_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThePageShowsWhatTheExampleDoes(t *testing.T) {
	page, err := os.ReadFile("../docs/replay.md")
	require.NoError(t, err)
	text, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	example := string(text)
	lines := regexp.MustCompile(`(?m)^    (.+)$`).FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, lines)
	for _, line := range lines { // in the same order
		_, after, found := strings.Cut(example, "\t"+line[1]+"\n")
		assert.True(t, found, line[1])
		example = after
	}
}
