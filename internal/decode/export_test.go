package decode

import "reflect"

// Apart is Strictly without the shorter way for flat types.
func Apart[T any](object []byte, known ...string) (T, string, error) { return apart[T](object, known) }

// IsFlat reports whether there is a shorter way for t.
func IsFlat(t reflect.Type) bool { return flatFields(t) != nil }
