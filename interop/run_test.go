package interop_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"testing"

	gincors "github.com/gin-contrib/cors"
	"github.com/rs/cors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/stripeappstest"
)

// swallowing is what stands in front of the chain and responds in its place.
var swallowing = map[string]struct {
	wrap  func(http.Handler) http.Handler
	names string // what Run has to say of it
}{
	"rs/cors for one origin": {
		cors.New(cors.Options{AllowedOrigins: []string{"https://app.example.com"}}).Handler,
		`(?i)(other|outer) CORS|a CORS middleware that does not know`,
	},
	"gin-contrib/cors for one origin": {func(next http.Handler) http.Handler {
		engine := newEngine()
		config := gincors.DefaultConfig()
		config.AllowOrigins = []string{"https://app.example.com"}
		engine.Use(gincors.New(config))
		engine.Any("/", throughGin(func(http.Handler) http.Handler { return next }))
		return engine
	}, `(?i)(other|outer) CORS|a CORS middleware that does not know`},
	"a guard that lets in who is known to it, and no preflight is": {func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodOptions {
				http.Error(w, "sign in", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}, `(?i)in front`},
	"a guard that lets nothing in": {func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "sign in", http.StatusUnauthorized) })
	}, `(?i)in front`},
}

// runVariable names one of swallowing in the environment of a process whose only test
// is TestRunFails.
const runVariable = "INTEROP_RUN"

func TestRunFails(t *testing.T) {
	name := os.Getenv(runVariable)
	if name == "" {
		t.Skip("TestRunNamesWhatRespondsInFront runs it, in a process of its own")
	}
	handler := swallowing[name].wrap(newChain(t, stripeapps.SignedBody)(http.HandlerFunc(whoami)))
	stripeappstest.Run(t, handler, stripeappstest.RunConfig{Target: "/", Payload: payload})
}

func TestRunNamesWhatRespondsInFront(t *testing.T) {
	executable, err := os.Executable()
	require.NoError(t, err)
	for name, test := range swallowing {
		t.Run(name, func(t *testing.T) {
			command := exec.Command(executable, "-test.run", "^TestRunFails$")
			command.Env = append(os.Environ(), runVariable+"="+name)
			output, err := command.CombinedOutput()
			assert.Error(t, err, "Run has found nothing")
			assert.Regexp(t, test.names, string(output))
			assert.Equal(t, 1, bytes.Count(output, []byte("--- FAIL: TestRunFails/")), "the cause is said once: %s", output)
			assert.Regexp(t, `\n +run_test\.go:\d+: `, string(output), "the line is that of the call")
		})
	}
}
