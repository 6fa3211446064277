package standin

import (
	"encoding/json"
	"net/http"
	"sync"
)

// tour is what Stripe's side has seen of the app's life, for the page. It is for one
// person at a time.
type tour struct {
	mu sync.Mutex
	view
}

// view is what the page shows.
type view struct {
	Granted   bool // the account has the app
	Cancelled bool
	Install   *redirect
	Request   *request
	Call      *call
	Event     *delivery
}

// redirect is the way back from the page on which the app is installed.
type redirect struct {
	To     string
	Query  []param
	Landed bool // the app has sent the person on
}

type param struct{ Name, Value, Note string }

// request is what the extension has sent to the app.
type request struct {
	To, Body, Signature string
	Status              int // 0: no response yet
	Code, Detail        string
}

// call is what the app has sent to Stripe's API.
type call struct {
	Method, Path, Key, Account string
	Status                     int
	Answer                     string
}

// delivery is an event that was sent to the app.
type delivery struct {
	To, ID, Type, Account, Signature string
	Raw                              []byte
	Status, Times                    int
}

// Step is the one that comes next. After the last one it is the request, which is now
// refused, and then the first one again.
func (v view) Step() int {
	uninstalled := v.Event != nil
	switch {
	case uninstalled && v.Request.Passed():
		return 2
	case uninstalled || !v.Installed():
		return 1
	case v.Call == nil || v.Call.Status != http.StatusOK:
		return 2
	}
	return 4
}

// Installed says that the account has the app, and that the app knows.
func (v view) Installed() bool { return v.Granted && v.Install != nil && v.Install.Landed }

// Passed says that the extension's request was let through.
func (r *request) Passed() bool { return r != nil && r.Status == http.StatusOK }

// Check says what has become of one of the three checks that the page has for a request,
// by the code of its response.
func (r *request) Check(number int) string {
	failed := 1
	switch {
	case r == nil || r.Status == 0:
		return ""
	case r.Passed() || r.Code == "stripe_failed":
		failed = 4
	case r.Code == "not_installed" || r.Code == "install_again" || r.Code == "no_mode":
		failed = 3
	case r.Code == "requirement_not_met":
		failed = 2
	}
	switch {
	case number < failed:
		return "passed"
	case number == failed:
		return "refused"
	}
	return ""
}

func (t *tour) change(how func(v *view)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	how(&t.view)
}

func (t *tour) now() view {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.view
}

func quoted(text string) string {
	b, _ := json.Marshal(text) // cannot fail
	return string(b)
}
