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

// process has an event handled, and says in result what has become of it.
func (e *Endpoint) process(ctx context.Context, result *Result) {
	if e.keys == nil {
		result.Outcome, result.Err = Failed, errNotMade
		return
	}
	if !e.accepts(result.Event.Livemode) {
		result.Outcome = OtherMode
		return
	}
	handler, err := e.handlerOf(&result.Event)
	switch {
	case err == errOtherApp:
		result.Outcome = OtherApp
	case err != nil:
		result.Outcome, result.Err = Refused, err
	case handler == nil:
		result.Outcome = Ignored
	case e.cfg.Guard == nil:
		result.Outcome, result.Err = outcomeOf(e.call(ctx, handler, result.Event))
	default:
		e.processOnce(ctx, handler, result)
	}
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
func (e *Endpoint) processOnce(ctx context.Context, handler Handler, result *Result) {
	key, attempt := keyOf(e.cfg.Scope, result.Event.ID), rand.Text()
	begin, cancel := context.WithTimeout(ctx, guardTimeout)
	state, err := e.cfg.Guard.Begin(begin, key, attempt, e.now().Add(e.cfg.HandlerTimeout+guardSlack))
	cancel()
	switch {
	case err != nil:
		result.Outcome, result.Err = Refused, failure{ErrUnavailable, err}
		return
	case state == Handled:
		result.Outcome = Duplicate
		return
	case state == Running:
		result.Outcome, result.Err = Refused, ErrInProgress
		return
	case state != Begun:
		result.Outcome, result.Err = Refused, failure{ErrUnavailable, fmt.Errorf("events: the Guard returned the State %d", state)}
		return
	}
	result.Outcome = Failed // unless the handler returns: it can end its goroutine
	defer func() {
		if err := e.end(ctx, key, attempt, result.Outcome); err != nil {
			result.Err = errors.Join(result.Err, failure{ErrUnavailable, err})
		}
	}()
	result.Outcome, result.Err = outcomeOf(e.call(ctx, handler, result.Event))
}

// end tells the Guard how an attempt has ended, even if ctx has.
func (e *Endpoint) end(ctx context.Context, key, attempt string, outcome Outcome) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guardTimeout)
	defer cancel()
	if outcome == Succeeded {
		return e.cfg.Guard.Finish(ctx, key, e.now().Add(e.cfg.Remember))
	}
	return e.cfg.Guard.Abandon(ctx, key, attempt)
}

func outcomeOf(err error) (Outcome, error) {
	if err != nil {
		return Failed, failure{ErrHandlerFailed, err}
	}
	return Succeeded, nil
}

// call calls a handler, and makes an error of its panic, which is logged as net/http
// would do.
func (e *Endpoint) call(ctx context.Context, handler Handler, event Event) (err error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.HandlerTimeout)
	defer cancel()
	returned := false
	defer func() {
		if returned {
			return
		}
		value := recover()
		err = panicked{value}
		if value != http.ErrAbortHandler && value != nil {
			response.Logf(new(http.Request).WithContext(ctx), "stripeapps: panic handling an event of type %s: %v\n%s", event.Type, value, debug.Stack())
		}
	}()
	err = handler(ctx, event)
	returned = true
	return err
}

// panicked is what a handler panicked with.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("events: the handler panicked: %v", p.value) }

func (p panicked) Unwrap() error {
	err, _ := p.value.(error)
	return err
}
