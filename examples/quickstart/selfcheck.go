package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
)

// check is one request of the selfcheck, and what must come of it.
type check struct {
	sent      string
	method    string
	path      string
	header    map[string]string
	body      string
	refusedAs string // with status 401; "" means accepted
	payload   string // what an accepted request must come back with
	signedAt  time.Time
}

func checks(secret string, now time.Time) []check {
	signature := sign(samplePayload, secret, now)
	echo := func(sent, signature, body string) check {
		c := check{sent: sent, method: http.MethodPost, path: "/api/echo", body: body, payload: body, signedAt: now}
		c.header = map[string]string{"Content-Type": "application/json"}
		if signature != "" {
			c.header["Stripe-Signature"] = signature
		}
		return c
	}
	refused := func(c check, as string) check {
		c.refusedAs = as
		return c
	}

	tampered := strings.Replace(samplePayload, sampleUserID, "usr_somebody_else", 1)
	expired := sign(samplePayload, secret, now.Add(-stripeapps.DefaultTolerance-time.Minute))
	return []check{
		echo("a signed body", signature, samplePayload),
		refused(echo("a body changed after signing", signature, tampered), "no_match"),
		refused(echo("a body signed too long ago", expired, samplePayload), "too_old"),
		refused(echo("a body without signature", "", samplePayload), "not_signed"),
		{
			sent: "signed ids in headers", method: http.MethodGet, path: "/api/whoami",
			header: map[string]string{
				"Stripe-User-Id":    sampleUserID,
				"Stripe-Account-Id": sampleAccountID,
				"Stripe-Signature":  sign(sampleIDsPayload, secret, now),
			},
			payload: sampleIDsPayload, signedAt: now,
		},
	}
}

// selfcheck serves handler on a free port, sends it every check over real HTTP
// and prints a table of what happened.
func selfcheck(ctx context.Context, handler http.Handler, secret string, now func() time.Time, stdout, stderr io.Writer) int {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fail(stderr, exitFailed, fmt.Errorf("cannot listen on a free port of 127.0.0.1: %w", err))
	}
	server := newServer(handler, slog.New(slog.DiscardHandler))
	go server.Serve(listener) // until Close
	defer server.Close()

	transport := &http.Transport{} // without the environment's proxy
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: writeTimeout}

	all := checks(secret, now())
	failed := 0
	table := tabwriter.NewWriter(stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "SENT\tEXPECTED\tGOT\tRESULT")
	for _, c := range all {
		got, err := c.send(ctx, client, baseURL(listener.Addr()))
		if err != nil {
			got = "no answer: " + err.Error()
		}
		result := "OK"
		if got != c.expected() {
			result = "FAIL"
			failed++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", c.sent, c.expected(), got, result)
	}
	table.Flush()

	if failed > 0 {
		return fail(stderr, exitFailed, fmt.Errorf("%d of %d requests did not go as they must: look for FAIL in the table, and do not use this build", failed, len(all)))
	}
	fmt.Fprintf(stdout, "\nAll %d requests went as they must.\n", len(all))
	return exitOK
}

func (c check) expected() string {
	if c.refusedAs != "" {
		return fmt.Sprintf("%d %s", http.StatusUnauthorized, c.refusedAs)
	}
	return fmt.Sprint(http.StatusOK)
}

// send sends the request and returns the answer's status, and the code of a
// refusal.
func (c check) send(ctx context.Context, client *http.Client, base string) (got string, err error) {
	request, err := http.NewRequestWithContext(ctx, c.method, base+c.path, strings.NewReader(c.body))
	if err != nil {
		return "", err
	}
	for name, value := range c.header {
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
		if c.refusedAs == "" {
			if err := c.checkAnswer(body); err != nil {
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

// checkAnswer checks that an accepted request came back as it was signed.
func (c check) checkAnswer(body []byte) error {
	var a struct {
		UserID    string          `json:"user_id"`
		AccountID string          `json:"account_id"`
		SignedAt  time.Time       `json:"signed_at"`
		Payload   json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return errors.New("not the JSON of this route")
	}
	switch {
	case a.UserID != sampleUserID || a.AccountID != sampleAccountID:
		return errors.New("for another user or account")
	case a.SignedAt.Unix() != c.signedAt.Unix():
		return errors.New("with another time")
	case !bytes.Equal(a.Payload, []byte(c.payload)):
		return errors.New("with another payload")
	}
	return nil
}
