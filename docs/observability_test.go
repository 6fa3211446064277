package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
)

// What collects the log asks for these names.
func TestTheFieldsInTheLogAreThoseOfThePage(t *testing.T) {
	var logged bytes.Buffer
	stripeapps.LogRefusals(slog.New(slog.NewJSONHandler(&logged, nil)))(stripeapps.Verdict{Err: stripeapps.ErrTooOld})
	var line map[string]any
	require.NoError(t, json.Unmarshal(logged.Bytes(), &line))
	page := documents(t)["docs/observability.md"]
	assert.Contains(t, page, fmt.Sprintf("%q", line[slog.MessageKey]))
	assert.Contains(t, page, fmt.Sprintf("at level %s", line[slog.LevelKey]))

	got, want := map[string]string{}, map[string]string{}
	for name, value := range line {
		switch value.(type) {
		case string:
			got[name] = "string"
		case float64:
			got[name] = "number"
		}
	}
	for _, builtIn := range []string{slog.TimeKey, slog.LevelKey, slog.MessageKey} {
		delete(got, builtIn)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (string|number) \\|").FindAllStringSubmatch(page, -1) {
		want[row[1]] = row[2]
	}
	assert.Equal(t, want, got)
}
