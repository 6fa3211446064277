package response

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// newWriter returns a Writer on w, and the same with the methods that w has.
func newWriter(w http.ResponseWriter) (http.ResponseWriter, *Writer) {
	switch can := abilitiesOf(w); can {
	case 0:
		chain := &Writer{below: w}
		return chain, chain
	case flushes | hijacks | readsFrom | notifies | writesStrings:
		v := &http1Writer{Writer{below: w}}
		return v, &v.Writer
	case flushes | notifies | pushes | writesStrings:
		v := &http2Writer{Writer{below: w}}
		return v, &v.Writer
	case flushes | writesStrings:
		v := &recorderWriter{Writer{below: w}}
		return v, &v.Writer
	default:
		v := &otherWriter{Writer{below: w}}
		return otherWriters[can&^(readsFrom|writesStrings)](v, optional{&v.Writer}), &v.Writer
	}
}

// http1Writer is a Writer on what net/http has for HTTP/1.
type http1Writer struct{ Writer }

func (w *http1Writer) all() optional                                { return optional{&w.Writer} }
func (w *http1Writer) Flush()                                       { w.all().Flush() }
func (w *http1Writer) FlushError() error                            { return w.all().FlushError() }
func (w *http1Writer) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.all().Hijack() }
func (w *http1Writer) ReadFrom(src io.Reader) (int64, error)        { return w.all().ReadFrom(src) }
func (w *http1Writer) CloseNotify() <-chan bool                     { return w.all().CloseNotify() }
func (w *http1Writer) WriteString(s string) (int, error)            { return w.all().WriteString(s) }

// http2Writer is a Writer on what net/http has for HTTP/2.
type http2Writer struct{ Writer }

func (w *http2Writer) all() optional                                 { return optional{&w.Writer} }
func (w *http2Writer) Flush()                                        { w.all().Flush() }
func (w *http2Writer) FlushError() error                             { return w.all().FlushError() }
func (w *http2Writer) CloseNotify() <-chan bool                      { return w.all().CloseNotify() }
func (w *http2Writer) Push(target string, o *http.PushOptions) error { return w.all().Push(target, o) }
func (w *http2Writer) WriteString(s string) (int, error)             { return w.all().WriteString(s) }

// recorderWriter is a Writer on an httptest.ResponseRecorder.
type recorderWriter struct{ Writer }

func (w *recorderWriter) all() optional                     { return optional{&w.Writer} }
func (w *recorderWriter) Flush()                            { w.all().Flush() }
func (w *recorderWriter) FlushError() error                 { return w.all().FlushError() }
func (w *recorderWriter) WriteString(s string) (int, error) { return w.all().WriteString(s) }

// otherWriter is a Writer on any other. It always has ReadFrom and WriteString,
// which give nobody a wrong idea: io.Copy and io.WriteString come to the same
// without them.
type otherWriter struct{ Writer }

func (w *otherWriter) ReadFrom(src io.Reader) (int64, error) {
	return optional{&w.Writer}.ReadFrom(src)
}
func (w *otherWriter) WriteString(s string) (int, error) { return optional{&w.Writer}.WriteString(s) }

// otherWriters add the methods of a set. Go has no type whose methods are chosen at
// run time, so that each set has one of its own.
var otherWriters = [...]func(w *otherWriter, o optional) http.ResponseWriter{
	0: func(w *otherWriter, _ optional) http.ResponseWriter { return w },
	flushes: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			flusher
		}{w, o}
	},
	hijacks: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			http.Hijacker
		}{w, o}
	},
	flushes | hijacks: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			flusher
			http.Hijacker
		}{w, o, o}
	},
	notifies: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			closeNotifier
		}{w, o}
	},
	flushes | notifies: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			flusher
			closeNotifier
		}{w, o, o}
	},
	hijacks | notifies: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			http.Hijacker
			closeNotifier
		}{w, o, o}
	},
	flushes | hijacks | notifies: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			flusher
			http.Hijacker
			closeNotifier
		}{w, o, o, o}
	},
	pushes: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			http.Pusher
		}{w, o}
	},
	flushes | pushes: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			flusher
			http.Pusher
		}{w, o, o}
	},
	hijacks | pushes: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			http.Hijacker
			http.Pusher
		}{w, o, o}
	},
	flushes | hijacks | pushes: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			flusher
			http.Hijacker
			http.Pusher
		}{w, o, o, o}
	},
	notifies | pushes: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			closeNotifier
			http.Pusher
		}{w, o, o}
	},
	flushes | notifies | pushes: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			flusher
			closeNotifier
			http.Pusher
		}{w, o, o, o}
	},
	hijacks | notifies | pushes: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			http.Hijacker
			closeNotifier
			http.Pusher
		}{w, o, o, o}
	},
	flushes | hijacks | notifies | pushes: func(w *otherWriter, o optional) http.ResponseWriter {
		return struct {
			*otherWriter
			flusher
			http.Hijacker
			closeNotifier
			http.Pusher
		}{w, o, o, o, o}
	},
}
