package body_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/internal/body"
)

func TestReadRequest(t *testing.T) {
	const limit = 4
	withBody := func(content string, length int64) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(strings.NewReader(content)))
		r.ContentLength = length
		return r
	}
	noBody := func(content io.ReadCloser, length int64) *http.Request {
		return &http.Request{Body: content, ContentLength: length}
	}
	for _, test := range []struct {
		name    string
		request *http.Request
		want    string
		err     error
	}{
		{"a body of the limit", withBody("abcd", 4), "abcd", nil},
		{"a body of unknown length", withBody("abcd", -1), "abcd", nil},
		{"a body of a request made by hand", withBody("abcd", 0), "abcd", nil},
		{"a larger body, which is not read", withBody("abcde", 5), "", body.ErrTooLarge},
		{"a larger body of unknown length", withBody("abcde", -1), "", body.ErrTooLarge},
		{"a body that ends early", withBody("abc", 4), "", body.ErrTooShort},
		{"a body that goes on", withBody("abcd", 3), "", body.ErrTooLong},
		{"no body", noBody(nil, 0), "", nil},
		{"no body where one was announced", noBody(nil, 1), "", body.ErrTooShort},
		{"an empty body", noBody(http.NoBody, 0), "", nil},
		{"an empty body where one was announced", noBody(http.NoBody, 1), "", body.ErrTooShort},
	} {
		t.Run(test.name, func(t *testing.T) {
			content, err := body.ReadRequest(test.request, limit)
			assert.Equal(t, test.err, err)
			assert.Equal(t, test.want, string(content))
		})
	}
}

func TestWhatAMaxBytesReaderCutsOffIsTooLarge(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("abcd"))
	r.Body = http.MaxBytesReader(httptest.NewRecorder(), r.Body, 3)
	_, err := body.ReadRequest(r, 4)
	assert.ErrorIs(t, err, body.ErrTooLarge)
	cutOff := (*http.MaxBytesError)(nil)
	assert.ErrorAs(t, err, &cutOff)
}
