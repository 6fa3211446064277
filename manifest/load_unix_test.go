//go:build unix

package manifest_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

// Opening a pipe that nobody writes to waits for ever.
func TestNamedPipe(t *testing.T) {
	p := filepath.Join(t.TempDir(), "stripe-app.json")
	assert.NoError(t, syscall.Mkfifo(p, 0o600))
	done := make(chan error, 1)
	go func() { _, err := manifest.Load(p); done <- err }()
	select {
	case err := <-done:
		assert.Error(t, err)
	case <-time.After(2 * time.Second):
		t.Error("Load waits for ever")
	}
}
