package playground

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
)

// probe is one request of the selfcheck, and what must come of it.
type probe struct {
	sent      string
	method    string
	path      string
	header    map[string]string
	body      string
	refusedAs *stripeapps.Error // with status 401; nil means accepted
	payload   string            // what an accepted request must come back with
	signedAt  time.Time
}

func probes(secret string, now time.Time) []probe {
	echo := func(sent, signature, body string) probe {
		p := probe{sent: sent, method: http.MethodPost, path: "/api/echo", body: body, payload: body, signedAt: now}
		p.header = map[string]string{"Content-Type": "application/json"}
		if signature != "" {
			p.header["Stripe-Signature"] = signature
		}
		return p
	}
	refused := func(p probe, as *stripeapps.Error) probe {
		p.refusedAs = as
		return p
	}

	tampered := strings.Replace(samplePayload, sampleUserID, "usr_somebody_else", 1)
	good := signature(samplePayload, secret, now)
	expired := signature(samplePayload, secret, now.Add(-stripeapps.DefaultTolerance-time.Minute))
	return []probe{
		echo("a signed body", good, samplePayload),
		refused(echo("a body changed after signing", good, tampered), stripeapps.ErrNoMatch),
		refused(echo("a body signed too long ago", expired, samplePayload), stripeapps.ErrTooOld),
		refused(echo("a body without signature", "", samplePayload), stripeapps.ErrNotSigned),
		{
			sent: "signed ids in headers", method: http.MethodGet, path: "/api/whoami",
			header: map[string]string{
				"Stripe-User-Id":    sampleUserID,
				"Stripe-Account-Id": sampleAccountID,
				"Stripe-Signature":  signature(sampleIDsPayload, secret, now),
			},
			payload: sampleIDsPayload, signedAt: now,
		},
	}
}

// Selfcheck has server serve on a free port, sends it every probe over real HTTP
// and prints a table of what happened. It ends with server closed.
func Selfcheck(ctx context.Context, server *http.Server, secret string, now func() time.Time, stdout io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("cannot listen on a free port of 127.0.0.1: %w", err)
	}
	go server.Serve(listener) // until Close
	defer server.Close()

	transport := &http.Transport{} // without the environment's proxy
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}

	all := probes(secret, now())
	failed := 0
	table := tabwriter.NewWriter(stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "SENT\tEXPECTED\tGOT\tRESULT")
	for _, p := range all {
		got, err := p.send(ctx, client, baseURL(listener.Addr()))
		if err != nil {
			got = "no response: " + err.Error()
		}
		result := "OK"
		if got != p.expected() {
			result = "FAIL"
			failed++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.sent, p.expected(), got, result)
	}
	table.Flush()

	if failed > 0 {
		return fmt.Errorf("%d of %d requests did not go as they must: look for FAIL in the table, "+
			"and do not use this build", failed, len(all))
	}
	fmt.Fprintf(stdout, "\nAll %d requests went as they must.\n", len(all))
	return nil
}

func (p probe) expected() string {
	if p.refusedAs != nil {
		return fmt.Sprintf("%d %s", http.StatusUnauthorized, p.refusedAs.Code())
	}
	return fmt.Sprint(http.StatusOK)
}

// send sends the request and returns the response's status, and the code of a
// refusal.
func (p probe) send(ctx context.Context, client *http.Client, base string) (got string, err error) {
	request, err := http.NewRequestWithContext(ctx, p.method, base+p.path, strings.NewReader(p.body))
	if err != nil {
		return "", err
	}
	for name, value := range p.header {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return "", err
	}

	got = fmt.Sprint(response.StatusCode)
	if response.StatusCode == http.StatusOK {
		if p.refusedAs == nil {
			if err := p.checkResponse(body); err != nil {
				got += ", but " + err.Error()
			}
		}
		return got, nil
	}
	var problem struct{ Code string }
	if err := json.Unmarshal(body, &problem); err != nil {
		return got + " without a problem document", nil
	}
	return got + " " + problem.Code, nil
}

// checkResponse checks that an accepted request came back as it was signed.
func (p probe) checkResponse(body []byte) error {
	var told struct {
		UserID    string          `json:"user_id"`
		AccountID string          `json:"account_id"`
		SignedAt  time.Time       `json:"signed_at"`
		Payload   json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(body, &told); err != nil {
		return errors.New("not the JSON of this route")
	}
	switch {
	case told.UserID != sampleUserID || told.AccountID != sampleAccountID:
		return errors.New("for another user or account")
	case told.SignedAt.Unix() != p.signedAt.Unix():
		return errors.New("with another time")
	case !bytes.Equal(told.Payload, []byte(p.payload)):
		return errors.New("with another payload")
	}
	return nil
}
