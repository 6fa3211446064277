package playground

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRandomSecretsDiffer(t *testing.T) {
	unset := func(string) (string, bool) { return "", false }
	first, err := ReadConfig(nil, unset)
	require.NoError(t, err)
	second, err := ReadConfig(nil, unset)
	require.NoError(t, err)
	assert.True(t, first.randomSecret && second.randomSecret)
	assert.NotEqual(t, first.Secrets, second.Secrets)
}
