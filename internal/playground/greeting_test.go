package playground

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestGreetingTellsOfThePlayground(t *testing.T) {
	c := Config{Secrets: []string{testSecret}, randomSecret: true}
	assert.True(t, strings.HasPrefix(c.greeting("http://x", true, testNow), "Open http://x/ in a browser"))
	assert.True(t, strings.HasPrefix(c.greeting("http://x", false, testNow), "Serving "))
	assert.NotContains(t, c.greeting("http://x", false, testNow), "page's. To")
}

func TestBaseURL(t *testing.T) {
	for name, test := range map[string]struct{ ip, zone, want string }{
		"an IPv4 address stays":               {"127.0.0.1", "", "http://127.0.0.1:4241"},
		"an IPv6 address has brackets":        {"::1", "", "http://[::1]:4241"},
		"a zone is escaped":                   {"fe80::1", "eth0", "http://[fe80::1%25eth0]:4241"},
		"all IPv4 addresses mean localhost":   {"0.0.0.0", "", "http://localhost:4241"},
		"all addresses at all mean localhost": {"::", "", "http://localhost:4241"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, baseURL(&net.TCPAddr{IP: net.ParseIP(test.ip), Zone: test.zone, Port: 4241}))
		})
	}
}
