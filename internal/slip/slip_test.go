package slip_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/internal/slip"
)

func TestMeant(t *testing.T) {
	names := []string{"as", "url", "payload", "payload-file", "no-color"}
	for _, test := range []struct{ name, s, want string }{
		{"a character is missing", "paylod", "payload"},
		{"one is too many", "no-colour", "no-color"},
		{"one is another", "payload_file", "payload-file"},
		{"two are the wrong way round", "palyoad", "payload"},
		{"it begins so", "pay", "payload"},
		{"a slip comes before a beginning", "payloa", "payload"},
		{"two slips", "paylooadd", ""},
		{"of a short name everything is a slip", "ul", ""},
		{"another word", "frobnicate", ""},
		{"nothing", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) { assert.Equal(t, test.want, slip.Meant(test.s, names)) })
	}
}
