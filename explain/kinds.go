package explain

// kind is what a request is taken for, with the words that are for it.
type kind struct {
	header  string // what the signature is called
	send    string // what to do about one that did not come as it was made
	sendOne string // or about two
	justNow string // what makes an old one the clock's fault
	renew   string // what to do about an old one
	right   string // what there is beside the signature and its time

	asReceived func(*explainer) []byte // the payload if nothing is wrong with it
	find       func(*explainer)        // looks for the payload
}

var (
	requests = &kind{
		header:  "Stripe-Signature header",
		send:    "send the value that fetchStripeSignature returns",
		sendOne: "send the one that fetchStripeSignature returned for this request alone, and replace a header that is kept from an earlier one instead of adding to it",
		justNow: "it was just called",
		renew:   "call fetchStripeSignature anew for each request instead of keeping what it returned",
		right:   "the payload names the user and the account",

		asReceived: (*explainer).asReceived,
		find:       (*explainer).findPayload,
	}
	webhooks = &kind{
		header:  "Stripe-Signature header",
		send:    "let the value that Stripe sends with the event arrive",
		sendOne: "let the one that Stripe sent with this event arrive alone",
		justNow: "the event was just sent",
		renew:   "see what holds events up or sends kept ones again, as Stripe signs anew each time that it sends one",
		right:   "the body is an event that can be read in one way only",

		asReceived: func(e *explainer) []byte { return e.received.Body },
		find:       (*explainer).findEvent,
	}
	installs = &kind{
		header:  "parameter install_signature",
		send:    "let the value that Stripe puts into the address arrive",
		sendOne: "let the one that Stripe put into the address arrive alone",
		justNow: "the person has just come back",
		renew:   "let the person start the install again, and do not keep the address",
		right:   "it covers the state, the user and the account: whether the state is this browser's and unused, the backend has to tell",

		asReceived: func(e *explainer) []byte { return e.install.payload(e.install.state) },
		find:       (*explainer).findInstall,
	}
)
