package decode

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// flat returns the members that a T has fields for, or nil unless T is a struct of
// which these names can be told at a glance, and whose fields' own types have no
// members that could be unknown.
func flat[T any]() []string {
	t := reflect.TypeFor[T]()
	if names, ok := flatTypes.Load(t); ok {
		return names.([]string)
	}
	names := flatFields(t)
	flatTypes.Store(t, names)
	return names
}

var flatTypes sync.Map // of []string, by reflect.Type: as many as the backend has types

func flatFields(t reflect.Type) (names []string) {
	if !addsMembers(t) {
		return nil
	}
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous:
			return nil
		case !field.IsExported() || field.Tag.Get("json") == "-":
			continue
		case !hasNoMembers(field.Type, 0):
			return nil
		}
		if name == "" {
			name = field.Name
		}
		// Of two alike, encoding/json knows neither; of an odd one, the field's own name.
		if slices.Contains(names, name) || strings.Trim(name, letters) != "" {
			return nil
		}
		names = append(names, name)
	}
	return names
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// hasNoMembers reports whether encoding/json, decoding into a t, can find no member
// that is unknown. A type can be its own element: it is looked at down to a depth.
func hasNoMembers(t reflect.Type, depth int) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return true
	case reflect.Interface:
		return t.NumMethod() == 0
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return depth < 8 && hasNoMembers(t.Elem(), depth+1)
	}
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

// areAmong reports whether object has members of these names only, written exactly so.
func areAmong(object []byte, names, known []string) bool {
	members := signed.Members(object)
	for members.Next() {
		if name := string(members.Name); !slices.Contains(names, name) && !slices.Contains(known, name) {
			return false
		}
	}
	return members.Fault == signed.OK
}
