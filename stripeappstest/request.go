package stripeappstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// What a request is signed with and for, unless an Option says otherwise. The
// secret is public: never give it to a verifier that serves requests.
const (
	DefaultSecret    = "absec_stripeappstest"
	DefaultUserID    = "usr_test"
	DefaultAccountID = "acct_test"
)

// otherSecret is what WithOtherSecret signs with.
const otherSecret = "absec_stripeappstest_of_another_app"

// beyondTolerance is more than any VerifierConfig.Tolerance.
const beyondTolerance = 25 * time.Hour

// Option changes what NewRequest, Sign and Body make, and NewEvent and NewRawEvent. Options are applied in their
// order. The ways of being wrong can be combined; a chain responds with the code of
// what it checks first: form, time, signature, identity.
type Option func(*signing)

// signing is what the options have set.
type signing struct {
	secrets           []string
	at                time.Time
	userID, accountID string
	where             place

	shift    time.Duration
	unsigned bool
	tampered bool
	onlyIDs  bool

	eventID  string
	testMode bool
}

type place int

const (
	inBody place = iota
	inHeaders
	inQuery
)

// WithSecret signs with secret instead of DefaultSecret. With several, there is a
// v1 for each of them, as Stripe sends while a secret is being rolled.
//
// It panics if there is no secret, or one is empty.
func WithSecret(secrets ...string) Option {
	if len(secrets) == 0 {
		panic("stripeappstest: WithSecret needs a secret")
	}
	for _, secret := range secrets {
		if secret == "" {
			panic("stripeappstest: WithSecret was given an empty secret")
		}
	}
	secrets = append([]string(nil), secrets...)
	return func(s *signing) { s.secrets = secrets }
}

// At signs at a time, of which whole seconds count, instead of time.Now. Give the
// same to VerifierConfig.Now.
//
// It panics if t is before 1970, which no header can say: the zero Time is.
func At(t time.Time) Option {
	if t.Unix() < 0 {
		panic("stripeappstest: At was given a time before 1970")
	}
	return func(s *signing) { s.at = t }
}

// WithUser signs for a user instead of DefaultUserID. "" leaves the user out, as
// for VerifierConfig.InsecureAllowMissingUser; otherwise the response is
// no_identity, or malformed_ids where the ids are not in the body.
func WithUser(id string) Option { return func(s *signing) { s.userID = id } }

// WithAccount signs for an account instead of DefaultAccountID. "" leaves the
// account out, to which the response is no_identity, or malformed_ids where the ids
// are not in the body.
func WithAccount(id string) Option { return func(s *signing) { s.accountID = id } }

// IDsInHeaders signs the two ids alone and sends them in Stripe-User-Id and
// Stripe-Account-Id, for a Verifier whose Source is IDsInHeaders. The
// payload, if there is one, is the body and is not signed.
func IDsInHeaders() Option { return func(s *signing) { s.where = inHeaders } }

// IDsInQuery signs the two ids alone and adds them to the target's query, for a
// Verifier whose Source is IDsInQuery. The payload, if there is one, is the
// body and is not signed.
func IDsInQuery() Option { return func(s *signing) { s.where = inQuery } }

// Tampered changes what was signed: the account's id is another one than the
// signature says, or the user's, where there is no account. The response is
// 401 no_match.
func Tampered() Option { return func(s *signing) { s.tampered = true } }

// Expired signs 25 hours before the time, which is longer ago than any tolerance.
// The response is 401 too_old.
func Expired() Option { return func(s *signing) { s.shift = -beyondTolerance } }

// FromTheFuture signs 25 hours after the time, which is further away than any
// tolerance. The response is 401 too_new.
func FromTheFuture() Option { return func(s *signing) { s.shift = beyondTolerance } }

// Unsigned leaves the Stripe-Signature header out. The response is 401
// not_signed.
func Unsigned() Option { return func(s *signing) { s.unsigned = true } }

// WithOtherSecret signs with the secret of another app. The response is 401
// no_match.
func WithOtherSecret() Option { return func(s *signing) { s.secrets = []string{otherSecret} } }

// OnlyIDsSigned signs the two ids alone, and sends the payload with them in the
// body: the payload was not given to fetchStripeSignature. The response is 400
// only_ids_signed, or with 401 no_match where the body has more than 64 KiB.
//
// It makes no sense, and NewRequest, Sign and Body panic, where there is no
// payload or the ids are not in the body.
func OnlyIDsSigned() Option { return func(s *signing) { s.onlyIDs = true } }

// NewRequest returns a signed request as the browser sends it for an extension,
// to be passed to an http.Handler for testing. Method and target are those of
// httptest.NewRequest.
//
// The payload is what the extension gives to fetchStripeSignature. It is an
// object: its JSON text, as a string, []byte or json.RawMessage, or any value
// that encoding/json writes as one. nil means the two ids alone. The body is what
// JSON.stringify({...payload, user_id, account_id}) returns for it: compact,
// numbers as JavaScript has them (beyond 2^53 they are rounded), names that are
// array indexes first, and nothing escaped that need not be.
//
// Origin is null, as in every sandboxed iframe, and Content-Type application/json
// if there is a body.
//
// NewRequest panics if a method that has no body, GET or HEAD, would get one: use
// IDsInHeaders or IDsInQuery. It panics as well if payload is not an object, if
// options do not fit together, and on what httptest.NewRequest panics on.
func NewRequest(method, target string, payload any, options ...Option) *http.Request {
	r, err := newRequest(method, target, payload, options)
	if err != nil {
		panic(err.Error())
	}
	return r
}

// Sign returns the Stripe-Signature header of NewRequest with the same payload and
// options, or "" with Unsigned. It panics as NewRequest does.
func Sign(payload any, options ...Option) string {
	m, err := newMessage(payload, options)
	if err != nil {
		panic(err.Error())
	}
	return m.header
}

// Body returns the body of NewRequest with the same payload and options: the text
// that Sign signs unless an option is a way of being wrong, or the ids are not in
// the body. It is nil where there is no body. It panics as NewRequest does.
func Body(payload any, options ...Option) []byte {
	m, err := newMessage(payload, options)
	if err != nil {
		panic(err.Error())
	}
	return m.body
}

func newRequest(method, target string, payload any, options []Option) (*http.Request, error) {
	m, err := newMessage(payload, options)
	if err != nil {
		return nil, err
	}
	if m.body != nil && (method == "" || method == http.MethodGet || method == http.MethodHead) {
		return nil, errors.New("stripeappstest: a browser sends no body with GET and HEAD: use IDsInHeaders or IDsInQuery, without a payload")
	}
	if m.where == inQuery {
		target = addToQuery(target, m.ids())
	}
	r := httptest.NewRequest(method, target, bytes.NewReader(m.body))
	if m.body == nil {
		r.Body, r.ContentLength = http.NoBody, 0
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Origin", "null")
	if m.where == inHeaders {
		for _, id := range m.ids() {
			r.Header.Set(id.header, id.value)
		}
	}
	if !m.unsigned {
		r.Header.Set("Stripe-Signature", m.header)
	}
	return r, nil
}

func addToQuery(target string, ids []id) string {
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	for _, id := range ids {
		target += separator + id.name + "=" + url.QueryEscape(id.value)
		separator = "&"
	}
	return target
}

// message is what is sent.
type message struct {
	signing
	body   []byte
	header string
}

func newMessage(payload any, options []Option) (*message, error) {
	m := &message{signing: signing{secrets: []string{DefaultSecret}, userID: DefaultUserID, accountID: DefaultAccountID}}
	for _, option := range options {
		if option == nil {
			return nil, errors.New("stripeappstest: an Option is nil")
		}
		option(&m.signing)
	}
	if m.eventID != "" || m.testMode {
		return nil, errors.New("stripeappstest: WithEventID and InTestMode are for events, not for an extension's requests")
	}
	if m.at.IsZero() {
		m.at = time.Now()
	}
	m.at = m.at.Add(m.shift)
	if m.at.Unix() < 0 {
		return nil, errors.New("stripeappstest: Expired would be before 1970: give a later time to At")
	}
	object, err := objectText(payload)
	if err != nil {
		return nil, err
	}
	if m.onlyIDs && (object == nil || m.where != inBody) {
		return nil, errors.New("stripeappstest: OnlyIDsSigned needs a payload, and the ids in the body: otherwise only the ids are signed anyway")
	}

	signed := object
	if m.onlyIDs || m.where != inBody {
		signed = nil
	}
	text, err := stripejs.Payload(signed, m.userID, m.accountID)
	if err != nil {
		return nil, errNotObject(payload)
	}
	if !m.unsigned {
		m.header = stripejs.Header(text, m.at, m.secrets...)
	}

	if m.tampered {
		switch {
		case m.accountID != "":
			m.accountID = otherID(m.accountID)
		case m.userID != "":
			m.userID = otherID(m.userID)
		default:
			return nil, errors.New("stripeappstest: Tampered changes an id, and there is none")
		}
	}
	switch {
	case m.where == inBody:
		m.body, err = stripejs.Payload(object, m.userID, m.accountID)
	case object != nil:
		m.body, err = stripejs.Stringify(object)
	}
	if err != nil {
		return nil, errNotObject(payload)
	}
	return m, nil
}

// otherID returns another id of the same length.
func otherID(id string) string {
	last := len(id) - 1
	if id[last] == '0' {
		return id[:last] + "1"
	}
	return id[:last] + "0"
}

type id struct{ name, header, value string }

// ids returns the ids that are sent beside the signature.
func (m *message) ids() []id {
	var ids []id
	if m.userID != "" {
		ids = append(ids, id{"user_id", "Stripe-User-Id", m.userID})
	}
	if m.accountID != "" {
		ids = append(ids, id{"account_id", "Stripe-Account-Id", m.accountID})
	}
	return ids
}

// objectText returns the JSON of a payload, which must be an object, or nil for
// none.
func objectText(payload any) ([]byte, error) {
	var text []byte
	switch p := payload.(type) {
	case nil:
		return nil, nil
	case string:
		text = []byte(p)
	case []byte:
		text = p
	case json.RawMessage:
		text = p
	default:
		var err error
		if text, err = json.Marshal(p); err != nil {
			return nil, fmt.Errorf("stripeappstest: the payload cannot be written as JSON: %w", err)
		}
	}
	if _, err := stripejs.Members(text); err != nil {
		return nil, errNotObject(payload)
	}
	return text, nil
}

func errNotObject(payload any) error {
	return fmt.Errorf("stripeappstest: the payload, of type %v, is not a JSON object in UTF-8, nested at most 256 levels deep", reflect.TypeOf(payload))
}
