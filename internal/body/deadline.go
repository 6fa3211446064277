package body

import (
	"net/http"
	"time"
)

// Deadline is until when a request body may take to arrive. The zero value is none.
type Deadline struct{ connection deadliner }

type deadliner interface{ SetReadDeadline(time.Time) error }

// Set gives the body of r, which comes in on the connection of w, no more than
// timeout from now on.
//
// A server whose own ReadTimeout is not longer is left alone, as is a writer that
// knows of no deadlines, like that of a test or of an adapter.
// http.ResponseController would find the same methods, but make an error of the
// latter each time, which is not one here.
func (d *Deadline) Set(w http.ResponseWriter, r *http.Request, timeout time.Duration) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if server != nil && server.ReadTimeout > 0 && server.ReadTimeout <= timeout {
		return
	}
	connection := deadlinerOf(w)
	if connection != nil && connection.SetReadDeadline(time.Now().Add(timeout)) == nil {
		d.connection = connection
	}
}

// Lift takes back what Set has set. The server goes on to read, to see whether the
// client is still there, and would cancel the request's context at the deadline.
func (d *Deadline) Lift() {
	if d.connection != nil {
		d.connection.SetReadDeadline(time.Time{})
	}
}

// deadlinerOf returns what is at w or below it and has deadlines, or nil.
func deadlinerOf(w http.ResponseWriter) deadliner {
	for {
		switch writer := w.(type) {
		case deadliner:
			return writer
		case interface{ Unwrap() http.ResponseWriter }:
			w = writer.Unwrap()
		default:
			return nil
		}
	}
}
