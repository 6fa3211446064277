package explain

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/observed"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// Refusals returns a function for stripeapps.VerifierConfig.Observe that
// explains each refusal of a signature to logger, and which member DecodePayload does
// not know, with a line at level Info for each Explanation:
//
//	stripeapps: explained code=no_match cause=pretty_printed text="there is white space …"
//
//	if development {
//		cfg.Observe = explain.Refusals(logger)
//	}
//	verifier, err := stripeapps.NewVerifier(cfg)
//
// It tries the secrets that the Verifier has at the time, and serves several
// Verifiers.
//
// It is NOT for production: each refusal, which anybody can cause, can cost as
// much as hashing 32 MiB, the body is read even where the header is refused
// already, and the lines can name members that the request has. They never
// become a part of a response.
//
// It panics if logger is nil.
func Refusals(logger *slog.Logger) func(stripeapps.Verdict) {
	if logger == nil {
		panic("explain: Refusals needs a logger")
	}
	return func(v stripeapps.Verdict) {
		for _, x := range explainVerdict(v) {
			if x.Cause == NothingWrong { // secrets were set in between
				continue
			}
			logger.LogAttrs(v.Request.Context(), slog.LevelInfo, "stripeapps: explained",
				slog.String("code", codeOf(v.Err)), slog.String("cause", string(x.Cause)), slog.String("text", x.Text))
		}
	}
}

func explainVerdict(v stripeapps.Verdict) []Explanation {
	if v.Request == nil {
		return nil
	}
	if v.Later {
		return explainDecoding(v.Err)
	}
	e := &explainer{kind: requests, budget: maxExplainedBytes}
	if !e.receive(v) {
		return nil
	}
	return e.explain()
}

// explainDecoding reads the member's name out of encoding/json's error, which has no
// type for it.
func explainDecoding(err error) []Explanation {
	if codeOf(err) != stripeapps.ErrUnexpectedPayload.Code() || errors.Unwrap(err) == nil {
		return nil
	}
	quoted, isUnknown := strings.CutPrefix(errors.Unwrap(err).Error(), "json: unknown field ")
	name, err := strconv.Unquote(quoted)
	if !isUnknown || err != nil {
		return nil
	}
	return []Explanation{{causeUnknownMember, "the signed payload, or an object in it, has " + shownName(name) +
		", for which the type given to DecodePayload has no field: add one, or do not sign it"}}
}

func codeOf(err error) string {
	var refused *stripeapps.Error
	if !errors.As(err, &refused) {
		return ""
	}
	return refused.Code()
}

// receive takes what there is to explain out of a verdict. It returns false if
// there is nothing: the request was accepted, or the text of its refusal says it
// all.
func (e *explainer) receive(v stripeapps.Verdict) bool {
	verifier := observed.Of(v)
	source, _ := verifier.Source.(stripeapps.Source)
	for _, key := range verifier.Keys {
		e.keys = append(e.keys, explainedKey{Key: key})
	}
	var payload []byte
	switch codeOf(v.Err) {
	case stripeapps.ErrNotSigned.Code(): // whatever the payload is
		e.headerOnly = true
	case stripeapps.ErrMalformedSignature.Code(), stripeapps.ErrTooOld.Code(), stripeapps.ErrTooNew.Code():
		var err error
		payload, err = v.Payload()
		e.headerOnly = err != nil && !errors.Is(err, stripeapps.ErrMalformedIDs)
	case stripeapps.ErrMalformedIDs.Code(), stripeapps.ErrNoMatch.Code(), stripeapps.ErrOnlyIDsSigned.Code(),
		stripeapps.ErrNoIdentity.Code(), stripeapps.ErrInstallSignature.Code():
		payload, _ = v.Payload()
	default:
		return false
	}
	e.received = Received{
		// Several field lines are one list, as the Verifier reads them.
		Header: strings.Join(v.Request.Header["Stripe-Signature"], ","),
		Now:    v.Time, Tolerance: verifier.Tolerance, InsecureAllowMissingUser: verifier.AllowNoUser,
	}
	sent, err := sentIDs(v.Request, source)
	if err != nil || e.headerOnly {
		e.headerOnly = true
		return true
	}
	if source == stripeapps.IDsInHeaders || source == stripeapps.IDsInQuery {
		e.receiveIDs(sent, source, v.Request)
		return true
	}
	e.received.Body = payload
	if source == stripeapps.SignedBody {
		e.received.ContentEncoding = strings.Join(v.Request.Header["Content-Encoding"], ",")
	}
	if len(payload) == 0 {
		e.receiveNoBody(sent, source, v.Request)
		return true
	}
	sent.received(&e.received) // a hint
	return true
}

// ids are those that came beside a body, or instead of one.
type ids struct{ users, accounts []string }

func (ids ids) none() bool { return ids.users == nil && ids.accounts == nil }

// received sets the ids. Repeated ones make one that is none.
func (ids ids) received(r *Received) {
	r.UserID, r.AccountID = strings.Join(ids.users, ","), strings.Join(ids.accounts, ",")
	if len(ids.users) > 0 && r.UserID == "" {
		r.UserID = "," // sent, and empty: that is no id
	}
}

// sentIDs returns the ids where the source has them: in the query, or in the headers.
// They are not readable in a query that the Verifier does not read either.
func sentIDs(r *http.Request, source stripeapps.Source) (ids, error) {
	if source == stripeapps.IDsInQuery {
		return idsInQuery(r)
	}
	return idsInHeaders(r), nil
}

func idsInHeaders(r *http.Request) ids {
	return ids{r.Header["Stripe-User-Id"], r.Header["Stripe-Account-Id"]}
}

var errLongQuery = errors.New("the query is too long")

func idsInQuery(r *http.Request) (ids, error) {
	if len(r.URL.RawQuery) > signed.MaxQueryBytes {
		return ids{}, errLongQuery
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	return ids{query["user_id"], query["account_id"]}, err
}
