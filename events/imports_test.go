package events_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Events outlive the majors of stripe-go: none of them is needed to read one.
func TestThisPackageKnowsNoStripeGoAndNoInstalls(t *testing.T) {
	files := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			assert.NotContains(t, name, "stripe-go", path)
			assert.NotContains(t, name, "stripeapps/install", path)
			assert.NotContains(t, name, "stripeapps/stripeappstest", path)
		}
		return nil
	}))
	assert.Greater(t, files, 8)
}
