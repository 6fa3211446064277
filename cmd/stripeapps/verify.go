package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"
)

func (a *app) verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "say who signed a request, and when, or why it is refused",
		Arguments: []cli.Argument{inputArgument()},
		Description: inputDescription + "\n\n" +
			"Example: stripeapps verify < request.http\n" +
			"         stripeapps verify -header 't=1700000000,v1=…' -body-file body.json -now 1700000000\n\n" + exitCodesText,
		Flags:  append(inputFlags(), allowMissingUserFlag()),
		Action: a.verify,
	}
}

func (a *app) verify(_ context.Context, cmd *cli.Command) error {
	j, err := a.newJudge(cmd)
	if err == nil && j.webhookSecrets.none() {
		err = j.secrets.require() // before anything is read
	}
	if err != nil {
		return err
	}
	m, err := a.readMessage(cmd)
	if err != nil {
		return err
	}
	v, err := j.prepareVerdict(m)
	if err != nil {
		return err
	}
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
	if v.isOAuth {
		a.println(paint(yellow, "not verified") + ": " + v.Detail)
		return
	}
	if !v.accepted() {
		a.println(paint(red, "refused") + ": " + v.Code + ": " + oneLine(v.Detail))
		a.println(paint(faint, "stripeapps explain, with the same input, says which mistake fits"))
		return
	}
	when := v.SignedAt + " (" + age(now, v.signedAt) + ")"
	said := "signed for " + v.who() + " at " + when + ", " + v.over()
	if v.Kind != "" {
		said = "signed at " + when + ", " + v.says()
	}
	a.println(paint(green, "accepted") + ": " + said)
}

func age(now, signedAt time.Time) string {
	d := now.Sub(signedAt).Truncate(time.Second)
	if d < 0 {
		return (-d).String() + " from now"
	}
	return d.String() + " ago"
}
