// Package decode decodes signed JSON into the types of a backend, and says what
// does not fit without saying anything of what was sent.
package decode

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// Strictly decodes an object into a T. Members that T has no fields for are
// refused, but for those of the known names. It returns encoding/json's error, and a
// sentence about it that holds nothing of the object, or "".
func Strictly[T any](object []byte, known ...string) (value T, detail string, err error) {
	if names := flat[T](); names != nil && areAmong(object, names, known) && json.Unmarshal(object, &value) == nil {
		return value, "", nil
	}
	return apart[T](object, known)
}

// apart is Strictly for any T and any object.
func apart[T any](object []byte, known []string) (value T, detail string, err error) {
	named, others := signed.Split(object, known...)
	strict := json.NewDecoder(bytes.NewReader(others))
	strict.DisallowUnknownFields()
	err = strict.Decode(&value)
	if err == nil && addsMembers(reflect.TypeFor[T]()) {
		err = json.Unmarshal(named, &value)
	} else if err == nil {
		value = *new(T)
		err = json.Unmarshal(object, &value)
	}
	if err != nil {
		return *new(T), explain(err, reflect.TypeFor[T]()), err
	}
	return value, "", nil
}

// addsMembers reports whether encoding/json, given a value that holds something
// already, sets what the object has members for and leaves the rest as it is. Then the
// larger part of an object need not be decoded twice.
//
// https://pkg.go.dev/encoding/json#Unmarshal
func addsMembers(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

// explain says which member has the wrong type, if its name is one of the Go type's
// own, chosen by the backend's author.
func explain(err error, t reflect.Type) string {
	var wrongType *json.UnmarshalTypeError
	switch {
	case strings.HasPrefix(err.Error(), "json: unknown field"): // encoding/json has no type for it
		return "the signed payload has a member that this endpoint does not know"
	case !errors.As(err, &wrongType):
		return "the signed payload has a member whose value this endpoint cannot decode"
	case wrongType.Type != nil:
		if field := fieldOf(t, wrongType.Field); field != "" {
			return "in the signed payload, " + field + " cannot be decoded as " + wrongType.Type.Kind().String()
		}
	}
	return ""
}

// fieldOf returns a dotted path of member names, as encoding/json reports it,
// if all of them are names of t's own fields, and "" otherwise. The places in
// lists, which Go 1.27 puts into the path, are left out.
func fieldOf(t reflect.Type, path string) string {
	var names []string
	for name := range strings.SplitSeq(path, ".") {
		list := false
		for slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map}, t.Kind()) {
			list = list || t.Kind() == reflect.Slice || t.Kind() == reflect.Array
			t = t.Elem()
		}
		if _, err := strconv.Atoi(name); err == nil && list {
			continue
		}
		if t.Kind() != reflect.Struct {
			return ""
		}
		fields := reflect.VisibleFields(t)
		i := slices.IndexFunc(fields, func(f reflect.StructField) bool {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			return cmp.Or(tag, f.Name) == name
		})
		if i < 0 {
			return ""
		}
		names = append(names, name)
		t = fields[i].Type
	}
	return strings.Join(names, ".")
}
