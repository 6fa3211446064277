package main

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
)

// verdict is what the library says about a request.
type verdict struct {
	Kind      string `json:"kind,omitempty"`     // event, install, or "" for an extension's request
	Accepted  *bool  `json:"accepted,omitempty"` // nil if nobody can tell
	Source    string `json:"source,omitempty"`   // what is signed: body, headers or query
	UserID    string `json:"user_id,omitempty"`
	AccountID string `json:"account_id,omitempty"`
	EventType string `json:"event_type,omitempty"`
	EventID   string `json:"event_id,omitempty"`
	Livemode  *bool  `json:"livemode,omitempty"` // of an event: an install's is not signed
	SignedAt  string `json:"signed_at,omitempty"`
	Secret    string `json:"secret,omitempty"` // where the one is that fits, if there are several
	Code      string `json:"code,omitempty"`
	Detail    string `json:"detail,omitempty"`
	signedAt  time.Time
	// unsignedBody says that there is a body, and that it is not what is signed.
	unsignedBody bool
	// isOAuth says that it is an install in which nothing is there to be verified.
	isOAuth bool
}

func (v verdict) accepted() bool { return v.Accepted != nil && *v.Accepted }

// says is what was accepted.
func (v verdict) says() string {
	switch v.Kind {
	case kindEvent:
		return v.event()
	case kindInstall:
		return "install by " + v.who() + v.with() + ": whether the state is this browser's, and unused, the backend has to tell"
	}
	return v.who() + ", " + v.over()
}

func (v verdict) who() string {
	if v.UserID == "" {
		return "no user of " + oneLine(v.AccountID)
	}
	return oneLine(v.UserID) + " of " + oneLine(v.AccountID)
}

func (v verdict) over() string {
	with := ""
	if v.Secret != "" {
		with = "with " + v.Secret + " "
	}
	if v.Source == "body" {
		return with + "over the body"
	}
	text := with + "over the ids in the " + v.Source + " only"
	if v.unsignedBody {
		text += ": the body is not signed"
	}
	return text
}

var sourceNames = map[stripeapps.Source]string{
	stripeapps.SignedBody:   "body",
	stripeapps.IDsInHeaders: "headers",
	stripeapps.IDsInQuery:   "query",
}

func (v *verdict) setTime(at time.Time) {
	v.signedAt, v.SignedAt = at.UTC(), at.UTC().Format(time.RFC3339)
}

// with names the secret where there are several.
func (v verdict) with() string {
	if v.Secret == "" {
		return ""
	}
	return ", with " + v.Secret
}

// judge verifies requests in each of the three ways, events, and installs.
type judge struct {
	secrets          secrets
	others           []stripeapps.LabeledSecret
	now              func() time.Time
	tolerance        time.Duration
	allowMissingUser bool
	verifiers        map[stripeapps.Source]*stripeapps.Verifier // nil without secrets
	webhookSecrets   secrets
	endpoint         *events.Endpoint // nil without them
}

func (a *app) newJudge(cmd *cli.Command) (*judge, error) {
	s, err := a.readSecrets(cmd, appSecrets)
	if err != nil {
		return nil, err
	}
	w, err := a.readSecrets(cmd, webhookSecrets)
	if err != nil {
		return nil, err
	}
	now := time.Now
	if cmd.IsSet("now") {
		at := timeOf(cmd, "now")
		now = func() time.Time { return at }
	}
	return &judge{
		secrets:          s,
		webhookSecrets:   w,
		now:              now,
		tolerance:        cmd.Duration("tolerance"),
		allowMissingUser: cmd.Bool("allow-missing-user"),
	}, nil
}

// prepare makes the verifiers, which explain does without. It must be called
// before verdict.
func (j *judge) prepare() error {
	if err := j.secrets.require(); err != nil {
		return err
	}
	j.verifiers = map[stripeapps.Source]*stripeapps.Verifier{}
	for source := range sourceNames {
		v, err := stripeapps.NewVerifier(stripeapps.VerifierConfig{
			Secrets: j.secrets.values, Source: source, Now: j.now, Tolerance: j.tolerance,
			InsecureAllowMissingUser: j.allowMissingUser,
		})
		if err != nil {
			return misconfigured("%v", err)
		}
		j.verifiers[source] = v
	}
	return nil
}

// prepareFor makes what a message of this kind is verified with.
func (j *judge) prepareFor(kind string) error {
	if kind == kindEvent {
		return j.prepareEndpoint()
	}
	return j.prepare()
}

// prepareAll makes all that there are secrets for, of which there must be some.
func (j *judge) prepareAll() error {
	if !j.webhookSecrets.none() {
		if err := j.prepareEndpoint(); err != nil || j.secrets.none() {
			return err
		}
	}
	return j.prepare()
}

// holdsSecret reports whether text shows one of the secrets.
func (j *judge) holdsSecret(text string) bool {
	return j.secrets.in(text) || j.webhookSecrets.in(text)
}

// verdict says what a backend says that takes events as well as requests: the secret that
// fits decides what a message is, and what it has only where none does.
func (j *judge) verdict(m *message) verdict {
	kind := m.kind()
	if kind == kindInstall {
		return j.installVerdict(m)
	}
	event, request := j.eventVerdict(m), j.requestVerdict(m)
	if event.accepted() || kind == kindEvent && !request.accepted() {
		return event
	}
	return request
}

// prepareVerdict says the verdict with what there are secrets for. It is an error if there
// are none, or bad ones, of the kind that the message is.
func (j *judge) prepareVerdict(m *message) (verdict, error) {
	forRequests, forEvents := j.prepare(), j.prepareEndpoint()
	v := j.verdict(m)
	if v.Kind == kindEvent {
		return v, forEvents
	}
	return v, forRequests
}

// refused is the verdict on what an error of the library is said of.
func refused(kind string, err error) verdict {
	no := false
	v := verdict{Kind: kind, Accepted: &no}
	var e *stripeapps.Error
	if errors.As(err, &e) { // always
		v.Code, v.Detail = e.Code(), e.Detail()
	}
	return v
}

// requestVerdict says what a backend says that looks for the payload where it seems to be:
// in the body, or else in the ids that are sent beside it.
func (j *judge) requestVerdict(m *message) verdict {
	if j.verifiers == nil {
		return verdict{Detail: "a request, and " + j.secrets.missing()}
	}
	ids, sent := m.idSource()
	if len(m.body) == 0 && sent {
		return j.verdictAs(m, ids)
	}
	v := j.verdictAs(m, stripeapps.SignedBody)
	if sent && !v.accepted() {
		if byIDs := j.verdictAs(m, ids); byIDs.accepted() {
			return byIDs
		}
	}
	return v
}

// verdictAs says what a backend says whose verifier has that Source.
func (j *judge) verdictAs(m *message, source stripeapps.Source) verdict {
	r, err := http.NewRequest(http.MethodPost, "http://backend.invalid/", bytes.NewReader(m.body))
	if err != nil {
		panic(err) // of constants
	}
	r.Header = m.header
	_, r.URL.RawQuery, _ = strings.Cut(m.target, "?")

	accepted, err := j.verifiers[source].Verify(r)
	if err != nil {
		return refused("", err)
	}
	yes := true
	v := verdict{Accepted: &yes}
	id := stripeapps.MustIdentity(accepted.Context())
	v.Source, v.UserID, v.AccountID = sourceNames[source], id.UserID, id.AccountID
	v.setTime(id.SignedAt)
	v.Secret = j.secrets.placeOf(id.Secret)
	v.unsignedBody = source != stripeapps.SignedBody && len(m.body) > 0
	return v
}
