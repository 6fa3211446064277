package signed

import "bytes"

// MaxQueryBytes bounds a query in which the ids are sent, before anything of it
// is parsed.
const MaxQueryBytes = 16 << 10

// MaxIDBytes is how long an id may be.
const MaxIDBytes = 255

// IsID reports whether s is a Stripe id: [A-Za-z0-9_]{1,255}.
func IsID[T string | []byte](s T) bool {
	if len(s) == 0 || len(s) > MaxIDBytes {
		return false
	}
	for i := range len(s) {
		if !isIDByte(rune(s[i])) {
			return false
		}
	}
	return true
}

func isIDByte(c rune) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// IDs are the ids at the end of a payload. User is empty where there is none.
type IDs struct{ User, Account []byte }

// IDsPayload is what Stripe signs where the extension gives no payload. The ids
// must match IsID; the user's may be empty. This is the only JSON that is ever
// rebuilt.
func IDsPayload[T string | []byte](userID, accountID T) []byte {
	const user, account, end = `{"user_id":"`, `"account_id":"`, `"}`
	b := make([]byte, 0, len(user)+len(userID)+len(`",`)+len(account)+len(accountID)+len(end))
	if len(userID) > 0 {
		b = append(append(append(b, user...), userID...), `",`...)
	} else {
		b = append(b, '{')
	}
	return append(append(append(b, account...), accountID...), end...)
}

// ReadIDs reads the two ids from the last two members of a signed payload. The
// caller's own members come before them, so that none of those can pass for an
// id, whatever its name. The fault is NotObject, TooDeep, RepeatedName,
// ConfusedName, NoIDs or InstallLink.
func ReadIDs(payload []byte, allowNoUser bool) (ids IDs, _ Fault) {
	names := nameSets.Get().(*nameSet)
	defer names.release()

	type member struct{ name, value []byte }
	var previous, last member
	userNamed, stateNamed, confused := false, false, false
	members := Members(payload)
	for members.Next() {
		previous, last = last, member{members.Name, members.Value}
		folded := names.add(members.Name)
		userNamed = string(folded) == "USER_ID" || userNamed
		confused = confused || isConfusable(members.Name, folded)
		stateNamed = string(members.Name) == "state" || stateNamed
	}
	if members.Fault != OK {
		return ids, members.Fault
	}
	if names.repeats() {
		return ids, RepeatedName
	}
	if confused {
		return ids, ConfusedName
	}

	ids.Account = idOf(last.value)
	if string(last.name) != "account_id" || ids.Account == nil {
		return IDs{}, NoIDs
	}
	others := members.Count - 1
	if string(previous.name) == "user_id" {
		ids.User = idOf(previous.value)
		others--
	}
	if ids.User == nil && (userNamed || !allowNoUser) {
		return IDs{}, NoIDs
	}
	if others == 1 && stateNamed {
		return ids, InstallLink
	}
	return ids, OK
}

// MayBeExtensions reports whether a signed payload can be what an extension or an
// install link has had signed: a JSON object that names a user or an account, by any
// decoder's reading. Where they stand does not matter: ids that the extension's own
// payload names too keep the place that they have there. An object that cannot be
// read counts as well.
func MayBeExtensions(payload []byte) bool {
	names := nameSets.Get().(*nameSet)
	defer names.release()
	members := Members(payload)
	for members.Next() {
		switch knownAs(names.add(members.Name)) {
		case "user_id", "account_id":
			return true
		}
	}
	return members.Fault != OK && bytes.HasPrefix(bytes.TrimSpace(payload), []byte("{"))
}

// NamedIDs returns the payload of the two ids alone that a body names, wherever
// they stand in it, or nil if it does not name them, or nothing else. It is for
// saying why a body is refused whose signature covers only those: the body is not
// verified.
func NamedIDs(body []byte, allowNoUser bool) []byte {
	var userID, accountID []byte
	hasMore := false
	members := Members(body)
	for members.Next() {
		switch string(members.Name) {
		case "user_id":
			userID = stringContent(members.Value)
		case "account_id":
			accountID = stringContent(members.Value)
		default:
			hasMore = true
		}
	}
	if members.Fault != OK || !hasMore || !IsID(accountID) || !IsID(userID) && (userID != nil || !allowNoUser) {
		return nil
	}
	return IDsPayload(userID, accountID)
}

// idOf returns the id that a JSON string holds, or nil.
func idOf(value []byte) []byte {
	if id := stringContent(value); IsID(id) {
		return id
	}
	return nil
}

// stringContent returns what stands between the quotes of a JSON string, as it
// is written, or nil for any other value.
func stringContent(value []byte) []byte {
	if len(value) == 0 || value[0] != '"' {
		return nil
	}
	return value[1 : len(value)-1]
}
