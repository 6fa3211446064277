package signed

import "encoding/json"

// Role is a role in a member stripe_roles of a payload. What is missing is empty.
type Role struct{ ID, Type, Name string }

// ReadRoles reads a member stripe_roles of a payload that Members has read. ok is
// false if it is not a list of objects whose id, type and name are strings, each
// there once at most and under no other spelling: of two that encoding/json takes
// for one another it would read the last, and Stripe may have checked the first.
func ReadRoles(list []byte) (roles []Role, ok bool) {
	var elements []json.RawMessage
	if json.Unmarshal(list, &elements) != nil || elements == nil {
		return nil, false
	}
	roles = make([]Role, len(elements))
	for i, element := range elements {
		if !roles[i].read(element) {
			return nil, false
		}
	}
	return roles, true
}

func (r *Role) read(object []byte) bool {
	names := nameSets.Get().(*nameSet)
	defer names.release()
	members := Members(object)
	for members.Next() {
		name, field := r.field(names.add(members.Name))
		if field == nil {
			continue
		}
		if string(members.Name) != name || json.Unmarshal(members.Value, field) != nil {
			return false
		}
	}
	return members.Fault == OK && !names.repeats()
}

// field returns what some decoder takes a folded name for, and where it belongs.
func (r *Role) field(folded []byte) (name string, field *string) {
	var room squashed
	switch string(room.squash(folded)) {
	case "ID":
		return "id", &r.ID
	case "TYPE":
		return "type", &r.Type
	case "NAME":
		return "name", &r.Name
	}
	return "", nil
}
