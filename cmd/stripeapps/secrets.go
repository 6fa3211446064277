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

func secretFileFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "secret-file", TakesFile: true,
		Usage: "read the app's signing secrets from `FILE`, one a line (a line that begins with # is a comment), " +
			"and not from $" + secretVariable,
	}
}

// secrets are those that were configured, as they are written.
type secrets struct {
	values []string
	places []string // where each was found, for messages
}

// readSecrets reads them from the file that the flag names, or else from the
// environment. It does not judge them.
func (a *app) readSecrets(cmd *cli.Command) (secrets, error) {
	if cmd.IsSet("secret-file") {
		return a.readSecretFile(cmd.String("secret-file"))
	}
	return a.environmentSecrets(), nil
}

func (a *app) environmentSecrets() (s secrets) {
	value := a.env(secretVariable)
	if strings.TrimSpace(value) == "" {
		return s
	}
	for i, secret := range strings.Split(value, ",") {
		s.values = append(s.values, secret)
		s.places = append(s.places, "secret "+strconv.Itoa(i+1)+" of $"+secretVariable)
	}
	return s
}

func (a *app) readSecretFile(name string) (s secrets, err error) {
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
		return s, misconfigured("%s has no secret: write the app's signing secret (absec_…) on a line of its own", inputName(name))
	}
	return s, nil
}

// require returns an error if there are none, or one that cannot be used.
func (s secrets) require() error {
	if len(s.values) == 0 {
		return misconfigured("there is no secret: set $%s to the app's signing secret (absec_…), or give -secret-file", secretVariable)
	}
	var faults []string
	for i, secret := range s.values {
		if what := signed.CheckSecret(secret); what != "" {
			faults = append(faults, s.places[i]+" "+what)
		} else if first := slices.Index(s.values, secret); first < i {
			faults = append(faults, s.places[i]+" equals "+s.places[first]+": give each secret once")
		}
	}
	if faults != nil {
		return misconfigured("%s", strings.Join(faults, "; "))
	}
	if _, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{Secrets: s.values}); err != nil { // too many
		return misconfigured("%s", strings.TrimPrefix(err.Error(), "stripeapps: "))
	}
	return nil
}

// labeled returns the secrets for explain, which calls them by where they are.
func (s secrets) labeled() []stripeapps.LabeledSecret {
	labeled := make([]stripeapps.LabeledSecret, len(s.values))
	for i, secret := range s.values {
		labeled[i] = stripeapps.LabeledSecret{Label: s.places[i], Secret: secret}
	}
	return labeled
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
	"-secret-file, and roll it if others can see this machine's processes or your shell's history"

// refuseSecrets refuses an argument that is a secret, since others can see it, and
// what is wrong with a command line is said with its arguments.
func (a *app) refuseSecrets(args []string) error {
	known := a.environmentSecrets().values
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
