package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/seed-8a2ffb75/stripeapps"
)

// message is what there is of a received request.
type message struct {
	header http.Header
	target string // path and query
	body   []byte
	// hidden says that there was a body which is not shown, as in the output of
	// curl -v.
	hidden bool
	// install is the address, or its path and query, if it is one that an install link
	// has led to; the rest is not looked at then.
	install string
}

// kind is what a message seems to be, by what it has: an event, an install, or "" for an
// extension's request.
func (m *message) kind() string {
	switch {
	case m.install != "":
		return kindInstall
	case isEvent(m.body):
		return kindEvent
	}
	return ""
}

func (m *message) query() url.Values {
	_, query, _ := strings.Cut(m.target, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil
	}
	return values
}

const (
	signatureHeader = "Stripe-Signature"
	userHeader      = "Stripe-User-Id"
	accountHeader   = "Stripe-Account-Id"
)

// idSource says where the ids are sent, if they are.
func (m *message) idSource() (stripeapps.Source, bool) {
	if m.header[userHeader] != nil || m.header[accountHeader] != nil {
		return stripeapps.IDsInHeaders, true
	}
	query := m.query()
	return stripeapps.IDsInQuery, query["user_id"] != nil || query["account_id"] != nil
}

const inputDescription = "The request is read from FILE or standard input, as a saved HTTP request or the output of\n" +
	"curl -v (which does not show the body: add -body-file), or given in flags, with -header or -install. It can be\n" +
	"an extension's request, an event of a webhook ($STRIPE_WEBHOOK_SECRET), or the redirect of an install link."

// inputArgument is the file that the request is in.
func inputArgument() cli.Argument { return &cli.StringArg{Name: "FILE", Value: "-"} }

func inputFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: installFlag, Usage: "the address that an install link has led a browser to, a `URL`; there is no request to read then"},
		&cli.StringFlag{Name: "header", Usage: "Stripe-Signature's `VALUE`; there is no request to read then"},
		&cli.StringFlag{Name: "body", Usage: "the body, as it was received: `TEXT`"},
		&cli.StringFlag{Name: "body-file", Usage: "the body from `FILE`, to the byte, or - for standard input", TakesFile: true},
		&cli.StringFlag{Name: "user", Usage: "Stripe-User-Id, an `ID`"},
		&cli.StringFlag{Name: "account", Usage: "Stripe-Account-Id, an `ID`"},
		timeFlag("now", "verify as if it were this `TIME`, RFC 3339 or Unix seconds (default: now)"),
		toleranceFlag(),
		secretFileFlag(),
		webhookSecretFileFlag(),
	}
}

const installFlag = "install"

// readMessage reads the request that the flags, a file or standard input give.
func (a *app) readMessage(cmd *cli.Command) (*message, error) {
	if cmd.IsSet(installFlag) {
		return readInstall(cmd)
	}
	m, err := a.readHead(cmd)
	if err != nil {
		return nil, err
	}
	for flag, name := range map[string]string{"user": userHeader, "account": accountHeader} {
		if cmd.IsSet(flag) {
			m.header.Set(name, cmd.String(flag))
		}
	}
	if err := a.readBody(cmd, m); err != nil {
		return nil, err
	}
	if m.hidden {
		return nil, misconfigured("the request has a body, which is not in what was read (curl -v does not show it): " +
			"give it with -body-file")
	}
	if len(m.body) == 0 && m.header[signatureHeader] == nil && isInstall(m.target) {
		m.install = m.target
	}
	if (cmd.IsSet("user") || cmd.IsSet("account")) && holdsIDs(m.body) {
		fmt.Fprintln(a.err, "stripeapps: note: the body holds ids of its own: "+
			"-user and -account are headers beside it, and do not replace them")
	}
	return m, nil
}

// readInstall takes the address from -install, which is all that there is.
func readInstall(cmd *cli.Command) (*message, error) {
	for _, flag := range []string{"header", "body", "body-file", "user", "account"} {
		if cmd.IsSet(flag) {
			return nil, misused(cmd, "-install and -%s are both given: an install is in its address alone", flag)
		}
	}
	if cmd.StringArg("FILE") != "-" || cmd.Args().Present() {
		return nil, misused(cmd, "-install and a file are both given: give one of them")
	}
	address := cmd.String(installFlag)
	if _, err := url.Parse(address); err != nil || address == "" {
		return nil, misused(cmd, "-install is not a URL, like https://app.example.com/installed?user_id=…")
	}
	return &message{header: http.Header{}, install: address}, nil
}

// readHead takes the signature from -header, or else reads the whole request.
func (a *app) readHead(cmd *cli.Command) (*message, error) {
	if !cmd.IsSet("header") {
		return a.readRaw(cmd)
	}
	if cmd.StringArg("FILE") != "-" || cmd.Args().Present() {
		return nil, misused(cmd, "-header and a file are both given: give one of them")
	}
	m := &message{header: http.Header{}}
	if header := withoutName(cmd.String("header")); header != "" {
		m.header.Set(signatureHeader, header)
	}
	return m, nil
}

// withoutName takes the name off a header line that was pasted as a whole.
func withoutName(header string) string {
	if name, value, ok := strings.Cut(header, ":"); ok && strings.EqualFold(name, signatureHeader) {
		return strings.TrimSpace(value)
	}
	return header
}

func (a *app) readRaw(cmd *cli.Command) (*message, error) {
	name := cmd.StringArg("FILE")
	if cmd.Args().Present() {
		return nil, misused(cmd, "%q is one file too many", cmd.Args().First())
	}
	if name == "-" && cmd.String("body-file") == "-" {
		return nil, misused(cmd, "the request and -body-file are both on standard input: give one of them a file")
	}
	if name == "-" && a.inputTerminal {
		fmt.Fprintln(a.err, "stripeapps: reading a request from standard input; Ctrl-D ends it")
	}
	data, err := a.readInput(name)
	if err != nil {
		return nil, err
	}
	m, err := parseRaw(data)
	if err != nil {
		return nil, misconfigured("%s: %v", inputName(name), err)
	}
	return m, nil
}

// readBody replaces the body by that of the flags.
func (a *app) readBody(cmd *cli.Command, m *message) (err error) {
	switch {
	case cmd.IsSet("body") && cmd.IsSet("body-file"):
		return misused(cmd, "-body and -body-file are both given: give one of them")
	case cmd.IsSet("body-file"):
		m.body, err = a.readInput(cmd.String("body-file"))
	case cmd.IsSet("body"):
		m.body = []byte(cmd.String("body"))
	default:
		return nil
	}
	m.hidden = false
	return err
}

// holdsIDs reports whether a body is an object with one of the ids as a member.
func holdsIDs(body []byte) bool {
	user, account := idsIn(body)
	return user || account
}

func holdsBothIDs(body []byte) bool {
	user, account := idsIn(body)
	return user && account
}

func idsIn(body []byte) (user, account bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return false, false
	}
	return members["user_id"] != nil, members["account_id"] != nil
}
