package manifest

import "fmt"

// Error says why a manifest cannot be read, and where. The cause, if there is one,
// is in its chain: fs.ErrNotExist for a file that is not there.
type Error struct {
	File         string // as it was given to Load, or found by extends
	Line, Column int    // from 1; 0 if the file could not be read at all
	Text         string // what is wrong, and what to change
	cause        error
}

// Error returns "file:line:column: text".
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text)
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }
