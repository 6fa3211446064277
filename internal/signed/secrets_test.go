package signed

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHoldsSecret(t *testing.T) {
	for text, want := range map[string]bool{
		"absec_a":             true,
		"whsec_1":             true,
		"see absec_Z here":    true,
		"sk_live_":            true,
		"sk_test_x":           true,
		"x sk_org_live_x":     true,
		"sk_org_test_x":       true,
		"rk_live_x":           true,
		"rk_test_x":           true,
		"absec_ whsec_1":      true,
		"":                    false,
		"absec_":              false,
		"whsec_":              false,
		"absec_…":             false,
		"absec__":             false,
		"whsec_-":             false,
		"absec":               false,
		"sk_live":             false,
		"pk_live_x":           false,
		"rk_org_x":            false,
		"the secret's prefix": false,
	} {
		assert.Equal(t, want, HoldsSecret(text), text)
	}
}
