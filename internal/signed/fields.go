package signed

import "strings"

// FieldNames are names of members that Fields looks for.
type FieldNames []fieldName

type fieldName struct{ written, squashed string }

// NewFieldNames returns these names. It panics if one has more than longestSquashed bytes
// without its underscores, as Fields would never find it.
func NewFieldNames(names ...string) FieldNames {
	fields := make(FieldNames, len(names))
	for i, name := range names {
		fields[i] = fieldName{name, strings.ToUpper(strings.ReplaceAll(name, "_", ""))}
		if len(fields[i].squashed) > longestSquashed {
			panic("signed: the name " + name + " is too long to be found: raise longestSquashed")
		}
	}
	return fields
}

// Fields returns the values of the members of these names, in the order of the names,
// with nil for those that are not there. Whoever decodes the same object must read the
// same: the fault is RepeatedName if two members of any name can be confused, and
// ConfusedName if one that is not of these names is taken for it by some decoder.
// Otherwise it is NotObject or TooDeep.
func Fields(doc []byte, fields FieldNames) ([][]byte, Fault) {
	names := nameSets.Get().(*nameSet)
	defer names.release()
	values := make([][]byte, len(fields))
	confused := false
	members := Members(doc)
	for members.Next() {
		var room squashed
		known := room.squash(names.add(members.Name))
		for i, field := range fields {
			if string(known) != field.squashed {
				continue
			}
			confused = confused || string(members.Name) != field.written
			values[i] = members.Value
		}
	}
	switch {
	case members.Fault != OK:
		return nil, members.Fault
	case names.repeats():
		return nil, RepeatedName
	case confused:
		return nil, ConfusedName
	}
	return values, OK
}
