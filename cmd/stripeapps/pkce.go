package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v3"

	"github.com/seed-8a2ffb75/stripeapps"
)

func (a *app) pkceCommand() *cli.Command {
	return &cli.Command{
		Name:        "pkce",
		Usage:       "make a code verifier and its challenge (RFC 7636, S256)",
		Description: "Example: stripeapps pkce\n         stripeapps pkce check -verifier dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk -challenge E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\n\n" + exitCodesText,
		Commands:    []*cli.Command{a.pkceCheckCommand()},
		Action:      a.pkce,
	}
}

func (a *app) pkce(_ context.Context, cmd *cli.Command) error {
	if cmd.Args().Present() {
		return unknownCommand(cmd)
	}
	verifier := stripeapps.NewCodeVerifier()
	challenge := stripeapps.S256Challenge(verifier)
	if cmd.Bool("json") {
		a.printJSON(struct {
			Verifier  string `json:"code_verifier"`
			Challenge string `json:"code_challenge"`
			Method    string `json:"code_challenge_method"`
		}{verifier, challenge, "S256"})
		return nil
	}
	a.println("code_verifier         " + verifier)
	a.println("code_challenge        " + challenge)
	a.println("code_challenge_method S256")
	return nil
}

func (a *app) pkceCheckCommand() *cli.Command {
	return &cli.Command{
		Name:        "check",
		Usage:       "say whether a verifier fits a challenge, and what is wrong if it does not",
		Description: "Example: stripeapps pkce check -verifier \"$verifier\" -challenge \"$challenge\" && echo fits\n\n" + exitCodesText,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "verifier", Usage: "code_verifier, 43 to 128 `CHARACTERS`"},
			&cli.StringFlag{Name: "challenge", Usage: "code_challenge, 43 `CHARACTERS`"},
		},
		Action: a.pkceCheck,
	}
}

func (a *app) pkceCheck(_ context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	if cmd.String("verifier") == "" || cmd.String("challenge") == "" {
		return misused(cmd, "-verifier and -challenge are both needed")
	}
	err := stripeapps.VerifyCodeVerifier(cmd.String("verifier"), cmd.String("challenge"))
	result := struct {
		Fits   bool   `json:"fits"`
		Code   string `json:"code,omitempty"`
		Detail string `json:"detail,omitempty"`
		Advice string `json:"advice,omitempty"`
	}{Fits: err == nil}
	var e *stripeapps.PKCEError
	if errors.As(err, &e) { // whenever it is not nil
		result.Code, result.Detail = e.Code(), e.Description()
		result.Advice = pkceAdvice(cmd.String("verifier"), cmd.String("challenge"))
	}
	paint := a.paint(cmd)
	switch {
	case cmd.Bool("json"):
		a.printJSON(result)
	case result.Fits:
		a.println(paint(green, "fits") + ": the verifier is that of the challenge")
	default:
		a.println(paint(red, "does not fit") + ": " + result.Code + ": " + result.Detail)
		a.println(result.Advice)
	}
	if !result.Fits {
		return errNo
	}
	return nil
}
