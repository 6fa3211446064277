package cspreport_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/cspreport"
)

const (
	csp2Type    = "application/csp-report"
	reportsType = "application/reports+json"
)

// sendReport sends a report and returns the response and the reports that the
// handler made of it.
func sendReport(contentType, body string) (*httptest.ResponseRecorder, []cspreport.Report) {
	var reports []cspreport.Report
	handler := cspreport.NewHandler(func(_ *http.Request, report cspreport.Report) {
		reports = append(reports, report)
	})
	r := httptest.NewRequest(http.MethodPost, "/csp-reports", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w, reports
}

func TestReportsAreReadInBothFormats(t *testing.T) {
	inline := cspreport.Report{
		DocumentURL:        "https://app.example/page",
		Referrer:           "https://app.example/",
		BlockedURL:         "inline",
		EffectiveDirective: "script-src-elem",
		OriginalPolicy:     "script-src 'self'; report-uri /csp-reports",
		Disposition:        "enforce",
		StatusCode:         200,
		Sample:             "alert(1)",
		SourceFile:         "https://app.example/page",
		LineNumber:         12,
		ColumnNumber:       7,
	}
	const body = `{"documentURL":"https://app.example/page","referrer":"https://app.example/","blockedURL":"inline","effectiveDirective":"script-src-elem","originalPolicy":"script-src 'self'; report-uri /csp-reports","disposition":"enforce","statusCode":200,"sample":"alert(1)","sourceFile":"https://app.example/page","lineNumber":12,"columnNumber":7}`
	const violation = `{"age":53531,"type":"csp-violation","url":"https://app.example/page","user_agent":"Mozilla/5.0","body":` + body + `}`
	for _, test := range []struct {
		name        string
		contentType string
		body        string
		want        []cspreport.Report
	}{
		{"report-uri", csp2Type,
			`{"csp-report":{"document-uri":"https://app.example/page","referrer":"https://app.example/","violated-directive":"script-src-elem","effective-directive":"script-src-elem","original-policy":"script-src 'self'; report-uri /csp-reports","disposition":"enforce","blocked-uri":"inline","line-number":12,"column-number":7,"source-file":"https://app.example/page","status-code":200,"script-sample":"alert(1)"}}`,
			[]cspreport.Report{inline}},
		{"report-uri of an older browser", csp2Type,
			`{"csp-report":{"document-uri":"https://app.example/page","violated-directive":"script-src 'self' cdn.example","blocked-uri":"https://evil.example"}}`,
			[]cspreport.Report{{DocumentURL: "https://app.example/page", EffectiveDirective: "script-src", BlockedURL: "https://evil.example"}}},
		{"report-uri with parameters in the type and members of its own", "Application/CSP-Report; charset=utf-8",
			`{"csp-report":{"blocked-uri":"eval","own":{"a":[1]},"line-number":null},"own":1}`,
			[]cspreport.Report{{BlockedURL: "eval"}}},
		{"report-to", reportsType, "[" + violation + "]", []cspreport.Report{inline}},
		{"report-to with several", reportsType, " [" + violation + `,{"type":"csp-violation","body":{"blockedURL":"eval","lineNumber":null}}]`,
			[]cspreport.Report{inline, {BlockedURL: "eval"}}},
		{"report-to with other types between", reportsType,
			`[{"type":"deprecation","body":{"lineNumber":"twelve","id":"x"}},` + violation + `,{"type":"network-error","body":null},{"type":"intervention"},{},null]`,
			[]cspreport.Report{inline}},
		{"report-to with other types only", reportsType, `[{"type":"CSP-Violation","body":1},{"type":"crash"}]`, nil},
		{"report-to with none", reportsType, `[]`, nil},
		{"report-to of Safari, without the list", reportsType, "\n" + violation + "\n", []cspreport.Report{inline}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, reports := sendReport(test.contentType, test.body)
			assert.Equal(t, http.StatusNoContent, w.Code)
			assert.Equal(t, test.want, reports)
			assert.Empty(t, w.Header())
			assert.Empty(t, w.Body.String())
		})
	}

	// It can be logged as JSON under the names of the specification.
	logged, err := json.Marshal(inline)
	require.NoError(t, err)
	assert.JSONEq(t, body, string(logged))
}

func TestReportsThatAreRefused(t *testing.T) {
	// padded returns a report of exactly size bytes.
	padded := func(size int) string {
		const head, tail = `{"csp-report":{"script-sample":"`, `"}}`
		return head + strings.Repeat("a", size-len(head)-len(tail)) + tail
	}
	for _, test := range []struct {
		name        string
		contentType string
		body        io.Reader
		want        int
		code        string
	}{
		{"no type", "", strings.NewReader(padded(100)), 415, "unsupported_media_type"},
		{"JSON", "application/json", strings.NewReader(padded(100)), 415, "unsupported_media_type"},
		{"text", "text/plain", strings.NewReader(padded(100)), 415, "unsupported_media_type"},
		{"no type that can be read", "application/csp-report, text/plain", strings.NewReader(padded(100)), 415, "unsupported_media_type"},
		{"a byte over the limit", csp2Type, strings.NewReader(padded(64<<10 + 1)), 413, "body_too_large"},
		{"a byte over the limit, as a list", reportsType, strings.NewReader("[" + strings.Repeat(" ", 64<<10-1) + "]"), 413, "body_too_large"},
		{"an endless body", csp2Type, endless{}, 413, "body_too_large"},
		{"a body that breaks off", csp2Type, iotest.ErrReader(errors.New("input")), 400, "body_unreadable"},
		{"no body", csp2Type, strings.NewReader(""), 400, "malformed_report"},
		{"no body, as a list", reportsType, strings.NewReader(""), 400, "malformed_report"},
		{"no JSON", csp2Type, strings.NewReader("csp-report=input"), 400, "malformed_report"},
		{"no JSON, as a list", reportsType, strings.NewReader("{input"), 400, "malformed_report"},
		{"no report", csp2Type, strings.NewReader(`{"input":1}`), 400, "malformed_report"},
		{"null", csp2Type, strings.NewReader(`null`), 400, "malformed_report"},
		{"a null report", csp2Type, strings.NewReader(`{"csp-report":null}`), 400, "malformed_report"},
		{"a list as the older type", csp2Type, strings.NewReader(`[{"type":"csp-violation","body":{}}]`), 400, "malformed_report"},
		{"a member of another type", csp2Type, strings.NewReader(`{"csp-report":{"line-number":"input"}}`), 400, "malformed_report"},
		{"a number without end", csp2Type, strings.NewReader(`{"csp-report":{"line-number":1e999}}`), 400, "malformed_report"},
		{"something behind it", csp2Type, strings.NewReader(`{"csp-report":{}}input`), 400, "malformed_report"},
		{"text as a list", reportsType, strings.NewReader(`"input"`), 400, "malformed_report"},
		{"null, as a list", reportsType, strings.NewReader(`null`), 400, "malformed_report"},
		{"two objects with a comma, without a list", reportsType, strings.NewReader(`{},{}`), 400, "malformed_report"},
		{"two objects without a list", reportsType, strings.NewReader(`{} {}`), 400, "malformed_report"},
		{"deep nesting", reportsType, strings.NewReader(strings.Repeat("[", 60<<10)), 400, "malformed_report"},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler := cspreport.NewHandler(func(*http.Request, cspreport.Report) { t.Error("a report was handled") })
			r := httptest.NewRequest(http.MethodPost, "/csp-reports", test.body)
			r.Header.Set("Content-Type", test.contentType)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			assert.Equal(t, test.want, w.Code)
			assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
			assert.Empty(t, w.Header().Values("Allow"))
			assert.Contains(t, w.Body.String(), `"code":"`+test.code+`"`)
			assert.NotContains(t, w.Body.String(), "input")
		})
	}

	w, reports := sendReport(csp2Type, padded(64<<10))
	assert.Equal(t, http.StatusNoContent, w.Code, "the limit itself")
	assert.Len(t, reports, 1)
}

// As http.NewRequest makes it without a body.
func TestARequestWithoutABodyIsNoReport(t *testing.T) {
	for _, contentType := range []string{csp2Type, reportsType} {
		r := httptest.NewRequest(http.MethodPost, "/csp-reports", nil)
		r.Header.Set("Content-Type", contentType)
		r.Body = nil
		w := httptest.NewRecorder()
		cspreport.NewHandler(func(*http.Request, cspreport.Report) { t.Error("called") }).ServeHTTP(w, r)
		assert.Equal(t, http.StatusBadRequest, w.Code)
		assert.Contains(t, w.Body.String(), `"code":"malformed_report"`)
	}
}

func TestReportsAreTakenByPostOnly(t *testing.T) {
	handler := cspreport.NewHandler(func(*http.Request, cspreport.Report) { t.Error("a report was handled") })
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodOptions, http.MethodDelete} {
		t.Run(method, func(t *testing.T) {
			r := httptest.NewRequest(method, "/csp-reports", strings.NewReader(`{"csp-report":{}}`))
			r.Header.Set("Content-Type", csp2Type)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
			assert.Equal(t, []string{"POST"}, w.Header().Values("Allow"))
			assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
			if method != http.MethodHead {
				assert.Contains(t, w.Body.String(), `"code":"method_not_allowed"`)
			}
		})
	}
}

func TestOfManyReportsAHundredAreRead(t *testing.T) {
	const violation = `{"type":"csp-violation","body":{}}`
	for name, test := range map[string]struct {
		body string
		want int
	}{
		"a hundred":                       {"[" + violation + strings.Repeat(","+violation, 99) + "]", 100},
		"more":                            {"[" + violation + strings.Repeat(","+violation, 1000) + "]", 100},
		"those of other types count, too": {"[{}" + strings.Repeat(",{}", 98) + strings.Repeat(","+violation, 3) + "]", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w, reports := sendReport(reportsType, test.body)
			assert.Equal(t, http.StatusNoContent, w.Code)
			assert.Len(t, reports, test.want)
		})
	}
}

func TestTheHandlerPassesTheRequestOn(t *testing.T) {
	handled := false
	handler := cspreport.NewHandler(func(r *http.Request, _ cspreport.Report) {
		handled = true
		assert.Equal(t, "test", r.Header.Get("User-Agent"))
	})
	r := httptest.NewRequest(http.MethodPost, "/csp-reports", strings.NewReader(`{"csp-report":{}}`))
	r.Header.Set("Content-Type", csp2Type)
	r.Header.Set("User-Agent", "test")
	handler.ServeHTTP(httptest.NewRecorder(), r)
	assert.True(t, handled)
}

func TestNewHandlerNeedsAFunction(t *testing.T) {
	assert.PanicsWithValue(t, "cspreport: NewHandler needs a function that takes the reports", func() { cspreport.NewHandler(nil) })
}

// The cap holds before anything is decoded, in a real server too.
func TestAMegabyteOfReportsThroughARealServer(t *testing.T) {
	server := httptest.NewServer(cspreport.NewHandler(func(*http.Request, cspreport.Report) { t.Error("a report was handled") }))
	defer server.Close()
	response, err := http.Post(server.URL, reportsType, strings.NewReader("["+strings.Repeat("{},", 1<<20/3)+"{}]"))
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
}

func TestWhatIsNotUnderstoodInAListIsSkipped(t *testing.T) {
	for name, body := range map[string]string{
		"a violation without a body":   `[{"type":"csp-violation"},{"type":"csp-violation","body":{"sample":"good"}}]`,
		"a violation with a null body": `[{"type":"csp-violation","body":null},{"type":"csp-violation","body":{"sample":"good"}}]`,
		"a violation with a bad body":  `[{"type":"csp-violation","body":{"sample":"good"}},{"type":"csp-violation","body":{"lineNumber":1.5}}]`,
	} {
		t.Run(name, func(t *testing.T) {
			var samples []string
			handler := cspreport.NewHandler(func(_ *http.Request, report cspreport.Report) { samples = append(samples, report.Sample) })
			r := httptest.NewRequest(http.MethodPost, "/csp-reports", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/reports+json")
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			assert.Equal(t, http.StatusNoContent, w.Code)
			assert.Equal(t, []string{"good"}, samples)
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
