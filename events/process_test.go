package events_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/events"
)

// called returns a handler that takes down which event it was called with.
func called(to *[]string, name string) events.Handler {
	return func(_ context.Context, event events.Event) error {
		*to = append(*to, name+" "+event.Type)
		return nil
	}
}

func TestEventsAreRoutedByTheirType(t *testing.T) {
	application := strings.Replace(snapshot("evt_1", "account.application.deauthorized"), `{"id":"in_1","object":"invoice"}`, `{"id":"ca_1","object":"application"}`, 1)
	var got []string
	installs := func(_ context.Context, change events.Change) error {
		got = append(got, "installs "+string(change.Kind)+" "+change.Account)
		return nil
	}
	handlers := map[string]events.Handler{testType: called(&got, "its own")}
	for _, test := range []struct {
		name    string
		cfg     events.Config
		payload string
		want    []string
		outcome events.Outcome
		code    string
	}{
		{"a type that has a handler", events.Config{Handlers: handlers, Other: called(&got, "other")}, snapshot("evt_1", testType), []string{"its own invoice.paid"}, events.Succeeded, ""},
		{"a type that has none", events.Config{Handlers: handlers}, snapshot("evt_1", "invoice.voided"), nil, events.Ignored, ""},
		{"a type that differs by case only", events.Config{Handlers: handlers}, snapshot("evt_1", "Invoice.paid"), nil, events.Ignored, ""},
		{"a type that has none, and Other", events.Config{Handlers: handlers, Other: called(&got, "other")}, snapshot("evt_1", "invoice.voided"), []string{"other invoice.voided"}, events.Succeeded, ""},
		{"an install", events.Config{Installs: installs, Other: called(&got, "other")}, application, []string{"installs uninstalled acct_1"}, events.Succeeded, ""},
		{"an install, and no Installs", events.Config{Other: called(&got, "other")}, application, []string{"other account.application.deauthorized"}, events.Succeeded, ""},
		{"an install, and a handler of its type", events.Config{Handlers: map[string]events.Handler{"account.application.deauthorized": called(&got, "its own")}}, application, []string{"its own account.application.deauthorized"}, events.Succeeded, ""},
		{"an install whose application can be read in two ways", events.Config{Installs: installs}, strings.Replace(application, `"ca_1"`, `"ca_1","ID":"ca_2"`, 1), nil, events.Refused, "malformed_event"},
		{"an install of a thin type in a snapshot event", events.Config{Installs: installs}, snapshot("evt_1", "v1.account.application.deauthorized"), nil, events.Refused, "malformed_event"},
		{"an install whose application is not described", events.Config{Installs: installs}, strings.Replace(application, `{"id":"ca_1","object":"application"}`, `{}`, 1), []string{"installs uninstalled acct_1"}, events.Succeeded, ""},
		{"an install of another object", events.Config{Installs: installs}, strings.Replace(snapshot("evt_1", "apps.install.deleted"), `"object":"invoice"`, `"object":"invoice","account":"acct_1","app":"com.example"`, 1), nil, events.Refused, "malformed_event"},
		{"an install without an account", events.Config{Installs: installs}, strings.Replace(snapshot("evt_1", "apps.install.deleted"), `"object":"invoice"`, `"object":"apps.install","app":"com.example"`, 1), nil, events.Refused, "malformed_event"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got = nil
			seen := &results{}
			test.cfg.Observe = seen.Observe
			status := http.StatusOK
			if test.code != "" {
				status = http.StatusBadRequest
			}
			assertServes(t, newEndpoint(t, test.cfg), newRequest(test.payload), status, test.code)
			assert.Equal(t, test.want, got)
			assert.Equal(t, []events.Outcome{test.outcome}, seen.outcomes())
		})
	}
}

// Stripe sends apps.install.… to the account too, whosever app it is.
func TestTheInstallsOfAnotherAppAreAcknowledgedAndIgnored(t *testing.T) {
	install := func(app string) string {
		return strings.Replace(snapshot("evt_1", "apps.install.deleted"), `{"id":"in_1","object":"invoice"}`,
			`{"id":"appinst_1","object":"apps.install","account":"acct_1","app":"`+app+`","status":"uninstalling"}`, 1)
	}
	application := strings.Replace(snapshot("evt_1", "account.application.deauthorized"), `{"id":"in_1","object":"invoice"}`, `{"id":"ca_1","object":"application"}`, 1)
	for _, test := range []struct {
		name, app, payload string
		outcome            events.Outcome
	}{
		{"ours", "com.example", install("com.example"), events.Succeeded},
		{"another developer's", "com.example", install("com.example.other"), events.OtherApp},
		{"one that differs by case only", "com.example", install("com.Example"), events.OtherApp},
		{"any, where ours is not given", "", install("com.example"), events.OtherApp},
		{"an application, which has an id of another kind", "com.example", application, events.Succeeded},
		{"an application, where ours is not given", "", application, events.Succeeded},
		{"a thin event, which names none", "com.example", thinInstall, events.Succeeded},
	} {
		t.Run(test.name, func(t *testing.T) {
			seen, changes := &results{}, 0
			endpoint := newEndpoint(t, events.Config{
				App: test.app, Observe: seen.Observe, Other: unreachable(t),
				Installs: func(context.Context, events.Change) error { changes++; return nil },
			})
			assertServes(t, endpoint, newRequest(test.payload), 200, "")
			assert.Equal(t, []events.Outcome{test.outcome}, seen.outcomes())
			assert.Equal(t, test.outcome == events.Succeeded, changes == 1)
		})
	}
}

const thinInstall = `{"id":"evt_2","object":"v2.core.event","type":"v1.account.application.deauthorized","livemode":true,"created":"2026-10-28T12:00:00.000Z","context":"acct_1"}`

func TestTheEventsOfAnotherModeAreAcknowledgedAndIgnored(t *testing.T) {
	for _, test := range []struct {
		accept     events.Modes
		live, test events.Outcome
	}{
		{events.LiveOnly, events.Succeeded, events.OtherMode},
		{events.TestOnly, events.OtherMode, events.Succeeded},
		{events.LiveAndTest, events.Succeeded, events.Succeeded},
	} {
		seen := &results{}
		endpoint := newEndpoint(t, events.Config{Accept: test.accept, Observe: seen.Observe})
		live := snapshot("evt_1", testType)
		assertServes(t, endpoint, newRequest(live), 200, "")
		assertServes(t, endpoint, newRequest(strings.Replace(live, `"livemode":true`, `"livemode":false`, 1)), 200, "")
		assert.Equal(t, []events.Outcome{test.live, test.test}, seen.outcomes())
	}
}

func TestAHandlersErrorMakesStripeSendAgain(t *testing.T) {
	cause := errors.New("the database is down: password=hunter2")
	seen := &results{}
	endpoint := newEndpoint(t, events.Config{Observe: seen.Observe, Other: func(context.Context, events.Event) error { return cause }})
	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, newRequest(snapshot("evt_1", testType)))
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.NotContains(t, w.Body.String(), "hunter2")
	assert.Contains(t, w.Body.String(), `"code":"handler_failed"`)
	require.Len(t, seen.all, 1)
	assert.Equal(t, events.Failed, seen.all[0].Outcome)
	assert.ErrorIs(t, seen.all[0].Err, events.ErrHandlerFailed)
	assert.ErrorIs(t, seen.all[0].Err, cause)
}

// An error of a handler's own that has a status is still a failure: a 2xx cannot come of
// it, and the code is one.
func TestAHandlersErrorIsNotTheResponse(t *testing.T) {
	endpoint := newEndpoint(t, events.Config{Other: func(context.Context, events.Event) error { return stripeapps.ErrNoMatch }})
	assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)), 500, "handler_failed")
}

func TestAHandlersPanicMakesStripeSendAgain(t *testing.T) {
	errPanic := errors.New("a panic's error")
	for _, value := range []any{"a panic", errPanic, http.ErrAbortHandler} {
		var logged bytes.Buffer
		seen := &results{}
		guard := events.NewMemory(events.MemoryConfig{Now: testClock})
		endpoint := newEndpoint(t, events.Config{Guard: guard, Observe: seen.Observe, Other: func(context.Context, events.Event) error { panic(value) }})
		r := newRequest(snapshot("evt_1", testType))
		r = r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, &http.Server{ErrorLog: log.New(&logged, "", 0)}))
		assertServes(t, endpoint, r, 500, "handler_failed")
		require.Len(t, seen.all, 1)
		assert.ErrorIs(t, seen.all[0].Err, events.ErrHandlerFailed)
		if err, isError := value.(error); isError {
			assert.ErrorIs(t, seen.all[0].Err, err)
		}
		if value == http.ErrAbortHandler {
			assert.Empty(t, logged.String())
		} else {
			assert.Contains(t, logged.String(), fmt.Sprintf("stripeapps: panic handling an event of type invoice.paid: %v\n", value))
			assert.Contains(t, logged.String(), "process_test.go", "the stack")
		}
		state, err := guard.Begin(t.Context(), "evt_1", "next", testNow.Add(time.Minute))
		assert.NoError(t, err)
		assert.Equal(t, events.Begun, state, "the next delivery is handled")
	}
}

func TestAHandlerThatEndsItsGoroutineHasFailed(t *testing.T) {
	guard := events.NewMemory(events.MemoryConfig{Now: testClock})
	endpoint := newEndpoint(t, events.Config{Guard: guard, Other: func(context.Context, events.Event) error { runtime.Goexit(); return nil }})
	done := make(chan struct{})
	w := httptest.NewRecorder()
	go func() {
		defer close(done)
		endpoint.ServeHTTP(w, newRequest(snapshot("evt_1", testType)))
	}()
	<-done
	assert.False(t, w.Flushed)
	state, err := guard.Begin(t.Context(), "evt_1", "next", testNow.Add(time.Minute))
	assert.NoError(t, err)
	assert.Equal(t, events.Begun, state)
}

func TestAnEventIsHandledOnce(t *testing.T) {
	handled := 0
	seen := &results{}
	endpoint := newEndpoint(t, events.Config{
		Guard: events.NewMemory(events.MemoryConfig{Now: testClock}), Observe: seen.Observe,
		Other: func(context.Context, events.Event) error { handled++; return nil },
	})
	for range 3 {
		assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)), 200, "")
	}
	assertServes(t, endpoint, newRequest(snapshot("evt_2", testType)), 200, "")
	assert.Equal(t, 2, handled)
	assert.Equal(t, []events.Outcome{events.Succeeded, events.Duplicate, events.Duplicate, events.Succeeded}, seen.outcomes())
}

func TestAnEventWhoseHandlerFailedIsHandledAgain(t *testing.T) {
	attempts := 0
	endpoint := newEndpoint(t, events.Config{
		Guard: events.NewMemory(events.MemoryConfig{Now: testClock}),
		Other: func(context.Context, events.Event) error {
			if attempts++; attempts < 3 {
				return errors.New("not yet")
			}
			return nil
		},
	})
	r := func() *http.Request { return newRequest(snapshot("evt_1", testType)) }
	assertServes(t, endpoint, r(), 500, "handler_failed")
	assertServes(t, endpoint, r(), 500, "handler_failed")
	assertServes(t, endpoint, r(), 200, "")
	assertServes(t, endpoint, r(), 200, "")
	assert.Equal(t, 3, attempts)
}

// The second delivery must not be acknowledged while the first can still fail.
func TestOfTwoDeliveriesAtOnceOneIsHandled(t *testing.T) {
	synctest.Test(t, testTwoDeliveriesAtOnce) // which ends if all of them wait for ever
}

func testTwoDeliveriesAtOnce(t *testing.T) {
	var attempts atomic.Int64
	inHandler, goOn := make(chan struct{}), make(chan error)
	endpoint := newEndpoint(t, events.Config{
		Guard: events.NewMemory(events.MemoryConfig{Now: testClock}),
		Other: func(context.Context, events.Event) error {
			attempts.Add(1)
			inHandler <- struct{}{}
			return <-goOn
		},
	})
	for _, result := range []error{errors.New("failed"), nil} {
		var first sync.WaitGroup
		first.Go(func() {
			status, _ := serve(t, endpoint, newRequest(snapshot("evt_1", testType)))
			assert.Equal(t, result == nil, status == 200)
		})
		<-inHandler
		var others sync.WaitGroup
		for range 10 {
			others.Go(func() { assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)), 409, "event_in_progress") })
		}
		others.Wait()
		goOn <- result
		first.Wait()
	}
	assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)), 200, "")
	assert.EqualValues(t, 2, attempts.Load())
}

// A process that dies tells the Guard nothing.
func TestAnEventWhoseProcessDiedIsHandledAfterItsTime(t *testing.T) {
	clock := newClock()
	guard := events.NewMemory(events.MemoryConfig{Now: clock.Now})
	handled := 0
	endpoint := newEndpoint(t, events.Config{
		Guard: guard, Now: clock.Now, Tolerance: time.Hour, HandlerTimeout: time.Minute,
		Other: func(context.Context, events.Event) error { handled++; return nil },
	})
	state, err := guard.Begin(t.Context(), "evt_1", "of the process that dies", clock.Now().Add(90*time.Second))
	require.NoError(t, err)
	require.Equal(t, events.Begun, state)
	assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)), 409, "event_in_progress")
	clock.Advance(90*time.Second + 1)
	assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)), 200, "")
	assert.Equal(t, 1, handled)
}

// guard is a Guard whose calls are taken down, and can fail.
type guard struct {
	state                 events.State
	begin, end            error
	calls                 []string
	contexts              []error
	begunTo, rememberedTo time.Time
}

func (g *guard) Begin(ctx context.Context, key, attempt string, until time.Time) (events.State, error) {
	g.calls, g.contexts, g.begunTo = append(g.calls, "begin "+key), append(g.contexts, ctx.Err()), until
	return g.state, g.begin
}

func (g *guard) Finish(ctx context.Context, key string, until time.Time) error {
	g.calls, g.contexts, g.rememberedTo = append(g.calls, "finish "+key), append(g.contexts, ctx.Err()), until
	return g.end
}

func (g *guard) Abandon(ctx context.Context, key, _ string) error {
	g.calls, g.contexts = append(g.calls, "abandon "+key), append(g.contexts, ctx.Err())
	return g.end
}

func TestWhatTheGuardIsAskedAndTold(t *testing.T) {
	down := errors.New("down")
	for _, test := range []struct {
		name    string
		scope   string
		guard   guard
		handler error
		calls   []string
		status  int
		code    string
		outcome events.Outcome
		err     error
	}{
		{"the handler succeeds", "", guard{state: events.Begun}, nil, []string{"begin evt_1", "finish evt_1"}, 200, "", events.Succeeded, nil},
		{"the handler fails", "", guard{state: events.Begun}, down, []string{"begin evt_1", "abandon evt_1"}, 500, "handler_failed", events.Failed, down},
		{"with a scope", "emails", guard{state: events.Begun}, nil, []string{"begin emails/evt_1", "finish emails/evt_1"}, 200, "", events.Succeeded, nil},
		{"it was handled", "", guard{state: events.Handled}, down, []string{"begin evt_1"}, 200, "", events.Duplicate, nil},
		{"it is running", "", guard{state: events.Running}, down, []string{"begin evt_1"}, 409, "event_in_progress", events.Refused, events.ErrInProgress},
		{"the Guard cannot tell", "", guard{begin: down}, nil, []string{"begin evt_1", "abandon evt_1"}, 503, "event_guard_unavailable", events.Refused, down},
		{"the Guard returns no State", "", guard{}, nil, []string{"begin evt_1", "abandon evt_1"}, 503, "event_guard_unavailable", events.Refused, events.ErrUnavailable},
		{"the Guard returns a State and an error", "", guard{state: events.Handled, begin: down}, nil, []string{"begin evt_1", "abandon evt_1"}, 503, "event_guard_unavailable", events.Refused, down},
		// What was handled is acknowledged: sent again it would be handled again.
		{"the Guard cannot be told of a success", "", guard{state: events.Begun, end: down}, nil, []string{"begin evt_1", "finish evt_1"}, 200, "", events.Succeeded, events.ErrUnavailable},
		{"the Guard cannot be told of a failure", "", guard{state: events.Begun, end: down}, context.Canceled, []string{"begin evt_1", "abandon evt_1"}, 500, "handler_failed", events.Failed, down},
	} {
		t.Run(test.name, func(t *testing.T) {
			seen := &results{}
			endpoint := newEndpoint(t, events.Config{Guard: &test.guard, Scope: test.scope, Observe: seen.Observe,
				Other: func(context.Context, events.Event) error { return test.handler }})
			assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)), test.status, test.code)
			assert.Equal(t, test.calls, test.guard.calls)
			assert.Equal(t, testNow.Add(time.Minute), test.guard.begunTo, "the handler's 30 seconds, and 30 more")
			if slices.Contains(test.calls, "finish evt_1") {
				assert.Equal(t, testNow.Add(4*24*time.Hour), test.guard.rememberedTo)
			}
			require.Len(t, seen.all, 1)
			assert.Equal(t, test.outcome, seen.all[0].Outcome)
			assert.ErrorIs(t, seen.all[0].Err, test.err)
		})
	}
}

// Stripe does not wait for long. What has begun goes on, and Stripe's next delivery
// finds it done.
func TestAHandlerGoesOnWhenStripeHangsUp(t *testing.T) {
	g := &guard{state: events.Begun}
	ctx, hangUp := context.WithCancel(t.Context())
	endpoint := newEndpoint(t, events.Config{Guard: g, Other: func(ctx context.Context, _ events.Event) error {
		hangUp()
		return ctx.Err()
	}})
	assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)).WithContext(ctx), 200, "")
	assert.Equal(t, []string{"begin evt_1", "finish evt_1"}, g.calls)
	assert.Equal(t, []error{nil, nil}, g.contexts)
}

func TestAHandlersContextEndsAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := newEndpoint(t, events.Config{HandlerTimeout: 7 * time.Second, Other: func(ctx context.Context, _ events.Event) error {
			<-ctx.Done()
			return ctx.Err()
		}})
		began := time.Now()
		assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)), 500, "handler_failed")
		assert.Equal(t, 7*time.Second, time.Since(began))
	})
}

// A Guard that hangs does not hold a delivery up for ever.
func TestTheGuardsCallsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := newEndpoint(t, events.Config{Guard: hanging{}, Other: unreachable(t)})
		began := time.Now()
		assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)), 503, "event_guard_unavailable")
		assert.Equal(t, 10*time.Second, time.Since(began), "five to begin, and five to abandon what may have begun")
	})
}

type hanging struct{ *guard }

func (hanging) Begin(ctx context.Context, _, _ string, _ time.Time) (events.State, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func (hanging) Abandon(ctx context.Context, _, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

// The answer of a database can be lost after it has done what it was asked for.
func TestAnAttemptWhoseBeginningIsNotKnownIsAbandoned(t *testing.T) {
	g := &losing{Memory: events.NewMemory(events.MemoryConfig{Now: testClock})}
	handled := 0
	endpoint := newEndpoint(t, events.Config{Guard: g, Other: func(context.Context, events.Event) error { handled++; return nil }})
	assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)), 503, "event_guard_unavailable")
	assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)), 200, "")
	assert.Equal(t, 1, handled)
}

// losing loses its first answer.
type losing struct {
	*events.Memory
	lost bool
}

func (g *losing) Begin(ctx context.Context, key, attempt string, until time.Time) (events.State, error) {
	state, err := g.Memory.Begin(ctx, key, attempt, until)
	if !g.lost {
		g.lost = true
		return 0, errors.New("i/o timeout")
	}
	return state, err
}

func TestAPanicOfTheGuardIsItsError(t *testing.T) {
	for _, test := range []struct {
		name, panics string
		handler      error
		status       int
		code         string
		outcome      events.Outcome
	}{
		{"before the handler", "begin", nil, 503, "event_guard_unavailable", events.Refused},
		{"after its success", "finish", nil, 200, "", events.Succeeded},
		{"after its failure", "abandon", errors.New("failed"), 500, "handler_failed", events.Failed},
	} {
		t.Run(test.name, func(t *testing.T) {
			var logged bytes.Buffer
			r := newRequest(snapshot("evt_1", testType))
			server := &http.Server{ErrorLog: log.New(&logged, "", 0)}
			r = r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, server))
			seen := &results{}
			endpoint := newEndpoint(t, events.Config{Guard: panicking(test.panics), Observe: seen.Observe,
				Other: func(context.Context, events.Event) error { return test.handler }})
			assertServes(t, endpoint, r, test.status, test.code)
			assert.Equal(t, []events.Outcome{test.outcome}, seen.outcomes())
			assert.ErrorIs(t, seen.all[0].Err, events.ErrUnavailable)
			assert.Contains(t, logged.String(), "stripeapps: panic calling the Guard: driver\n")
			assert.Equal(t, 1, strings.Count(logged.String(), "stripeapps: "))
		})
	}
}

// panicking is a Guard that panics in one of its methods.
type panicking string

func (g panicking) in(method string) {
	if string(g) == method {
		panic("driver")
	}
}

func (g panicking) Begin(context.Context, string, string, time.Time) (events.State, error) {
	g.in("begin")
	return events.Begun, nil
}

func (g panicking) Finish(context.Context, string, time.Time) error {
	g.in("finish")
	return nil
}

func (g panicking) Abandon(context.Context, string, string) error {
	g.in("abandon")
	return nil
}

// As t.FailNow does, or a library's.
func TestObserveIsToldOfAHandlerThatEndsItsGoroutine(t *testing.T) {
	for _, g := range []events.Guard{nil, &guard{state: events.Begun}} {
		seen := &results{}
		endpoint := newEndpoint(t, events.Config{Guard: g, Observe: seen.Observe, Other: func(context.Context, events.Event) error {
			runtime.Goexit()
			return nil
		}})
		event, err := events.ParseUnverified([]byte(snapshot("evt_1", testType)))
		require.NoError(t, err)
		for _, deliver := range []func(){
			func() { endpoint.ServeHTTP(httptest.NewRecorder(), newRequest(snapshot("evt_1", testType))) },
			func() { endpoint.Handle(t.Context(), event) },
		} {
			var ended sync.WaitGroup
			ended.Go(deliver)
			ended.Wait()
		}
		assert.Equal(t, []events.Outcome{events.Failed, events.Failed}, seen.outcomes())
		for _, result := range seen.all {
			assert.ErrorIs(t, result.Err, events.ErrHandlerFailed)
			assert.Equal(t, "evt_1", result.Event.ID)
		}
	}
}

func TestHandleIsForAdaptersAndQueues(t *testing.T) {
	seen := &results{}
	attempts := 0
	endpoint := newEndpoint(t, events.Config{
		Guard: events.NewMemory(events.MemoryConfig{Now: testClock}), Observe: seen.Observe,
		Other: func(ctx context.Context, _ events.Event) error { attempts++; return ctx.Err() },
	})
	event, err := events.ParseUnverified([]byte(snapshot("evt_1", testType)))
	require.NoError(t, err)
	ended, end := context.WithCancel(t.Context())
	end()
	assert.ErrorIs(t, endpoint.Handle(ended, event), events.ErrUnavailable, "the end of the context holds, unlike with a request")
	assert.NoError(t, endpoint.Handle(t.Context(), event))
	assert.NoError(t, endpoint.Handle(t.Context(), event))
	assert.Equal(t, 1, attempts)
	assert.Equal(t, []events.Outcome{events.Refused, events.Succeeded, events.Duplicate}, seen.outcomes())
	assert.Nil(t, seen.all[0].Request)
}

func TestTheGuardIsToldEvenIfTheContextHasEnded(t *testing.T) {
	for _, fails := range []bool{false, true} {
		g := &guard{state: events.Begun}
		ctx, end := context.WithCancel(t.Context())
		endpoint := newEndpoint(t, events.Config{Guard: g, Other: func(ctx context.Context, _ events.Event) error {
			end()
			if fails {
				return ctx.Err()
			}
			return nil
		}})
		event, err := events.ParseUnverified([]byte(snapshot("evt_1", testType)))
		require.NoError(t, err)
		assert.Equal(t, fails, endpoint.Handle(ctx, event) != nil)
		assert.Equal(t, []error{nil, nil}, g.contexts)
	}
}

// Endpoints that share a Guard, and have handlers of their own.
func TestEachScopeHandlesAnEvent(t *testing.T) {
	shared := events.NewMemory(events.MemoryConfig{Now: testClock})
	handled := 0
	for _, scope := range []string{"", "a", "b", "a"} {
		endpoint := newEndpoint(t, events.Config{Guard: shared, Scope: scope, Other: func(context.Context, events.Event) error { handled++; return nil }})
		assertServes(t, endpoint, newRequest(snapshot("evt_1", testType)), 200, "")
	}
	assert.Equal(t, 3, handled)
}

// The same uninstall, in two events.
func TestInstallsIsCalledForASnapshotAndForItsThinEvent(t *testing.T) {
	var thin []bool
	endpoint := newEndpoint(t, events.Config{Guard: events.NewMemory(events.MemoryConfig{Now: testClock}), Installs: func(_ context.Context, change events.Change) error {
		thin = append(thin, change.Event.Thin)
		return nil
	}})
	for _, payload := range []string{snapshot("evt_1", "account.application.deauthorized"), strings.Replace(thinInstall, `"context"`, `"snapshot_event":"evt_1","context"`, 1)} {
		assertServes(t, endpoint, newRequest(payload), 200, "")
	}
	assert.Equal(t, []bool{false, true}, thin)
}
