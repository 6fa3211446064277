package events

import (
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// ChangeKind is what has happened to an install.
type ChangeKind string

const (
	// Installed: an account has installed the app, or authorized it again.
	Installed ChangeKind = "installed"
	// Updated: an install has changed, like the permissions that it has.
	Updated ChangeKind = "updated"
	// Uninstalled: an account has uninstalled the app. Its tokens are dead.
	Uninstalled ChangeKind = "uninstalled"
)

// Change is what an event says about an install of an app.
//
// Events can come in any order, and days late: an Uninstalled can come after the
// Installed of the account's next install. Before you delete anything that was stored,
// compare the time at which it was stored with Event.Created.
type Change struct {
	Kind ChangeKind
	// Account is the account that has, or had, the app. It is empty where the event
	// names none: it is the account's that has the endpoint, as with a private app.
	Account string
	// Context is Event.Context.
	Context string
	// Livemode says which mode's install it is. An app that is installed in live mode
	// is connected to test mode too, and one event tells of one mode. A sandbox's
	// events are told from those of test mode by Event.SecretLabel.
	Livemode bool
	// App is the app, as the event names it: the id of data.object for
	// account.application.…, which Stripe sends to the app in question only, and the
	// app of it for apps.install.…, which Stripe sends to the account, its platform and
	// the developer: Config.Installs is called for those of Config.App only. A thin
	// event does not name it.
	App string
	// Status is the install's, for apps.install.…: installed, installing,
	// install_failed, uninstalling, uninstall_failed, or a newer one.
	Status string
	// Event is what all this was read from.
	Event Event
}

// changes are the types that tell of installs. Those of thin events begin with v1.
//
// https://docs.stripe.com/stripe-apps/events
// https://docs.stripe.com/api/apps/installs
var changes = map[string]ChangeKind{
	"account.application.authorized":      Installed,
	"account.application.deauthorized":    Uninstalled,
	"v1.account.application.authorized":   Installed,
	"v1.account.application.deauthorized": Uninstalled,
	"apps.install.created":                Installed,
	"apps.install.updated":                Updated,
	"apps.install.deleted":                Uninstalled,
}

var (
	applicationFields = signed.NewFieldNames("id")
	installFields     = signed.NewFieldNames("object", "account", "app", "status")
)

// Change returns what the event says about an install, or false if it is of another
// type or not of the form of its type. For Config.Installs it is read already.
func (e Event) Change() (Change, bool) {
	kind, isChange := changes[e.Type]
	change := Change{Kind: kind, Account: e.Account, Context: e.Context, Livemode: e.Livemode, Event: e}
	ok := isChange && e.Thin == strings.HasPrefix(e.Type, "v1.")
	switch {
	case !ok || e.Thin:
	case change.namesApp():
		ok = change.readInstall()
	default:
		ok = change.readApplication()
	}
	if !ok {
		return Change{}, false
	}
	return change, true
}

// namesApp reports whether the event is one that others than the app's developer get.
func (c *Change) namesApp() bool { return strings.HasPrefix(c.Event.Type, "apps.") }

// readApplication reads the application's id. The account is the event's, so that nothing
// else in the object matters.
func (c *Change) readApplication() bool {
	var outer reader
	read := reader{values: outer.fields(c.Event.Object, applicationFields)}
	if outer.fault != nil {
		return false
	}
	c.App = read.textOrNone()
	return read.fault == nil
}

func (c *Change) readInstall() bool {
	var outer reader
	read := reader{values: outer.fields(c.Event.Object, installFields)}
	if outer.fault != nil {
		return false
	}
	object := read.text()
	c.Account, c.App, c.Status = read.id(), read.text(), read.textOrNone()
	return read.fault == nil && object == "apps.install"
}
