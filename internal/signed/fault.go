// Package signed knows what Stripe signs for an app, and nothing of HTTP: the
// Stripe-Signature header, the secrets, the signed JSON and the ids in it. What
// is wrong with any of them is a Fault, which its callers put into words of
// their own.
//
// Everything here takes input that nobody has verified yet. It is bounded
// before it is parsed, and read in one pass.
package signed

// Fault is what is wrong with a header or a payload. OK is none.
type Fault uint8

const (
	OK Fault = iota

	NotSigned       // there is no header
	MalformedHeader // it is not t=…,v1=… in canonical form
	LongHeader      // it has more than MaxHeaderBytes
	RepeatedTime    // it has more than one t, like two headers in one
	ManySignatures  // it has more than MaxSignatures v1
	NoV1            // it has none

	NotObject    // the payload is not a JSON object in UTF-8
	TooDeep      // it is nested more than 256 levels deep
	RepeatedName // it has two members that encoding/json could confuse
	ConfusedName // it has a name that some decoder takes for a known one
	NoIDs        // it does not end in user_id and account_id
	InstallLink  // it is what an install link signs
)
