package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

const secretVariable = "STRIPE_APP_SECRET"

// secretKind is what secrets are for, and where they are from.
type secretKind struct {
	variable, flag string
	name           string // what is to be set
	what           string // how one is missing
	check          func(secret string) string
	checkAll       func(secrets []string) error
}

var (
	appSecrets = &secretKind{
		variable: secretVariable, flag: "secret-file",
		name: "the app's signing secret (absec_…)", what: "secret",
		check: signed.CheckSecret,
		checkAll: func(secrets []string) error {
			_, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: secrets})
			return err
		},
	}
	webhookSecrets = &secretKind{
		variable: "STRIPE_WEBHOOK_SECRET", flag: "webhook-secret-file",
		name: "the webhook endpoint's signing secret (whsec_…)", what: "webhook secret",
		check: func(secret string) string {
			if _, err := signed.NewEndpointKeyring("", []string{secret}); err != nil {
				return strings.TrimPrefix(err.Error(), "[0] ")
			}
			return ""
		},
		checkAll: func(secrets []string) error {
			_, err := signed.NewEndpointKeyring("Secrets", secrets)
			return err
		},
	}
)

func secretFileFlag() cli.Flag {
	return &cli.StringFlag{
		Name: appSecrets.flag, TakesFile: true,
		Usage: "read the app's signing secrets from `FILE`, one a line (a line that begins with # is a comment), " +
			"and not from $" + secretVariable,
	}
}

func webhookSecretFileFlag() cli.Flag {
	return &cli.StringFlag{
		Name: webhookSecrets.flag, TakesFile: true,
		Usage: "read the signing secrets of webhook endpoints (whsec_…), for events, from `FILE`, and not from $" + webhookSecrets.variable,
	}
}

// secrets are those that were configured, as they are written.
type secrets struct {
	kind   *secretKind
	values []string
	places []string // where each was found, for messages
}

// readSecrets reads those of a kind from the file that its flag names, or else from the
// environment. It does not judge them.
func (a *app) readSecrets(cmd *cli.Command, kind *secretKind) (secrets, error) {
	if cmd.IsSet(kind.flag) {
		return a.readSecretFile(cmd.String(kind.flag), kind)
	}
	return a.environmentSecrets(kind), nil
}

func (a *app) environmentSecrets(kind *secretKind) secrets {
	s := secrets{kind: kind}
	value := a.env(kind.variable)
	if strings.TrimSpace(value) == "" {
		return s
	}
	for i, secret := range strings.Split(value, ",") {
		s.values = append(s.values, secret)
		s.places = append(s.places, "secret "+strconv.Itoa(i+1)+" of $"+kind.variable)
	}
	return s
}

func (a *app) readSecretFile(name string, kind *secretKind) (secrets, error) {
	s := secrets{kind: kind}
	data, err := a.readInput(name)
	if err != nil {
		return s, err
	}
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s.values = append(s.values, line)
		s.places = append(s.places, "line "+strconv.Itoa(i+1)+" of "+inputName(name))
	}
	if len(s.values) == 0 {
		return s, misconfigured("%s has no secret: write %s on a line of its own", inputName(name), kind.name)
	}
	return s, nil
}

func (s secrets) none() bool { return len(s.values) == 0 }

// require returns an error if there are none, or one that cannot be used.
func (s secrets) require() error {
	if s.none() {
		return misconfigured("%s", s.missing())
	}
	var faults []string
	for i, secret := range s.values {
		if what := s.kind.check(secret); what != "" {
			faults = append(faults, s.places[i]+" "+what)
		} else if first := slices.Index(s.values, secret); first < i {
			faults = append(faults, s.places[i]+" equals "+s.places[first]+": give each secret once")
		}
	}
	if faults != nil {
		return misconfigured("%s", strings.Join(faults, "; "))
	}
	if err := s.kind.checkAll(s.values); err != nil { // too many
		return misconfigured("%s", strings.TrimPrefix(err.Error(), "stripeapps: "))
	}
	return nil
}

func (s secrets) missing() string {
	return "there is no " + s.kind.what + ": set $" + s.kind.variable + " to " + s.kind.name + ", or give -" + s.kind.flag
}

// labeled returns the secrets for explain, which calls them by where they are.
func (s secrets) labeled() []stripeapps.LabeledSecret {
	labeled := make([]stripeapps.LabeledSecret, len(s.values))
	for i, secret := range s.values {
		labeled[i] = stripeapps.LabeledSecret{Label: s.places[i], Secret: secret}
	}
	return labeled
}

// placeOf says where the secret of that index is, if there are several.
func (s secrets) placeOf(i int) string {
	if len(s.places) < 2 {
		return ""
	}
	return s.places[i]
}

// in reports whether text shows one of the secrets.
func (s secrets) in(text string) bool {
	for _, secret := range s.values {
		if bare := strings.Trim(secret, " \t\"'`"); bare != "" && strings.Contains(text, bare) {
			return true
		}
	}
	return false
}

// readOtherSecrets reads "label=secret" lines, for explain.
func (a *app) readOtherSecrets(name string) ([]stripeapps.LabeledSecret, error) {
	if name == "" {
		return nil, nil
	}
	data, err := a.readInput(name)
	if err != nil {
		return nil, err
	}
	var others []stripeapps.LabeledSecret
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		label, secret, ok := strings.Cut(line, "=")
		label, secret = strings.TrimSpace(label), strings.TrimSpace(secret)
		if !ok || label == "" || secret == "" || signed.HoldsSecret(label) {
			return nil, misconfigured("line %d of %s is not label=secret: write one of these a line", i+1, inputName(name))
		}
		others = append(others, stripeapps.LabeledSecret{Label: label, Secret: secret})
	}
	if len(others) > signed.MaxSecrets {
		return nil, misconfigured("%s has %d secrets: give at most %d", inputName(name), len(others), signed.MaxSecrets)
	}
	return others, nil
}

const secretRefusal = "secrets do not belong on the command line: put it into $STRIPE_APP_SECRET or into a file for " +
	"-secret-file (that of a webhook endpoint into $STRIPE_WEBHOOK_SECRET or one for -webhook-secret-file), and roll it if others can see this machine's processes or your shell's history"

// refuseSecrets refuses an argument that is a secret, since others can see it, and
// what is wrong with a command line is said with its arguments.
func (a *app) refuseSecrets(args []string) error {
	known := slices.Concat(a.environmentSecrets(appSecrets).values, a.environmentSecrets(webhookSecrets).values)
	pkce := false // a random code verifier can begin with sk_
	for _, arg := range args[min(1, len(args)):] {
		pkce = pkce || arg == "pkce"
		value := argumentValue(arg)
		isKey := !pkce && (strings.HasPrefix(value, "sk_") || strings.HasPrefix(value, "rk_"))
		if signed.HoldsSecret(arg) || isKey || value != "" && slices.Contains(known, value) {
			return &exitError{exitUsage, secretRefusal}
		}
	}
	return nil
}

// argumentValue returns what a flag gives behind "=", if it does, or else the
// argument without its dashes.
func argumentValue(arg string) string {
	if _, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(arg, "-") {
		return value
	}
	return strings.TrimLeft(arg, "-")
}
