// Package response has the one writer that the parts of the chain share. It puts
// the chain's own headers on every response, whatever the handlers behind it do to
// the header map, and can send another response in a handler's place.
package response

import (
	"io"
	"net/http"
	"strings"
)

// Writer is the http.ResponseWriter of the chain. It knows whether a response has
// begun, and when one begins, it puts on it what the parts of the chain have
// registered: a Grant, policies, what keeps a response private.
//
// Handlers do not get a Writer, but what Wrap returns: a Writer with the optional
// methods that the writer below has.
type Writer struct {
	below http.ResponseWriter
	outer http.Header // as the innermost part of the chain found it, see keep

	grant    *Grant
	policies []Line
	private  bool

	begun      bool
	refusing   bool // the response is not the handler's own
	forRefusal bool // see ForRefusal
	whole      bool // what comes after a Problem is not to be sent

	// room is for the values of headers: slices that belong to this response
	// alone, in the same allocation.
	room [6]string
	used int8
}

// Wrap returns the chain's writer on w, to which nothing has been written yet, and
// what to give to the next handler. If w is the chain's already, that is w. What is in
// the header stands outside of the part that calls it.
func Wrap(w http.ResponseWriter) (http.ResponseWriter, *Writer) {
	chain := of(w)
	if chain == nil {
		w, chain = newWriter(w)
	}
	chain.keep()
	return w, chain
}

// of returns the chain's writer if w is it, or else nil. No type outside this
// package can have the method.
func of(w http.ResponseWriter) *Writer {
	if w, ok := w.(interface{ chain() *Writer }); ok {
		return w.chain()
	}
	return nil
}

func (w *Writer) chain() *Writer {
	if w.forRefusal {
		return nil
	}
	return w
}

// reach returns the chain's writer that is at w or below it, or nil where there is
// none, or a writer on the way is for a refusal or has no Unwrap.
func reach(w http.ResponseWriter) *Writer {
	for {
		if own, ok := w.(interface{ chain() *Writer }); ok {
			return own.chain()
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = wrapper.Unwrap()
	}
}

// Begun reports whether it is too late for another response.
func (w *Writer) Begun() bool { return w.begun }

// Header returns the header map of the writer below.
func (w *Writer) Header() http.Header { return w.below.Header() }

// Unwrap is for http.ResponseController.
func (w *Writer) Unwrap() http.ResponseWriter { return w.below }

// WriteHeader begins the response, unless status is informational: of those only
// 101 is final.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-15.2
func (w *Writer) WriteHeader(status int) {
	final := status >= 200 || status == http.StatusSwitchingProtocols
	if final && !w.begun {
		w.settle()
		if status == http.StatusRequestEntityTooLarge && !w.refusing {
			w.stopReading()
		}
	}
	w.below.WriteHeader(status)
	w.begun = w.begun || final
}

// Write begins the response, even if p is empty.
func (w *Writer) Write(p []byte) (int, error) {
	if w.forRefusal && len(p) == 0 {
		return 0, nil
	}
	w.begin()
	return w.below.Write(p)
}

// begin is for what makes net/http send a 200.
func (w *Writer) begin() {
	if !w.begun {
		w.settle()
		w.begun = true
	}
}

// Finish is called when the next handler has returned. If it has written nothing,
// net/http will send a 200.
func (w *Writer) Finish() {
	if !w.begun {
		w.settle()
	}
}

// Finish is Writer.Finish for those who have not kept it.
func Finish(w http.ResponseWriter) {
	if chain := of(w); chain != nil {
		chain.Finish()
	}
}

// stopReading keeps net/http from reading the rest of a request body that is too
// large. An http.MaxBytesReader says so to the server's own writer, by a method
// that no other writer can have; behind the chain it finds this one instead. A
// handler's 413 says the same, and is handed on in the only way that there is.
//
// https://go.dev/issue/73754
func (w *Writer) stopReading() {
	server := w.below
	for {
		wrapper, ok := server.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		server = wrapper.Unwrap()
	}
	tooLarge := http.MaxBytesReader(server, io.NopCloser(strings.NewReader("x")), 0)
	tooLarge.Read(make([]byte, 1))
}
