package signed

// Member returns the value of a member of an object that has been read without a fault, as
// it is written, or nil.
func Member(doc []byte, name string) []byte {
	members := Members(doc)
	for members.Next() {
		if string(members.Name) == name {
			return members.Value
		}
	}
	return nil
}
