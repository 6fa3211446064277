package signed

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

const (
	testMAC = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"
	testV1  = "v1=" + testMAC
)

func TestOnlyTheCanonicalFormOfAHeaderIsRead(t *testing.T) {
	for _, test := range []struct {
		name, header string
		want         Fault
		signedAt     int64
	}{
		{"a time and a MAC", "t=1700000000," + testV1, OK, 1700000000},
		{"the MAC first", testV1 + ",t=1700000000", OK, 1700000000},
		{"the first second of all", "t=0," + testV1, OK, 0},
		{"a time of one digit", "t=9," + testV1, OK, 9},
		{"a time of two digits", "t=10," + testV1, OK, 10},
		{"a time of eighteen digits", "t=999999999999999999," + testV1, OK, 999999999999999999},
		{"a time of nineteen digits", "t=1000000000000000000," + testV1, MalformedHeader, 0},
		{"a time that no int64 holds", "t=9999999999999999999," + testV1, MalformedHeader, 0},
		{"two zeros", "t=00," + testV1, MalformedHeader, 0},
		{"a time of two digits that begins with zero", "t=01," + testV1, MalformedHeader, 0},
		{"a sign", "t=+1," + testV1, MalformedHeader, 0},
		{"a time before all", "t=-1," + testV1, MalformedHeader, 0},
		{"a time without digits", "t=," + testV1, MalformedHeader, 0},
		{"a time without digits in front of a good one", "t=,t=1," + testV1, MalformedHeader, 0},
		{"a time without digits behind a good one", "t=1,t=," + testV1, RepeatedTime, 0},
		{"two times", "t=1,t=1," + testV1, RepeatedTime, 0},
		{"no time", testV1, MalformedHeader, 0},
		{"a time under another name", "T=1," + testV1, MalformedHeader, 0},
		{"another scheme without a value in front", "v0=,t=1," + testV1, OK, 1},
		{"no MAC", "t=1", NoV1, 0},
		{"a MAC under another name", "t=1,V" + testV1[1:], NoV1, 0},
		{"a MAC of another scheme", "t=1,v0=" + testMAC, NoV1, 0},
		{"an empty MAC", "t=1,v1=", MalformedHeader, 0},
		{"a digit less", "t=1," + testV1[:66], MalformedHeader, 0},
		{"a digit more", "t=1," + testV1 + "0", MalformedHeader, 0},
		{"a MAC cut off in front of another", "t=1," + testV1[:66] + "," + testV1, MalformedHeader, 0},
		{"sixteen MACs", "t=1" + strings.Repeat(","+testV1, 16), OK, 1},
		{"seventeen MACs", "t=1" + strings.Repeat(","+testV1, 17), ManySignatures, 0},
		{"no header", "", NotSigned, 0},
		{"4096 bytes", "t=1," + testV1 + ",x=" + strings.Repeat("x", 4096-4-67-3), OK, 1},
		{"4097 bytes", "t=1," + testV1 + ",x=" + strings.Repeat("x", 4097-4-67-3), LongHeader, 0},
		{"a comma in front", ",t=1," + testV1, MalformedHeader, 0},
		{"a comma behind", "t=1," + testV1 + ",", MalformedHeader, 0},
		{"white space in front", "\tt=1," + testV1, MalformedHeader, 0},
		{"white space behind", "t=1," + testV1 + "\t", MalformedHeader, 0},
		{"a tab in a name", "t=1," + testV1 + ",x\t=y", MalformedHeader, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var h Header
			assert.Equal(t, test.want, h.Parse(test.header))
			if test.want == OK {
				assert.Equal(t, test.signedAt, h.SignedAt)
			}
		})
	}
}

func TestEveryByteOfAMACIsALowerCaseHexDigit(t *testing.T) {
	for i := range len(testMAC) {
		for b := range 256 {
			digits := []byte(testMAC)
			digits[i] = byte(b)
			want := MalformedHeader
			if strings.IndexByte("0123456789abcdef", byte(b)) >= 0 {
				want = OK
			}
			var h Header
			if got := h.Parse("t=1,v1=" + string(digits)); got != want {
				t.Errorf("%q in place %d: %v", b, i, got)
			} else if got == OK && hex.EncodeToString(h.macs[0][:]) != string(digits) {
				t.Errorf("%s is read as %x", digits, h.macs[0])
			}
		}
	}
}

func TestEveryByteOfATimeIsADigit(t *testing.T) {
	for b := range 256 {
		want, signedAt := MalformedHeader, int64(0)
		if '0' <= b && b <= '9' {
			want, signedAt = OK, 102+10*int64(b-'0')
		}
		var h Header
		if got := h.Parse("t=1" + string([]byte{byte(b)}) + "2," + testV1); got != want || got == OK && h.SignedAt != signedAt {
			t.Errorf("%q: %v, %d", b, got, h.SignedAt)
		}
	}
}

func TestWhatIsNoTimeOrMACIsLeftWhereItStands(t *testing.T) {
	for _, s := range []string{"", "x1", "-1", "01", "00,x"} {
		seconds, text, rest := CutTimestamp(s)
		assert.Equal(t, []any{int64(0), "", s}, []any{seconds, text, rest})
	}
	seconds, text, rest := CutTimestamp("12x3")
	assert.Equal(t, []any{int64(12), "12", "x3"}, []any{seconds, text, rest})

	var mac [32]byte
	rest, ok := CutMAC(&mac, testMAC[1:])
	assert.Equal(t, testMAC[1:], rest)
	assert.False(t, ok)
	rest, ok = CutMAC(&mac, testMAC+"x")
	assert.Equal(t, "x", rest)
	assert.True(t, ok)
}

func TestLinesAreBoundedBeforeTheyAreJoined(t *testing.T) {
	half := strings.Repeat("x", 2047)
	for _, test := range []struct {
		name   string
		lines  []string
		header string
		want   Fault
	}{
		{"none", nil, "", NotSigned},
		{"one", []string{"t=1"}, "t=1", OK},
		{"two", []string{"t=1", "v1=2"}, "t=1,v1=2", OK},
		{"as many bytes as the limit, with the comma", []string{half + "x", half}, half + "x," + half, OK},
		{"a byte more", []string{half + "x", half + "x"}, "", LongHeader},
		{"commas alone beyond the limit", make([]string, 4098), "", LongHeader},
	} {
		t.Run(test.name, func(t *testing.T) {
			header, fault := JoinLines(test.lines)
			assert.Equal(t, test.want, fault)
			assert.Equal(t, test.header, header)
		})
	}
}
