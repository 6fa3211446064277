package install_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/install"
	"github.com/seed-8a2ffb75/stripeapps/install/installtest"
)

// Something in Stripe's place sends back what it was sent, in every place that has ever been
// shown.
func TestNothingThatTheEndpointSendsBackIsInAnError(t *testing.T) {
	echo := func(where string) installtest.Fault {
		return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			key, _, _ := r.BasicAuth()
			secret := map[string]string{"the key": key, "the refresh token": r.PostFormValue("refresh_token"), "the code": r.PostFormValue("code")}[where]
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Request-Id", secret)
			w.WriteHeader(http.StatusBadRequest)
			json.NewEncoder(w).Encode(map[string]string{"error": secret, "error_description": secret, "error_uri": secret})
		}
	}
	for _, where := range []string{"the key", "the refresh token", "the code"} {
		t.Run(where, func(t *testing.T) {
			inBubble(t, func(w *world) {
				tokens := w.installed(live)
				w.endpoint.Next(echo(where), echo(where))
				_, err := tokens.Exchange(w.Context(), live.Mode, w.endpoint.Code(live))
				assert.Regexp(t, "responded with 400$", err.Error())
				assertNoToken(t, err)
				over()
				_, err = tokens.AccessToken(w.Context(), live)
				assert.ErrorIs(t, err, install.ErrKeyRefused)
				assertNoToken(t, err)
			})
		})
	}
}

func TestWhatIsSaidOfAnEndpointThatCannotBeReached(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{&net.OpError{Op: "dial", Net: "tcp", Err: &os.SyscallError{Syscall: "connect", Err: syscall.ECONNREFUSED}}, "connect: " + syscall.ECONNREFUSED.Error()},
		{&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "stripe.invalid"}}, "lookup stripe.invalid: no such host"},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "its certificate cannot be verified: see the clock, the proxies and the authorities of this machine"},
		{fmt.Errorf("sk_live_1: %w", io.ErrUnexpectedEOF), "unexpected EOF"},
		{fmt.Errorf("net/http: HTTP/1.x transport connection broken: malformed HTTP response %q", "rt_1"), "the connection fails, or the response is not HTTP"},
		{errors.New("ac_1"), "the connection fails, or the response is not HTTP"},
	} {
		tokens := newWorld(t).process(func(cfg *install.TokensConfig) {
			cfg.Client.Transport = transport(func(*http.Request) (*http.Response, error) { return nil, test.err })
		})
		_, err := tokens.Exchange(context.Background(), install.Live, "ac_1")
		assert.ErrorIs(t, err, install.ErrTokensUnavailable)
		assert.ErrorContains(t, err, "cannot be reached: "+test.want)
		assertNoToken(t, err)
	}
}
