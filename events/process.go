package events

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/seed-8a2ffb75/stripeapps/internal/response"
)

// errEnded is what has become of a delivery until it is known: a handler can end its
// goroutine.
var errEnded = failure{ErrHandlerFailed, errors.New("events: the handler ended its goroutine")}

// process has an event handled, and returns what has become of it.
func (e *Endpoint) process(ctx context.Context, event Event) (Outcome, error) {
	if e.isNotMade() {
		return Failed, errNotMade
	}
	if !e.accepts(event.Livemode) {
		return OtherMode, nil
	}
	handler, err := e.handlerOf(&event)
	switch {
	case err == errOtherApp:
		return OtherApp, nil
	case err != nil:
		return Refused, err
	case handler == nil:
		return Ignored, nil
	case e.cfg.Guard == nil:
		return outcomeOf(e.call(ctx, handler, event))
	}
	return e.processOnce(ctx, handler, event)
}

func (e *Endpoint) accepts(livemode bool) bool {
	return e.cfg.Accept == LiveAndTest || livemode == (e.cfg.Accept == LiveOnly)
}

var errOtherApp = errors.New("events: the install is another app's")

// handlerOf returns the handler of an event, or nil if it is to be ignored.
func (e *Endpoint) handlerOf(event *Event) (Handler, error) {
	if handler := e.cfg.Handlers[event.Type]; handler != nil {
		return handler, nil
	}
	if _, isChange := changes[event.Type]; !isChange || e.cfg.Installs == nil {
		return e.cfg.Other, nil
	}
	change, ok := event.Change()
	if !ok {
		return nil, errNoInstall
	}
	if change.namesApp() && change.App != e.cfg.App {
		return nil, errOtherApp
	}
	return func(ctx context.Context, _ Event) error { return e.cfg.Installs(ctx, change) }, nil
}

// processOnce handles an event unless the Guard says that it has been handled, or is
// being handled.
func (e *Endpoint) processOnce(ctx context.Context, handler Handler, event Event) (outcome Outcome, err error) {
	key, attempt := keyOf(e.cfg.Scope, event.ID), rand.Text()
	state, err := e.begin(ctx, key, attempt)
	switch {
	case err != nil:
		// It may have begun all the same, and would keep other deliveries waiting.
		return Refused, failure{ErrUnavailable, errors.Join(err, e.end(ctx, key, attempt, Refused))}
	case state == Handled:
		return Duplicate, nil
	case state == Running:
		return Refused, ErrInProgress
	}
	outcome = Failed // unless the handler returns
	defer func() {
		if endErr := e.end(ctx, key, attempt, outcome); endErr != nil {
			err = errors.Join(err, failure{ErrUnavailable, endErr})
		}
	}()
	outcome, err = outcomeOf(e.call(ctx, handler, event))
	return outcome, err
}

// begin asks the Guard whether an attempt has begun.
func (e *Endpoint) begin(ctx context.Context, key, attempt string) (state State, err error) {
	err = recovered(ctx, "calling the Guard", func() (err error) {
		ctx, cancel := context.WithTimeout(ctx, guardTimeout)
		defer cancel()
		state, err = e.cfg.Guard.Begin(ctx, key, attempt, e.now().Add(e.cfg.HandlerTimeout+guardSlack))
		return err
	})
	if err == nil && state != Begun && state != Running && state != Handled {
		err = fmt.Errorf("events: the Guard returned the State %d", state)
	}
	return state, err
}

// end tells the Guard how an attempt has ended, even if ctx has.
func (e *Endpoint) end(ctx context.Context, key, attempt string, outcome Outcome) error {
	return recovered(ctx, "calling the Guard", func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guardTimeout)
		defer cancel()
		if outcome == Succeeded {
			return e.cfg.Guard.Finish(ctx, key, e.now().Add(e.cfg.Remember))
		}
		return e.cfg.Guard.Abandon(ctx, key, attempt)
	})
}

func outcomeOf(err error) (Outcome, error) {
	if err != nil {
		return Failed, failure{ErrHandlerFailed, err}
	}
	return Succeeded, nil
}

// call calls a handler.
func (e *Endpoint) call(ctx context.Context, handler Handler, event Event) error {
	return recovered(ctx, "handling an event of type "+event.Type, func() error {
		ctx, cancel := context.WithTimeout(ctx, e.cfg.HandlerTimeout)
		defer cancel()
		return handler(ctx, event)
	})
}

// recovered calls f, and makes an error of its panic, which is logged as net/http would
// do.
func recovered(ctx context.Context, doing string, f func() error) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		value := recover()
		err = panicked{doing, value}
		if value != http.ErrAbortHandler && value != nil {
			response.Logf(new(http.Request).WithContext(ctx), "stripeapps: panic %s: %v\n%s", doing, value, debug.Stack())
		}
	}()
	err = f()
	returned = true
	return err
}

// panicked is what a handler, or the Guard, panicked with.
type panicked struct {
	doing string
	value any
}

func (p panicked) Error() string { return fmt.Sprintf("events: panic %s: %v", p.doing, p.value) }

func (p panicked) Unwrap() error {
	err, _ := p.value.(error)
	return err
}
