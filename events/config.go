package events

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

const (
	// DefaultHandlerTimeout is how long a handler may take, unless
	// Config.HandlerTimeout says otherwise.
	DefaultHandlerTimeout = 30 * time.Second
	// DefaultRemember is how long a handled event is remembered, unless
	// Config.Remember says otherwise: the three days in which Stripe sends an event
	// again, and one more.
	DefaultRemember = 4 * 24 * time.Hour

	maxTolerance      = 24 * time.Hour
	maxMaxBodyBytes   = 1 << 30
	maxBodyTimeout    = 24 * time.Hour
	maxHandlerTimeout = time.Hour
	maxRemember       = 365 * 24 * time.Hour
	maxScopeBytes     = 64
)

// Handler handles an event. If it returns an error, or panics, Stripe sends the event
// again, for up to three days. It must be safe for concurrent use.
type Handler func(ctx context.Context, event Event) error

// Modes are those whose events are handled.
type Modes uint8

const (
	// LiveOnly handles the events of live mode.
	LiveOnly Modes = iota + 1
	// TestOnly handles those of test mode and of sandboxes.
	TestOnly
	// LiveAndTest handles both: each handler has to look at Event.Livemode.
	LiveAndTest
)

// Config configures NewEndpoint. Secrets, or LabeledSecrets, and Accept are required,
// and one handler at least; the zero value of every other field is the documented
// default. It is copied: changing it later has no effect.
type Config struct {
	// Secrets are the signing secrets of your webhook endpoints (whsec_…), at most 16.
	// An app has several: Stripe sends snapshot and thin events, or live mode's and a
	// sandbox's, to endpoints of their own, with a secret each, which may all have the
	// URL of this one; and while a secret is rolled there are two. Every secret is
	// tried against every v1 signature. A blank, padded, repeated or wrong kind of
	// secret (absec_, sk_, rk_, pk_, …) is an error. SetSecrets replaces them later.
	Secrets []string

	// LabeledSecrets are given instead of Secrets where it matters which of them has
	// signed, as for the endpoint of a sandbox. Event.SecretLabel tells it.
	LabeledSecrets []stripeapps.LabeledSecret

	// Accept says which modes' events are handled. Those of another mode are
	// acknowledged and ignored. It must be chosen: an app that is installed in live
	// mode is connected to test mode too, and test events can reach an endpoint that is
	// for live ones.
	Accept Modes

	// Installs is called for the events that tell of an install of the app, snapshot
	// and thin: see Change. Forget there what was stored for an account that has
	// uninstalled the app.
	//
	// It must bear to be called more than once for one install or uninstall, also with a
	// Guard, which knows events and not what they are about: Stripe can tell of it in a
	// snapshot event and in a thin one, and by account.application.… and apps.install.….
	Installs func(ctx context.Context, change Change) error

	// App is the id of your app, as Change.App of apps.install.… names it. Stripe sends
	// those events to the account, its platform and the developer, so that they can tell
	// of another developer's app: with Installs, only those of App are handled, and the
	// others are acknowledged, as OtherApp. So are all of them while App is "", which is
	// enough where your endpoints listen to account.application.… only: those come to
	// the app in question, and App is not compared with them. It needs Installs.
	App string

	// Handlers are called for the events of their types (the keys). Thin events have
	// types of their own, which begin with v1. or v2.
	Handlers map[string]Handler

	// Other is called for all events that Installs and Handlers are not for. nil means
	// that they are acknowledged and ignored.
	Other Handler

	// HandlerTimeout is how long a handler may take: its context ends then. Stripe does
	// not document for how long it waits, before it hangs up and sends the event again
	// later. That does not end the context: a handler that is later than Stripe waits has
	// still handled the event, and with a Guard the next delivery finds it done. 0 means
	// DefaultHandlerTimeout; negative values and values over an hour are errors.
	HandlerTimeout time.Duration

	// Guard lets each event be handled once: NewMemory for one process, or one that
	// several share. nil means that an event that Stripe sends twice is handled twice.
	Guard Guard

	// Scope keeps endpoints apart that share a Guard: 1 to 64 letters, digits, -, or _.
	// Give each one that has handlers of its own another: of those in one scope, only
	// the first that an event reaches handles it. "" is a scope like any other.
	Scope string

	// Remember is for how long the Guard remembers that an event has been handled. An
	// event that is sent by hand after that, in the Dashboard, is handled once more. 0
	// means DefaultRemember; negative values and values over a year are errors.
	Remember time.Duration

	// Tolerance is how far the signature's time may be from Now, in the past and in the
	// future, the limit included. Stripe signs anew whenever it sends again. 0 means
	// stripeapps.DefaultTolerance; negative values and values over 24 hours are errors.
	Tolerance time.Duration

	// MaxBodyBytes is the largest body that is read. Stripe documents no largest event.
	// 0 means stripeapps.DefaultMaxBodyBytes; negative values and values over 1 GiB are
	// errors.
	MaxBodyBytes int64

	// BodyTimeout is how long a body may take to arrive, as a whole; see
	// stripeapps.VerifierConfig. 0 means stripeapps.DefaultBodyTimeout; negative values
	// and values over 24 hours are errors.
	BodyTimeout time.Duration

	// Now returns the current time. nil means time.Now. It must be safe for concurrent
	// use.
	Now func() time.Time

	// Observe, if not nil, is told what has become of each delivery, before the
	// response. LogResults makes one that logs. It is called concurrently.
	Observe func(Result)
}

// withDefaults returns the configuration with what it leaves to the defaults.
func (cfg Config) withDefaults() Config {
	cfg.HandlerTimeout = cmp.Or(cfg.HandlerTimeout, DefaultHandlerTimeout)
	cfg.Remember = cmp.Or(cfg.Remember, DefaultRemember)
	cfg.Tolerance = cmp.Or(cfg.Tolerance, stripeapps.DefaultTolerance)
	cfg.MaxBodyBytes = cmp.Or(cfg.MaxBodyBytes, stripeapps.DefaultMaxBodyBytes)
	cfg.BodyTimeout = cmp.Or(cfg.BodyTimeout, stripeapps.DefaultBodyTimeout)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

// check says everything that is wrong with a configuration that has its defaults, but
// for its secrets.
func (cfg Config) check() error {
	errs := []error{cfg.checkHandlers()}
	if cfg.Accept < LiveOnly || cfg.Accept > LiveAndTest {
		errs = append(errs, errors.New("events: Config.Accept is not one of LiveOnly, TestOnly and LiveAndTest: "+
			"choose one, as test events can reach a live endpoint"))
	}
	for _, limit := range []struct {
		field                string
		value, def, mostTime time.Duration
	}{
		{"HandlerTimeout", cfg.HandlerTimeout, DefaultHandlerTimeout, maxHandlerTimeout},
		{"Remember", cfg.Remember, DefaultRemember, maxRemember},
		{"Tolerance", cfg.Tolerance, stripeapps.DefaultTolerance, maxTolerance},
		{"BodyTimeout", cfg.BodyTimeout, stripeapps.DefaultBodyTimeout, maxBodyTimeout},
	} {
		if limit.value < 0 || limit.value > limit.mostTime {
			errs = append(errs, fmt.Errorf("events: Config.%s is %v: it must be 0 (meaning %v) or from 1ns to %v",
				limit.field, limit.value, limit.def, limit.mostTime))
		}
	}
	if cfg.MaxBodyBytes < 0 || cfg.MaxBodyBytes > maxMaxBodyBytes {
		errs = append(errs, fmt.Errorf("events: Config.MaxBodyBytes is %d: it must be 0 (meaning %d) or from 1 to %d",
			cfg.MaxBodyBytes, stripeapps.DefaultMaxBodyBytes, maxMaxBodyBytes))
	}
	if len(cfg.App) > signed.MaxIDBytes || strings.ContainsFunc(cfg.App, isNotOfApp) {
		errs = append(errs, fmt.Errorf("events: Config.App is not 0 to %d bytes of printable ASCII without spaces", signed.MaxIDBytes))
	}
	if cfg.App != "" && cfg.Installs == nil {
		errs = append(errs, errors.New("events: Config.App is compared for Installs only: set Installs, or compare in the handler"))
	}
	if len(cfg.Scope) > maxScopeBytes || strings.ContainsFunc(cfg.Scope, isNotOfScope) {
		errs = append(errs, errors.New("events: Config.Scope is not 0 to 64 letters, digits, - or _"))
	}
	return errors.Join(errs...)
}

func isNotOfApp(c rune) bool { return c <= ' ' || c > '~' }

func isNotOfScope(c rune) bool { return c != '-' && !signed.IsID(string(c)) }

func (cfg Config) checkHandlers() error {
	if cfg.Installs == nil && len(cfg.Handlers) == 0 && cfg.Other == nil {
		return errors.New("events: Config has no handler: set Installs, Handlers or Other")
	}
	var errs []error
	for _, eventType := range slices.Sorted(maps.Keys(cfg.Handlers)) {
		_, isChange := changes[eventType]
		switch {
		case cfg.Handlers[eventType] == nil:
			errs = append(errs, fmt.Errorf("events: Config.Handlers[%q] is nil", eventType))
		case eventType == "" || strings.ContainsAny(eventType, "* \t\r\n"):
			errs = append(errs, fmt.Errorf("events: Config.Handlers[%q] is not for one type of event: name it in full, or use Other", eventType))
		case isChange && cfg.Installs != nil:
			errs = append(errs, fmt.Errorf("events: Config.Handlers[%q] is for what Installs is called for: set one of them", eventType))
		}
	}
	return errors.Join(errs...)
}

func (cfg Config) keyring() (signed.Keyring, error) {
	if cfg.Secrets != nil && cfg.LabeledSecrets != nil {
		return nil, errors.New("events: Config.Secrets and Config.LabeledSecrets are both set: give each secret a label, or none")
	}
	if cfg.LabeledSecrets == nil {
		return signed.NewEndpointKeyring("events: Config.Secrets", cfg.Secrets)
	}
	return signed.NewLabeledEndpointKeyring("events: Config.LabeledSecrets", "Config.Secrets", withoutType(cfg.LabeledSecrets))
}

func withoutType(secrets []stripeapps.LabeledSecret) []signed.Labeled {
	entries := make([]signed.Labeled, len(secrets))
	for i, entry := range secrets {
		entries[i] = signed.Labeled(entry)
	}
	return entries
}
