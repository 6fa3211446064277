package fetch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/internal/fetch"
)

func TestHostsAsBrowsersWriteThem(t *testing.T) {
	for _, host := range []string{
		"example.com", "a_b.example", "xn--bcher-kva.example", "localhost", "example.com.", "1and1.com", "a-", "Example.COM",
		"127.0.0.1", "::1", "2001:db8::1", "2001:DB8::1",
	} {
		assert.NoError(t, fetch.CheckHost(host), host)
	}
	for host, want := range map[string]string{
		"0:0:0:0:0:0:0:1":  "in another form",
		"::ffff:127.0.0.1": "in another form",
		"::1%eth0":         "in another form",
		"bücher.example":   "a character",
		"a b":              "a character",
		"a,b":              "a character",
		"a:b":              "a character",
		"a%41":             "a character",
		"":                 "an empty label",
		".":                "an empty label",
		"..":               "an empty label",
		"a..b":             "an empty label",
		".a":               "an empty label",
		"a..":              "an empty label",
		"127.1":            "ends in a number",
		"2130706433":       "ends in a number",
		"0x7f.0.0.1":       "ends in a number",
		"256.256.256.256":  "ends in a number",
		"127.0.0.01":       "ends in a number",
		"127.0.0.1.":       "ends in a number",
		"example.0x1":      "ends in a number",
	} {
		assert.ErrorContains(t, fetch.CheckHost(host), want, host)
	}
}

func TestAHostMayNotEndInAnyNumber(t *testing.T) {
	for _, digit := range "0123456789" {
		assert.ErrorContains(t, fetch.CheckHost("a."+string(digit)), "ends in a number")
		assert.NoError(t, fetch.CheckHost("a"+string(digit)), "%c", digit)
	}
}

func TestHostPartsOfContentSecurityPolicy(t *testing.T) {
	for host, want := range map[string]bool{
		"example.com": true, "EXAMPLE.com": true, "example.com.": true, "localhost": true, "127.0.0.1": true, "-": true, "a.1": true,
		"": false, ".": false, "..": false, "a..": false, "a..b": false, ".a": false,
		"a_b.example": false, "::1": false, "[::1]": false, "*": false, "*.a": false, "bücher.example": false, "a b": false, "a:1": false,
	} {
		assert.Equal(t, want, fetch.IsHostPart(host), host)
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "app.localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true,
		"": false, "localhost.example": false, "notlocalhost": false, "127.0.0.1.example.com": false, "128.0.0.1": false,
		"127.1": false, "0.0.0.0": false, "::": false, "::1%eth0": false, "[::1]": false, "10.0.0.1": false,
	} {
		assert.Equal(t, want, fetch.IsLoopback(host), host)
	}
}

func TestPorts(t *testing.T) {
	for text, want := range map[string]uint16{"1": 1, "443": 443, "8080": 8080, "65535": 65535, "0": 0, "00080": 80} {
		port, ok := fetch.Port(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, port, text)
	}
	for _, text := range []string{"", "65536", "99999", "000080", "-1", "+1", " 1", "1 ", "1_0", "0x1", "a", "*", "٣"} {
		_, ok := fetch.Port(text)
		assert.False(t, ok, text)
	}
	for scheme, want := range map[string]uint16{"https": 443, "wss": 443, "http": 80, "ws": 80, "HTTPS": 0, "ftp": 0, "": 0} {
		assert.Equal(t, want, fetch.DefaultPort(scheme), scheme)
	}
}
