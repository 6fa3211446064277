package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

func (a *app) signCommand() *cli.Command {
	return &cli.Command{
		Name:  "sign",
		Usage: "print a request that is signed as Stripe signs it",
		Description: "The text that is signed is JSON.stringify({...payload, user_id, account_id}); without a\n" +
			"payload it is the two ids. Each secret adds a v1, as while a secret is rolled.\n\n" +
			"With -event it is an event of a webhook, signed with $STRIPE_WEBHOOK_SECRET; the types that begin with\n" +
			"v1. or v2. are thin. With -install it is the address to which an install link leads a browser back: give\n" +
			"it the address that your page leads to, which has the state, and open the result in the same browser.\n\n" +
			"Example: stripeapps sign -payload '{\"amount\":1250}' -user usr_123 -account acct_123 | sh\n" +
			"         stripeapps sign -as http | stripeapps verify\n" +
			"         stripeapps sign -event account.application.deauthorized -url http://127.0.0.1:8080/stripe/events | sh\n" +
			"         stripeapps sign -install 'https://marketplace.stripe.com/apps/install/link/…?redirect_uri=…&state=…'\n\n" + exitCodesText,
		Flags: append([]cli.Flag{
			&cli.StringFlag{
				Name: "payload",
				Usage: "what the extension gives to fetchStripeSignature, or an event's data.object (a thin one's related_object): " +
					"a `JSON` object, or - for standard input",
			},
			&cli.StringFlag{Name: "payload-file", Usage: "the same from `FILE`, or - for standard input", TakesFile: true},
			&cli.StringFlag{Name: "user", Value: "usr_test", Usage: "user_id; an empty `ID` leaves it out", Validator: checkUser},
			&cli.StringFlag{Name: "account", Value: "acct_test", Usage: "account_id, an `ID`", Validator: checkID},
			timeFlag("time", "sign at this `TIME`, RFC 3339 or Unix seconds (default: now)"),
			&cli.StringFlag{
				Name:      "ids-in",
				Usage:     "send the ids in `body|headers|query` (default: body with a payload, headers without)",
				Validator: oneOf("body", "headers", "query"),
			},
			&cli.StringFlag{
				Name: "as", Value: "curl",
				Usage:     "print a `curl|header|http|url`: a shell command, the signature, an HTTP/1.1 request, or, for -install, the address",
				Validator: oneOf("curl", "header", "http", "url"),
			},
			// The URL is checked later: the library would show it with its password.
			&cli.StringFlag{Name: "url", Usage: "where to send it, a `URL` (default: examples/quickstart's, and " + usualEndpoint + " for an event)"},
			&cli.StringFlag{Name: "method", Usage: "`METHOD` (default: POST with a body, GET without)", Validator: checkMethod},
			secretFileFlag(),
		}, otherSignFlags()...),
		Action: a.sign,
	}
}

func checkUser(id string) error {
	if id == "" {
		return nil
	}
	return checkID(id)
}

func checkID(id string) error {
	if !signed.IsID(id) {
		return errors.New("an id is 1 to 255 letters, digits and underscores, like usr_123 and acct_123")
	}
	return nil
}

func checkMethod(method string) error {
	if !fetch.IsToken(method) {
		return errors.New("this is not the name of a method, like POST")
	}
	return nil
}

func (a *app) sign(_ context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	what, err := whatToSign(cmd)
	if err != nil {
		return err
	}
	s, err := a.readSecrets(cmd, what.secrets)
	if err == nil {
		err = s.require()
	}
	if err != nil {
		return err
	}
	payload, err := a.readPayload(cmd)
	if err != nil {
		return err
	}
	request, err := what.make(cmd, payload, s)
	if err != nil {
		return err
	}
	if s.in(request.url.String() + request.http()) {
		return misconfigured("the request holds the secret itself: take it out of the payload and the URL")
	}
	format := cmd.String("as")
	if !cmd.IsSet("as") {
		format = what.usualFormat
	}
	for _, note := range request.notes(format, s) {
		fmt.Fprintln(a.err, "stripeapps: note: "+note)
	}
	if cmd.Bool("json") {
		a.printJSON(request.json())
		return nil
	}
	fmt.Fprint(a.out, request.as(format))
	return nil
}

// readPayload returns nil if there is none.
func (a *app) readPayload(cmd *cli.Command) ([]byte, error) {
	switch {
	case cmd.IsSet("payload") && cmd.IsSet("payload-file"):
		return nil, misused(cmd, "-payload and -payload-file are both given: give one of them")
	case cmd.IsSet("payload-file"):
		return a.readInput(cmd.String("payload-file"))
	case cmd.String("payload") == "-":
		return a.readInput("-")
	case cmd.IsSet("payload"):
		return []byte(cmd.String("payload")), nil
	}
	return nil, nil
}

func newSignedRequest(cmd *cli.Command, payload []byte, s secrets) (*signedRequest, error) {
	at := timeOf(cmd, "time")
	text, err := stripejs.Payload(payload, cmd.String("user"), cmd.String("account"))
	if err != nil {
		return nil, misused(cmd, "the payload is not a JSON object: give one like {\"amount\":1250}")
	}
	r := &signedRequest{at: at, signature: stripejs.Header(text, at, s.values...)}
	if r.url, err = parseTarget(cmd, payload != nil || cmd.String("ids-in") == "body"); err != nil {
		return nil, err
	}
	if err := r.place(cmd, text, payload != nil); err != nil {
		return nil, err
	}
	return r, r.chooseMethod(cmd)
}

// quickstart is where examples/quickstart listens, beside `stripe apps start`, which
// has port 4242.
const quickstart = "http://127.0.0.1:4241"

func parseTarget(cmd *cli.Command, hasBody bool) (*url.URL, error) {
	if hasBody {
		return parseURL(cmd, "url", quickstart+"/api/echo")
	}
	return parseURL(cmd, "url", quickstart+"/api/whoami")
}

// parseURL parses the URL of a flag, or the usual one.
func parseURL(cmd *cli.Command, flag, usual string) (*url.URL, error) {
	text := usual
	if cmd.IsSet(flag) {
		text = cmd.String(flag)
	}
	u, err := parseAbsolute(text)
	if err != nil {
		return nil, misused(cmd, "-%s is not an absolute http or https URL without a password, like %s/api/echo", flag, quickstart)
	}
	return u, nil
}

var errNotAbsolute = errors.New("this is not an absolute http or https URL without a password")

func parseAbsolute(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, errNotAbsolute
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// place puts the ids where they are sent.
func (r *signedRequest) place(cmd *cli.Command, text []byte, hasPayload bool) error {
	where := cmd.String("ids-in")
	if where == "" {
		where = "headers"
		if hasPayload {
			where = "body"
		}
	}
	if hasPayload && where != "body" {
		return misused(cmd, "with -ids-in %s only the ids are signed: leave the payload out, or the ids in the body", where)
	}
	user, account := cmd.String("user"), cmd.String("account")
	signature := [2]string{"Stripe-Signature", r.signature}
	// What the browser adds in the extension's sandboxed iframe: many backends send
	// no CORS headers without it.
	r.headers = [][2]string{{"Origin", "null"}}
	switch where {
	case "body":
		r.source, r.body = stripeapps.SignedBody, text
		r.headers = append(r.headers, [2]string{"Content-Type", "application/json"}, signature)
	case "headers":
		r.source = stripeapps.IDsInHeaders
		r.headers = append(r.headers, signature)
		if user != "" {
			r.headers = append(r.headers, [2]string{"Stripe-User-Id", user})
		}
		r.headers = append(r.headers, [2]string{"Stripe-Account-Id", account})
	default:
		r.source = stripeapps.IDsInQuery
		r.headers = append(r.headers, signature)
		ids := "account_id=" + account
		if user != "" {
			ids = "user_id=" + user + "&" + ids
		}
		r.url.RawQuery = strings.TrimPrefix(r.url.RawQuery+"&"+ids, "&")
	}
	return nil
}

func (r *signedRequest) chooseMethod(cmd *cli.Command) error {
	r.method = cmd.String("method")
	if r.method == "" {
		r.method = r.usualMethod()
	}
	isGet := strings.EqualFold(r.method, http.MethodGet) || strings.EqualFold(r.method, http.MethodHead)
	if isGet && r.body != nil {
		return misused(cmd, "a browser sends no body with -method %s: "+
			"leave the payload out, for ids in the headers, or take another method", r.method)
	}
	return nil
}
