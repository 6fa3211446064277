// Package cspreport receives the reports that browsers send about violations of a
// Content Security Policy. [NewHandler] serves what
// [stripeapps.CSPConfig.ReportURL] names.
package cspreport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps"
)

const (
	mediaTypeCSPReport = "application/csp-report"
	mediaTypeReports   = "application/reports+json"

	maxReportBytes = 64 << 10
	// maxReports is how many reports Chromium keeps for a site at a time.
	maxReports = 100
)

// What a sender is told, beside stripeapps.ErrBodyTooLarge and
// stripeapps.ErrBodyUnreadable. The codes are part of the API: one is never
// renamed and never changes its meaning.
var (
	errMethodNotAllowed = stripeapps.NewError("method_not_allowed", http.StatusMethodNotAllowed,
		"this endpoint takes reports of browsers: send them with POST")
	errUnsupportedMediaType = stripeapps.NewError("unsupported_media_type", http.StatusUnsupportedMediaType,
		"this endpoint takes application/csp-report and application/reports+json")
	errMalformedReport = stripeapps.NewError("malformed_report", http.StatusBadRequest,
		"the body is not a report of the type that its Content-Type says")
)

// Report is what a browser, or whoever poses as one, says about a violation of a
// policy. Nothing in it can be relied on. Members that were not sent are zero.
//
// https://www.w3.org/TR/CSP3/#reporting
type Report struct {
	// DocumentURL is the page, without its fragment.
	DocumentURL string `json:"documentURL"`
	// Referrer is where the page was reached from.
	Referrer string `json:"referrer"`
	// BlockedURL is what was or would have been blocked: a URL, only its
	// origin or scheme, or a word like inline or eval.
	BlockedURL string `json:"blockedURL"`
	// EffectiveDirective is the name of the directive that was violated.
	EffectiveDirective string `json:"effectiveDirective"`
	// OriginalPolicy is the whole policy, with its nonce.
	OriginalPolicy string `json:"originalPolicy"`
	// Disposition is "enforce" or "report"; older browsers send none.
	Disposition string `json:"disposition"`
	// StatusCode is the status of the page.
	StatusCode int `json:"statusCode"`
	// Sample is the beginning of what was blocked, if the directive has
	// stripeapps.CSPReportSample.
	Sample string `json:"sample"`
	// SourceFile, LineNumber and ColumnNumber are where it happened.
	SourceFile   string `json:"sourceFile"`
	LineNumber   int    `json:"lineNumber"`
	ColumnNumber int    `json:"columnNumber"`
}

// csp2Report is Report under the names that report-uri has for its members.
//
// https://www.w3.org/TR/CSP3/#deprecated-serialize-violation
type csp2Report struct {
	DocumentURL        string `json:"document-uri"`
	Referrer           string `json:"referrer"`
	BlockedURL         string `json:"blocked-uri"`
	EffectiveDirective string `json:"effective-directive"`
	OriginalPolicy     string `json:"original-policy"`
	Disposition        string `json:"disposition"`
	StatusCode         int    `json:"status-code"`
	Sample             string `json:"script-sample"`
	SourceFile         string `json:"source-file"`
	LineNumber         int    `json:"line-number"`
	ColumnNumber       int    `json:"column-number"`
}

// NewHandler returns a handler for stripeapps.CSPConfig.ReportURL. It reads the
// reports that browsers send for report-uri (application/csp-report) and for
// report-to (application/reports+json, of which reports of other types are
// skipped), and calls handle with each, before it responds with 204. handle is
// called concurrently for different requests.
//
// Reports are input that anybody can send, in any number and with anything in
// it: they are NOT authenticated. Count them or write them to a structured log,
// limit their rate in front of the handler, and never decide anything by them,
// show them as HTML or fetch their URLs. Browser extensions cause many.
//
// It refuses, with a problem document and without a call of handle, bodies over
// 64 KiB (413), that are no report (400) or of another type (415), and methods
// other than POST (405). Of a body's reports it reads the first 100, and ignores
// the rest and what it does not understand, because a browser would send a
// refused body again.
//
// Put it outside the verifying middleware: browsers sign no reports. Serve it
// from the page's own origin if you can. For report-to to another origin,
// browsers send a preflight first, which stripeapps.NewCORS around the handler is
// for; for report-uri they do not, and the request is a cross-origin one
// that net/http.CrossOriginProtection refuses.
//
// It panics if handle is nil.
//
// https://www.w3.org/TR/reporting-1/#media-type
func NewHandler(handle func(*http.Request, Report)) http.Handler {
	if handle == nil {
		panic("cspreport: NewHandler needs a function that takes the reports")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reports, err := readReports(w, r)
		if err != nil {
			if errors.Is(err, errMethodNotAllowed) {
				w.Header().Set("Allow", http.MethodPost)
			}
			stripeapps.WriteProblem(w, r, err)
			return
		}
		for _, report := range reports {
			handle(r, report)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

func readReports(w http.ResponseWriter, r *http.Request) ([]Report, error) {
	if r.Method != http.MethodPost {
		return nil, errMethodNotAllowed
	}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // "" if there is none
	if mediaType != mediaTypeCSPReport && mediaType != mediaTypeReports {
		return nil, errUnsupportedMediaType
	}
	body := r.Body
	if body == nil { // of a request made by hand
		body = http.NoBody
	}
	content, err := io.ReadAll(http.MaxBytesReader(w, body, maxReportBytes))
	if err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return nil, stripeapps.ErrBodyTooLarge
		}
		return nil, stripeapps.ErrBodyUnreadable
	}
	if mediaType == mediaTypeCSPReport {
		return decodeCSP2Report(content)
	}
	return decodeReports(content)
}

// decodeCSP2Report decodes {"csp-report": {…}}.
func decodeCSP2Report(content []byte) ([]Report, error) {
	var document struct {
		Report *struct {
			csp2Report
			ViolatedDirective string `json:"violated-directive"`
		} `json:"csp-report"`
	}
	if err := json.Unmarshal(content, &document); err != nil {
		return nil, errMalformedReport
	}
	if document.Report == nil {
		return nil, errMalformedReport
	}
	report := Report(document.Report.csp2Report)
	if report.EffectiveDirective == "" {
		// CSP2's older name, which can hold the directive's value too.
		report.EffectiveDirective, _, _ = strings.Cut(document.Report.ViolatedDirective, " ")
	}
	return []Report{report}, nil
}

// decodeReports decodes [{"type": "csp-violation", "body": {…}}, …], and skips
// what it does not understand: a browser would send a refused list again.
func decodeReports(content []byte) (reports []Report, err error) {
	// encoding/json leaves out what an array has no room for.
	var list [maxReports]struct {
		Type string          `json:"type"`
		Body json.RawMessage `json:"body"`
	}
	switch content = bytes.TrimSpace(content); {
	case bytes.HasPrefix(content, []byte("[")):
		err = json.Unmarshal(content, &list)
	case bytes.HasPrefix(content, []byte("{")):
		// Safari sends one report without the list.
		// https://github.com/PostHog/posthog/pull/40257
		err = json.Unmarshal(content, &list[0])
	default:
		return nil, errMalformedReport
	}
	if err != nil {
		return nil, errMalformedReport
	}
	for _, entry := range list {
		var report *Report
		if entry.Type == "csp-violation" && json.Unmarshal(entry.Body, &report) == nil && report != nil {
			reports = append(reports, *report)
		}
	}
	return reports, nil
}
