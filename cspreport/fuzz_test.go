package cspreport_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// FuzzReport checks that the response to whatever is sent is 204 or a problem
// document, and that what is refused is not handled.
func FuzzReport(f *testing.F) {
	f.Add(true, `{"csp-report":{"blocked-uri":"inline","line-number":1,"violated-directive":"script-src 'self'"}}`)
	f.Add(false, `[{"type":"csp-violation","body":{"blockedURL":"inline","lineNumber":1}},{"type":"crash"},null]`)
	f.Add(false, `{"type":"csp-violation","body":{}}`)
	f.Add(false, `[{"type":"csp-violation","body":{}},{"type":"csp-violation","body":null}]`)
	f.Fuzz(func(t *testing.T, older bool, body string) {
		contentType := reportsType
		if older {
			contentType = csp2Type
		}
		w, reports := sendReport(contentType, body)
		switch w.Code {
		case http.StatusNoContent:
			assert.True(t, json.Valid([]byte(body)))
			assert.LessOrEqual(t, len(reports), 100)
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			assert.Empty(t, reports)
			assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
		default:
			t.Errorf("the status is %d", w.Code)
		}
	})
}
