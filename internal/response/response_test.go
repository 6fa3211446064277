package response_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/internal/response"
)

// plainWriter has no method but the three.
type plainWriter struct{ http.ResponseWriter }

// brokenWriter cannot send, nor be hijacked.
type brokenWriter struct{ http.ResponseWriter }

var errBroken = errors.New("broken")

func (brokenWriter) FlushError() error { return errBroken }

func (brokenWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, errBroken }

func flush(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() }

func TestAWriterKnowsWhetherAResponseHasBegun(t *testing.T) {
	for name, test := range map[string]struct {
		write func(w http.ResponseWriter)
		begun bool
	}{
		"nothing":                    {func(w http.ResponseWriter) {}, false},
		"a header":                   {func(w http.ResponseWriter) { w.Header().Set("X-Own", "1") }, false},
		"a status":                   {func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }, true},
		"early hints":                {func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints) }, false},
		"early hints after a status": {func(w http.ResponseWriter) { w.WriteHeader(204); w.WriteHeader(http.StatusEarlyHints) }, true},
		"another protocol":           {func(w http.ResponseWriter) { w.WriteHeader(http.StatusSwitchingProtocols) }, true},
		"a body":                     {func(w http.ResponseWriter) { w.Write([]byte("x")) }, true},
		"a text":                     {func(w http.ResponseWriter) { io.WriteString(w, "x") }, true},
		"an empty body":              {func(w http.ResponseWriter) { w.Write(nil) }, true},
		"an empty text":              {func(w http.ResponseWriter) { io.WriteString(w, "") }, true},
		"the last that informs":      {func(w http.ResponseWriter) { w.WriteHeader(199) }, false},
		"the first that does not":    {func(w http.ResponseWriter) { w.WriteHeader(200) }, true},
		"a copied body":              {func(w http.ResponseWriter) { io.Copy(w, strings.NewReader("x")) }, true},
		"a flush":                    {func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, true},
		"a flush by the controller":  {func(w http.ResponseWriter) { flush(w) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			w, chain := response.Wrap(httptest.NewRecorder())
			test.write(w)
			assert.Equal(t, test.begun, chain.Begun())
		})
	}
}

func TestWhatTheWriterBelowCannotDoDoesNotBegin(t *testing.T) {
	plain, chain := response.Wrap(plainWriter{httptest.NewRecorder()})
	require.ErrorIs(t, flush(plain), http.ErrNotSupported)
	assert.False(t, chain.Begun())

	broken, chain := response.Wrap(brokenWriter{httptest.NewRecorder()})
	_, _, err := http.NewResponseController(broken).Hijack()
	require.ErrorIs(t, err, errBroken)
	_, err = broken.(io.ReaderFrom).ReadFrom(io.LimitReader(nil, 0))
	require.NoError(t, err)
	assert.False(t, chain.Begun())
	require.ErrorIs(t, flush(broken), errBroken)
	assert.True(t, chain.Begun(), "something may have been sent")
}

// unsupportedWriter has the method, but a writer below it has not.
type unsupportedWriter struct{ http.ResponseWriter }

func (unsupportedWriter) FlushError() error { return http.ErrNotSupported }

func TestAFlushThatIsNotSupportedDoesNotBegin(t *testing.T) {
	w, chain := response.Wrap(unsupportedWriter{httptest.NewRecorder()})
	require.ErrorIs(t, flush(w), http.ErrNotSupported)
	assert.False(t, chain.Begun())
}

func TestAnInvalidStatusDoesNotBegin(t *testing.T) {
	w, chain := response.Wrap(httptest.NewRecorder())
	assert.Panics(t, func() { w.WriteHeader(1000) })
	assert.False(t, chain.Begun())
}

// get returns the body of what handler responds.
func get(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	response, err := http.Get(server.URL)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

func TestARefusalIsMoreThanAnEmpty200(t *testing.T) {
	for name, test := range map[string]struct {
		write func(w http.ResponseWriter)
		begun bool
	}{
		"nothing":              {func(w http.ResponseWriter) {}, false},
		"an empty body":        {func(w http.ResponseWriter) { w.Write(nil) }, false},
		"an empty string":      {func(w http.ResponseWriter) { io.WriteString(w, "") }, false},
		"a copied body, empty": {func(w http.ResponseWriter) { io.Copy(w, emptyWriterTo{}) }, false},
		"a flush":              {func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, false},
		"a flush and a text":   {func(w http.ResponseWriter) { flush(w); io.WriteString(w, "no") }, true},
		"a body":               {func(w http.ResponseWriter) { w.Write([]byte("no")) }, true},
		"a copied body":        {func(w http.ResponseWriter) { io.Copy(w, strings.NewReader("no")) }, true},
		"a status":             {func(w http.ResponseWriter) { w.WriteHeader(http.StatusTeapot) }, true},
		"a status and a flush": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusTeapot); flush(w) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			below := httptest.NewRecorder()
			w, refusal := response.ForRefusal(below)
			test.write(w)
			assert.Equal(t, test.begun, refusal.Begun())
			if !test.begun {
				below.WriteHeader(http.StatusUnauthorized)
				assert.Equal(t, http.StatusUnauthorized, below.Code, "nothing was sent")
			}
		})
	}
}

func TestARefusalsEmptyTextHasNoLength(t *testing.T) {
	w, _ := response.ForRefusal(httptest.NewRecorder())
	n, err := w.Write(nil)
	assert.Zero(t, n)
	assert.NoError(t, err)
	n, err = io.WriteString(w, "")
	assert.Zero(t, n)
	assert.NoError(t, err)
}

func TestARefusalThatHasBegunIsFlushed(t *testing.T) {
	below := httptest.NewRecorder()
	w, _ := response.ForRefusal(below)
	io.WriteString(w, "no")
	assert.False(t, below.Flushed)
	require.NoError(t, flush(w))
	assert.True(t, below.Flushed)
}

// takenWriter can be hijacked, once.
type takenWriter struct {
	http.ResponseWriter
	taken bool
}

func (w *takenWriter) Hijack() (_ net.Conn, _ *bufio.ReadWriter, err error) {
	if w.taken {
		err = errBroken
	}
	w.taken = true
	return nil, nil, err
}

func TestWhoHijacksHasBegun(t *testing.T) {
	w, chain := response.Wrap(&takenWriter{ResponseWriter: httptest.NewRecorder()})
	for _, want := range []error{nil, errBroken} {
		_, _, err := http.NewResponseController(w).Hijack()
		assert.ErrorIs(t, err, want)
		assert.True(t, chain.Begun())
	}
}

// readerWriter has ReadFrom, as net/http's own.
type readerWriter struct {
	http.ResponseWriter
	read bool
}

func (w *readerWriter) ReadFrom(src io.Reader) (int64, error) {
	w.read = true
	return io.Copy(struct{ io.Writer }{w.ResponseWriter}, src)
}

func TestAReaderIsHandedOnOnceTheResponseHasBegun(t *testing.T) {
	below := &readerWriter{ResponseWriter: httptest.NewRecorder()}
	w, chain := response.Wrap(below)
	for _, begun := range []bool{false, true} {
		_, err := w.(io.ReaderFrom).ReadFrom(io.LimitReader(strings.NewReader("x"), 1))
		require.NoError(t, err)
		assert.Equal(t, begun, below.read)
		assert.True(t, chain.Begun())
	}
}

func TestThereIsNothingToFinishOfAnotherWriter(t *testing.T) {
	w := httptest.NewRecorder()
	response.Finish(w)
	assert.Empty(t, w.Header())
}

// emptyWriterTo writes, but nothing.
type emptyWriterTo struct{ io.Reader }

func (emptyWriterTo) WriteTo(w io.Writer) (int64, error) {
	_, err := w.Write(nil)
	return 0, err
}

// guarded serves a request by a handler with Recover around it, and returns what it
// logged.
func guarded(w http.ResponseWriter, onPanic func(*http.Request, any), handler http.HandlerFunc) string {
	logged := new(bytes.Buffer)
	server := &http.Server{ErrorLog: log.New(logged, "", 0)}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r = r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, server))
	func() {
		w, chain := response.Wrap(w)
		defer response.Recover(chain, chain.Outside(), r, onPanic, func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "instead", http.StatusInternalServerError)
		})
		handler(w, r)
	}()
	return logged.String()
}

func TestAPanicIsLoggedAndGetsAResponse(t *testing.T) {
	w := httptest.NewRecorder()
	logged := guarded(w, nil, func(w http.ResponseWriter, r *http.Request) { panic("s3cr3t") })
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.Equal(t, "instead\n", w.Body.String())
	assert.Contains(t, logged, "http: panic serving 192.0.2.1:1234: s3cr3t\n")
	assert.Contains(t, logged, "TestAPanicIsLoggedAndGetsAResponse", "the stack")
}

func TestWhoWantsToKnowOfAPanicIsToldAfterTheResponse(t *testing.T) {
	w := httptest.NewRecorder()
	var told any
	logged := guarded(w, func(r *http.Request, value any) {
		told = value
		assert.Equal(t, "/", r.URL.Path)
		assert.Equal(t, "instead\n", w.Body.String())
		assert.Contains(t, string(debug.Stack()), "thatPanics", "where it happened")
	}, thatPanics)
	assert.Equal(t, "s3cr3t", told)
	assert.Empty(t, logged, "it is theirs to log")

	w = httptest.NewRecorder()
	assert.PanicsWithValue(t, "handed on", func() {
		guarded(w, func(*http.Request, any) { panic("handed on") }, thatPanics)
	})
	assert.Equal(t, "instead\n", w.Body.String())
}

// A recoverer outside may respond too.
func TestNothingComesAfterTheResponseToAPanicThatGoesOn(t *testing.T) {
	problem := response.Problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "failed"}
	const document = `{"title":"Internal Server Error","status":500,"code":"internal","detail":"failed"}` + "\n"
	onPanic := func(*http.Request, any) {}
	for name, test := range map[string]struct {
		outer   func(http.ResponseWriter) http.ResponseWriter
		onPanic func(*http.Request, any)
		method  string
		header  http.Header
		length  []string
		flushed bool
	}{
		"it has its length, and is sent at once": {nil, onPanic, "GET", nil, []string{"83"}, true},
		"so has the response to a HEAD":          {nil, onPanic, "HEAD", nil, []string{"83"}, true},
		"none where the panic ends":              {nil, nil, "GET", nil, nil, false},
		"none where it is encoded outside":       {nil, onPanic, "GET", http.Header{"Content-Encoding": {"gzip"}}, nil, true},
		"none where a writer may hold it back": {func(w http.ResponseWriter) http.ResponseWriter { return hidingWriter{w} },
			onPanic, "GET", nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := httptest.NewRecorder()
			maps.Copy(recorder.Header(), test.header)
			var below http.ResponseWriter = recorder
			if test.outer != nil {
				below = test.outer(recorder)
			}
			r := httptest.NewRequest(test.method, "/", nil)
			r = r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, &http.Server{ErrorLog: log.New(io.Discard, "", 0)}))
			func() {
				w, chain := response.Wrap(below)
				defer response.Recover(chain, chain.Outside(), r, test.onPanic, problem.Write)
				thatPanics(w, r)
			}()
			assert.Equal(t, test.length, recorder.Header()["Content-Length"])
			assert.Equal(t, test.flushed, recorder.Flushed)
			if test.method == "GET" {
				assert.Equal(t, document, recorder.Body.String())
			} else {
				assert.Empty(t, recorder.Body.String())
			}
		})
	}
}

func thatPanics(http.ResponseWriter, *http.Request) { panic("s3cr3t") }

func TestAPanicGoesOnWhereAnotherResponseIsTooLateOrNotWanted(t *testing.T) {
	onPanic := func(*http.Request, any) { t.Error("told") }
	w := httptest.NewRecorder()
	assert.PanicsWithValue(t, "late", func() {
		guarded(w, onPanic, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "begun"); panic("late") })
	})
	assert.Equal(t, "begun", w.Body.String())

	w = httptest.NewRecorder()
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
		guarded(w, onPanic, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	})
	assert.Empty(t, w.Body.String())
}

func TestAHandlerThatDoesNotPanicIsLeftAlone(t *testing.T) {
	w := httptest.NewRecorder()
	assert.Empty(t, guarded(w, nil, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	assert.Equal(t, http.StatusTeapot, w.Code)
}

func TestWithoutAServerItIsTheStandardLog(t *testing.T) {
	logged := new(bytes.Buffer)
	log.SetOutput(logged)
	defer log.SetOutput(os.Stderr)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	response.Logf(r, "backend: %d", 1)
	assert.Contains(t, logged.String(), "backend: 1\n")

	logTo := func(l *log.Logger) {
		logged.Reset()
		ctx := context.WithValue(r.Context(), http.ServerContextKey, &http.Server{ErrorLog: l})
		response.Logf(r.WithContext(ctx), "backend: %d", 2)
	}
	logTo(nil)
	assert.Contains(t, logged.String(), "backend: 2\n", "the server has no log")
	logTo(log.New(io.Discard, "", 0))
	assert.Empty(t, logged.String(), "the server's log has it")
}

func TestUnsharedHeadersCanBeWrittenInto(t *testing.T) {
	shared := []string{"one", "two", "unseen"}
	header := http.Header{"A": shared[:2], "B": shared[1:2], "C": {}, "D": shared[:1]}
	response.Unshare(header, "A", "B", "C", "Nothing")
	assert.Equal(t, http.Header{"A": {"one", "two"}, "B": {"two"}, "C": {}, "D": {"one"}}, header)

	header["A"][1] = "spoiled"
	header.Add("A", "added")
	header.Add("B", "added")
	assert.Equal(t, []string{"one", "two", "unseen"}, shared)
	assert.Equal(t, []string{"one", "spoiled", "added"}, header["A"])
	assert.Equal(t, []string{"two", "added"}, header["B"])
}

func TestUnsharingAllocatesOnce(t *testing.T) {
	header := http.Header{"A": {"one"}, "B": {"two"}}
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { response.Unshare(header, "A", "B") }), 1.0)
}
