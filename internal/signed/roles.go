package signed

import "encoding/json"

// Role is a role in a member stripe_roles of a payload. What is missing is empty.
type Role struct{ ID, Type, Name string }

// MaxRoles bounds the roles of one user, of which the Dashboard has some twenty kinds.
const MaxRoles = 256

// ReadRoles reads a member stripe_roles of a payload that Members has read. ok is
// false if it is not a list of at most MaxRoles objects whose id, type and name are
// strings, each there once at most and under no other spelling: of two that
// encoding/json takes for one another it would read the last, and Stripe may have
// checked the first.
func ReadRoles(list []byte) (roles []Role, ok bool) {
	s := Object{doc: list}
	if !s.take('[') {
		return nil, false
	}
	roles = []Role{}
	for s.space(); !s.take(']'); s.space() {
		if len(roles) > 0 {
			s.take(',')
			s.space()
		}
		from := s.pos
		var role Role
		if len(roles) == MaxRoles || !s.any(2) || !role.read(s.doc[from:s.pos]) {
			return nil, false
		}
		roles = append(roles, role)
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
		if string(members.Name) != name || members.Value[0] != '"' || json.Unmarshal(members.Value, field) != nil {
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
