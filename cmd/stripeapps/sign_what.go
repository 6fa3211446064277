package main

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v3"
)

const eventFlag = "event"

// otherSignFlags are those of what is not an extension's request.
func otherSignFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: eventFlag, Usage: "sign an event of this `TYPE`, like account.application.deauthorized", Validator: checkEventType},
		&cli.StringFlag{
			Name: installFlag,
			Usage: "sign an install, with its state: the install link with redirect_uri and state, a `URL`; " +
				"or the redirect URI, with the state in it or in -state",
		},
		&cli.StringFlag{Name: "state", Usage: "the `STATE` of the install, where the URL has none"},
		&cli.BoolFlag{Name: "live", Usage: "an event or an install of live mode, and not of test mode"},
		webhookSecretFileFlag(),
	}
}

func checkEventType(eventType string) error {
	if eventType == "" || strings.ContainsFunc(eventType, func(r rune) bool {
		return !strings.ContainsRune("._[]", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}) {
		return errors.New("this is not a type of event, like account.application.deauthorized")
	}
	return nil
}

// toSign is one of the things that are signed.
type toSign struct {
	secrets     *secretKind
	usualFormat string
	make        func(cmd *cli.Command, payload []byte, s secrets) (*signedRequest, error)
	notFor      []string // flags that it does not have
}

var (
	requestToSign = toSign{
		secrets: appSecrets, usualFormat: "curl", make: newSignedRequest,
		notFor: []string{"state", "live", webhookSecrets.flag},
	}
	eventToSign = toSign{
		secrets: webhookSecrets, usualFormat: "curl", make: newSignedEvent,
		notFor: []string{installFlag, "state", "user", "ids-in", "method", appSecrets.flag},
	}
	installToSign = toSign{
		secrets: appSecrets, usualFormat: "url", make: newSignedInstall,
		notFor: []string{"payload", "payload-file", "ids-in", "method", "url", webhookSecrets.flag},
	}
)

// whatToSign says it by the flags, and refuses those that are for something else.
func whatToSign(cmd *cli.Command) (toSign, error) {
	what, with := requestToSign, "without -event and -install"
	switch {
	case cmd.IsSet(eventFlag):
		what, with = eventToSign, "with -event"
	case cmd.IsSet(installFlag):
		what, with = installToSign, "with -install"
	}
	for _, flag := range what.notFor {
		if cmd.IsSet(flag) {
			return what, misused(cmd, "%s there is no -%s: leave it out", with, flag)
		}
	}
	if cmd.String("as") == "url" && what.usualFormat != "url" {
		return what, misused(cmd, "-as url is for -install: give one of curl, header, http")
	}
	return what, nil
}
