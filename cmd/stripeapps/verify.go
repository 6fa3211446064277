package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/explain"
)

func (a *app) verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "say who signed a request, and when, or why it is refused",
		Arguments: []cli.Argument{inputArgument()},
		Description: inputDescription + "\n\n" +
			"Example: stripeapps verify < request.http\n" +
			"         stripeapps verify -header 't=1700000000,v1=…' -body-file body.json -now 1700000000\n\n" + exitCodesText,
		Flags: append(inputFlags(),
			&cli.BoolFlag{Name: "allow-missing-user", Usage: "accept what is signed without a user_id, as InsecureAllowMissingUser does"}),
		Action: a.verify,
	}
}

const inputDescription = "The request is read from FILE or standard input, as a saved HTTP request or the output of\n" +
	"curl -v (which does not show the body: add -body-file), or given in flags, with -header."

// inputArgument is the file that the request is in.
func inputArgument() cli.Argument { return &cli.StringArg{Name: "FILE", Value: "-"} }

func inputFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "header", Usage: "Stripe-Signature's `VALUE`; there is no request to read then"},
		&cli.StringFlag{Name: "body", Usage: "the body, as it was received: `TEXT`"},
		&cli.StringFlag{Name: "body-file", Usage: "the body from `FILE`, to the byte, or - for standard input", TakesFile: true},
		&cli.StringFlag{Name: "user", Usage: "Stripe-User-Id, an `ID`"},
		&cli.StringFlag{Name: "account", Usage: "Stripe-Account-Id, an `ID`"},
		timeFlag("now", "verify as if it were this `TIME`, RFC 3339 or Unix seconds (default: now)"),
		toleranceFlag(),
		secretFileFlag(),
	}
}

func toleranceFlag() cli.Flag {
	return &cli.DurationFlag{
		Name: "tolerance", Value: stripeapps.DefaultTolerance,
		Usage: "how far the signature's time may be from now, a `DURATION`",
		Validator: func(d time.Duration) error {
			if d <= 0 || d > 24*time.Hour {
				return errors.New("give more than 0 and at most 24h, like 5m")
			}
			return nil
		},
	}
}

func (a *app) verify(_ context.Context, cmd *cli.Command) error {
	j, err := a.newJudge(cmd)
	if err == nil {
		err = j.prepare()
	}
	if err != nil {
		return err
	}
	m, err := a.readMessage(cmd)
	if err != nil {
		return err
	}
	v := j.judge(m)
	if cmd.Bool("json") {
		a.printJSON(v)
	} else {
		a.printVerdict(a.paint(cmd), v, j.now())
	}
	if !v.accepted() {
		return errNo
	}
	return nil
}

func (a *app) printVerdict(paint paint, v verdict, now time.Time) {
	if !v.accepted() {
		a.println(paint(red, "refused") + ": " + string(v.Code) + ": " + oneLine(v.Detail))
		a.println(paint(faint, "stripeapps explain, with the same input, says which mistake fits"))
		return
	}
	a.println(paint(green, "accepted") + ": signed for " + v.who() + " at " + v.SignedAt + " (" + age(now, v.signedAt) + "), " + v.over())
}

func age(now, signedAt time.Time) string {
	if d := now.Sub(signedAt).Truncate(time.Second); d >= 0 {
		return d.String() + " ago"
	} else {
		return (-d).String() + " from now"
	}
}

// readMessage reads the request that the flags, a file or standard input give.
func (a *app) readMessage(cmd *cli.Command) (*message, error) {
	m := &message{header: http.Header{}}
	if !cmd.IsSet("header") {
		raw, err := a.readRaw(cmd)
		if err != nil {
			return nil, err
		}
		m = raw
	} else if cmd.StringArg("FILE") != "-" {
		return nil, misused(cmd, "-header and a file are both given: give one of them")
	}
	set := func(flag, name string) {
		if cmd.IsSet(flag) {
			m.header.Set(name, cmd.String(flag))
		}
	}
	if header := withoutName(cmd.String("header")); header != "" {
		m.header.Set(signatureHeader, header)
	}
	set("user", userHeader)
	set("account", accountHeader)
	if err := a.readBody(cmd, m); err != nil {
		return nil, err
	}
	if m.hidden {
		return nil, misconfigured("the request has a body, which is not in what was read (curl -v does not show it): give it with -body-file")
	}
	if (cmd.IsSet("user") || cmd.IsSet("account")) && holdsIDs(m.body) {
		fmt.Fprintln(a.err, "stripeapps: note: the body holds ids of its own: -user and -account are headers beside it, and do not replace them")
	}
	return m, nil
}

// holdsIDs reports whether a body is an object with one of the ids as a member.
func holdsIDs(body []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return false
	}
	return members["user_id"] != nil || members["account_id"] != nil
}

const (
	signatureHeader = "Stripe-Signature"
	userHeader      = "Stripe-User-Id"
	accountHeader   = "Stripe-Account-Id"
)

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

// verdict is what the library says about a request.
type verdict struct {
	Accepted  *bool  `json:"accepted,omitempty"` // nil if nobody can tell
	Source    string `json:"source,omitempty"`   // what is signed: body, headers or query
	UserID    string `json:"user_id,omitempty"`
	AccountID string `json:"account_id,omitempty"`
	SignedAt  string `json:"signed_at,omitempty"`
	Code      string `json:"code,omitempty"`
	Detail    string `json:"detail,omitempty"`
	signedAt  time.Time
	// unsignedBody says that there is a body, and that it is not what is signed.
	unsignedBody bool
}

func (v verdict) accepted() bool { return v.Accepted != nil && *v.Accepted }

func (v verdict) who() string {
	if v.UserID == "" {
		return "no user of " + oneLine(v.AccountID)
	}
	return oneLine(v.UserID) + " of " + oneLine(v.AccountID)
}

func (v verdict) over() string {
	if v.Source == "body" {
		return "over the body"
	}
	text := "over the ids in the " + v.Source + " only"
	if v.unsignedBody {
		text += ": the body is not signed"
	}
	return text
}

// judge verifies requests in each of the three ways.
type judge struct {
	secrets          secrets
	others           []explain.LabeledSecret
	now              func() time.Time
	tolerance        time.Duration
	allowMissingUser bool
	verifiers        map[stripeapps.Source]*stripeapps.Verifier
}

func (a *app) newJudge(cmd *cli.Command) (*judge, error) {
	s, err := a.readSecrets(cmd)
	if err != nil {
		return nil, err
	}
	now := timeOf(cmd, "now")
	return &judge{
		secrets:          s,
		now:              func() time.Time { return now },
		tolerance:        cmd.Duration("tolerance"),
		allowMissingUser: cmd.Bool("allow-missing-user"),
	}, nil
}

// prepare makes the verifiers. It must be called before judge.
func (j *judge) prepare() error {
	if err := j.secrets.require(); err != nil {
		return err
	}
	j.verifiers = map[stripeapps.Source]*stripeapps.Verifier{}
	for source := range sourceNames {
		v, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
			Secrets: j.secrets.values, Source: source, Now: j.now, Tolerance: j.tolerance, InsecureAllowMissingUser: j.allowMissingUser,
		})
		if err != nil {
			return misconfigured("%v", err)
		}
		j.verifiers[source] = v
	}
	return nil
}

var sourceNames = map[stripeapps.Source]string{
	stripeapps.SignedBody:   "body",
	stripeapps.IDsInHeaders: "headers",
	stripeapps.IDsInQuery:   "query",
}

// judge says what a backend says that looks for the payload where it seems to be:
// in the body, or else in the ids that are sent beside it.
func (j *judge) judge(m *message) verdict {
	ids, sent := m.idSource()
	if len(m.body) == 0 && sent {
		return j.judgeAs(m, ids)
	}
	v := j.judgeAs(m, stripeapps.SignedBody)
	if sent && !v.accepted() {
		if byIDs := j.judgeAs(m, ids); byIDs.accepted() {
			return byIDs
		}
	}
	return v
}

// idSource says where the ids are sent, if they are.
func (m *message) idSource() (stripeapps.Source, bool) {
	if m.header[userHeader] != nil || m.header[accountHeader] != nil {
		return stripeapps.IDsInHeaders, true
	}
	query := m.query()
	return stripeapps.IDsInQuery, query["user_id"] != nil || query["account_id"] != nil
}

func (j *judge) judgeAs(m *message, source stripeapps.Source) verdict {
	r, err := http.NewRequest(http.MethodPost, "http://backend.invalid/", bytes.NewReader(m.body))
	if err != nil {
		panic(err) // of constants
	}
	r.Header = m.header
	_, r.URL.RawQuery, _ = strings.Cut(m.target, "?")

	accepted, err := j.verifiers[source].Verify(r)
	ok := err == nil
	v := verdict{Accepted: &ok}
	if !ok {
		var e *stripeapps.Error
		if errors.As(err, &e) { // always
			v.Code, v.Detail = e.Code(), e.Detail()
		}
		return v
	}
	id, _ := stripeapps.IdentityFrom(accepted.Context())
	v.Source, v.UserID, v.AccountID = sourceNames[source], id.UserID, id.AccountID
	v.signedAt, v.SignedAt = id.SignedAt, id.SignedAt.Format(time.RFC3339)
	v.unsignedBody = source != stripeapps.SignedBody && len(m.body) > 0
	return v
}
