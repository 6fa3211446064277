package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/explain"
)

func (a *app) explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "say which of the usual mistakes fits a request, and what to change",
		Arguments: []cli.Argument{inputArgument()},
		Description: inputDescription + "\n\n" +
			"Example: stripeapps explain < request.http\n" +
			"         stripeapps explain -other-secrets-file others.txt " +
			"-header 't=1700000000,v1=…' -body-file body.json\n\n" + exitCodesText,
		Flags:  append(inputFlags(), otherSecretsFlag(), allowMissingUserFlag()),
		Action: a.explain,
	}
}

func otherSecretsFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "other-secrets-file", TakesFile: true,
		Usage: "also try the secrets in `FILE`, of other apps, webhooks or the past: label=secret a line",
	}
}

type findingJSON struct {
	Cause explain.Cause `json:"cause"`
	Text  string        `json:"text"`
}

func (a *app) explain(_ context.Context, cmd *cli.Command) error {
	j, err := a.newJudge(cmd)
	if err != nil {
		return err
	}
	if j.others, err = a.readOtherSecrets(cmd.String("other-secrets-file")); err != nil {
		return err
	}
	if j.secrets.none() && j.webhookSecrets.none() && len(j.others) == 0 {
		return j.secrets.require()
	}
	m, err := a.readMessage(cmd)
	if err != nil {
		return err
	}
	findings := j.explain(m)
	if m.kind() == kindEvent && j.webhookSecrets.none() && !isNothingWrong(findings) {
		fmt.Fprintln(a.err, "stripeapps: note: this is an event, and "+j.webhookSecrets.missing())
	}
	paint := a.paint(cmd)
	for _, f := range findings {
		if cmd.Bool("json") {
			a.printJSON(f)
			continue
		}
		a.println(explanationLine(paint, f))
	}
	if !isNothingWrong(findings) {
		return errNo
	}
	return nil
}

func isNothingWrong(findings []findingJSON) bool {
	return len(findings) == 1 && findings[0].Cause == explain.NothingWrong
}

func explanationLine(paint paint, f findingJSON) string {
	color := yellow
	if f.Cause == explain.NothingWrong {
		color = green
	}
	return paint(color, string(f.Cause)) + ": " + f.Text
}

// explain asks the library about the body, and where ids are sent beside it also
// about those: it takes the explanation that says more.
func (j *judge) explain(m *message) []findingJSON {
	if m.install != "" {
		return j.explainReceived(explain.Received{InstallURL: m.install})
	}
	source, sent := m.idSource()
	if !sent {
		return j.explainAs(m, m.body, "", "")
	}
	// Repeated ids make one that is none, as they are refused.
	user, account := strings.Join(m.header[userHeader], ","), strings.Join(m.header[accountHeader], ",")
	if source == stripeapps.IDsInQuery {
		query := m.query()
		user, account = strings.Join(query["user_id"], ","), strings.Join(query["account_id"], ",")
	}
	byIDs := j.explainAs(m, nil, user, account)
	if len(m.body) == 0 || isNothingWrong(byIDs) {
		return byIDs
	}
	if byBody := j.explainAs(m, m.body, user, account); !isUnknown(byBody) || isUnknown(byIDs) {
		return byBody
	}
	return byIDs
}

func isUnknown(findings []findingJSON) bool {
	return slices.ContainsFunc(findings, func(f findingJSON) bool { return f.Cause == explain.Unknown })
}

func (j *judge) explainAs(m *message, body []byte, user, account string) []findingJSON {
	return j.explainReceived(explain.Received{
		Header:          strings.Join(m.header[signatureHeader], ","),
		Body:            body,
		ContentEncoding: strings.Join(m.header["Content-Encoding"], ","),
		UserID:          user,
		AccountID:       account,
	})
}

func (j *judge) explainReceived(r explain.Received) (findings []findingJSON) {
	r.Secrets, r.EndpointSecrets, r.OtherSecrets = j.secrets.labeled(), j.webhookSecrets.labeled(), j.others
	r.Now, r.Tolerance = j.now(), j.tolerance
	r.InsecureAllowMissingUser = j.allowMissingUser
	for _, e := range explain.Explain(r) {
		text := oneLine(e.Text)
		if j.holdsSecret(text) {
			text = "the explanation would show a secret, because the request holds it: take it out of what is sent"
		}
		findings = append(findings, findingJSON{e.Cause, text})
	}
	return findings
}
