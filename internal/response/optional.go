package response

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// optional is a Writer with every method that handlers look for. It stands behind
// the types of variants.go, which have only those that the writer below has: a
// handler that finds a method can rely on it, and one that does not find it can do
// something else.
type optional struct{ *Writer }

// ability is a set of methods that handlers look for.
type ability uint8

const (
	flushes ability = 1 << iota
	hijacks
	notifies
	pushes
	readsFrom
	writesStrings
)

// flusher is http.Flusher, and what http.ResponseController looks for first.
type flusher interface {
	Flush()
	FlushError() error
}

// closeNotifier is http.CloseNotifier, which is deprecated, but which gin's Stream
// relies on.
type closeNotifier interface{ CloseNotify() <-chan bool }

// abilitiesOf says what w can do. Flush and Hijack are also found below a writer
// that has Unwrap: http.ResponseController finds them there, and would otherwise
// pass by the Writer.
func abilitiesOf(w http.ResponseWriter) (can ability) {
	if _, ok := w.(io.ReaderFrom); ok {
		can |= readsFrom
	}
	if _, ok := w.(closeNotifier); ok {
		can |= notifies
	}
	if _, ok := w.(http.Pusher); ok {
		can |= pushes
	}
	if _, ok := w.(io.StringWriter); ok {
		can |= writesStrings
	}
	for {
		switch w.(type) {
		case http.Flusher, interface{ FlushError() error }:
			can |= flushes
		}
		if _, ok := w.(http.Hijacker); ok {
			can |= hijacks
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return can
		}
		w = wrapper.Unwrap()
	}
}

// Flush is FlushError for those who look for http.Flusher.
func (w optional) Flush() { w.FlushError() }

// FlushError begins the response if the writer below can flush.
// http.ResponseController calls it.
func (w optional) FlushError() error {
	if w.begun {
		return http.NewResponseController(w.below).Flush()
	}
	if w.forRefusal {
		return nil
	}
	w.settle()
	err := http.NewResponseController(w.below).Flush()
	w.begun = !errors.Is(err, http.ErrNotSupported)
	return err
}

// Hijack takes the connection over, if the writer below allows it. Whoever has it
// sends the response: httputil.ReverseProxy with the header map as it is now.
func (w optional) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !w.begun {
		w.settle()
	}
	conn, buffer, err := http.NewResponseController(w.below).Hijack()
	w.begun = w.begun || err == nil
	return conn, buffer, err
}

// ReadFrom begins the response when src has given something. It lets net/http use
// sendfile from then on.
func (w optional) ReadFrom(src io.Reader) (int64, error) {
	if !w.begun {
		return io.Copy(struct{ io.Writer }{w.Writer}, src)
	}
	return io.Copy(w.below, src)
}

// WriteString begins the response, even if s is empty.
func (w optional) WriteString(s string) (int, error) {
	if w.forRefusal && s == "" {
		return 0, nil
	}
	w.begin()
	return io.WriteString(w.below, s)
}

func (w optional) CloseNotify() <-chan bool { return w.below.(closeNotifier).CloseNotify() }

func (w optional) Push(target string, options *http.PushOptions) error {
	return w.below.(http.Pusher).Push(target, options)
}
