package body

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// ReadRequest reads the whole body of r, at most limit bytes of it. An error that is
// none of the faults above is that of the reader. What an http.MaxBytesReader cuts off
// is ErrTooLarge, and the error wraps its own.
func ReadRequest(r *http.Request, limit int64) ([]byte, error) {
	switch {
	case r.ContentLength > limit:
		return nil, ErrTooLarge
	case r.Body == nil || r.Body == http.NoBody:
		if r.ContentLength > 0 {
			return nil, ErrTooShort
		}
		return nil, nil
	}
	// Length 0 with a body is a request made by hand, whose length is not known.
	content, err := Read(r.Body, r.ContentLength, limit)
	if err != nil && wasCutOff(err) {
		err = fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return content, err
}

func wasCutOff(err error) bool {
	cutOff := (*http.MaxBytesError)(nil)
	return errors.As(err, &cutOff)
}

// Again is a request body that has been read, for the handler to read again.
type Again struct {
	bytes.Reader
	Original io.Closer
}

// Close closes the body that was read.
func (a *Again) Close() error { return a.Original.Close() }
