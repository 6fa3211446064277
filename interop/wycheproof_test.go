package interop

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// hexBytes is a string of hex digits in JSON.
type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// The vectors of project Wycheproof are keys and messages that implementations have
// stumbled over, with tags of which some are wrong in one bit or cut off. What is
// signed here has a time in front, "1.", so that each vector's tag is carried over:
// the right one of the longer text, with the same bits wrong and the same length.
//
// https://github.com/C2SP/wycheproof/blob/main/testvectors_v1/hmac_sha256_test.json
func TestWycheproofHMACSHA256(t *testing.T) {
	content, err := fs.ReadFile(wycheproof.TestVectors, "hmac_sha256_test.json")
	require.NoError(t, err)
	var vectors struct {
		TestGroups []struct {
			Tests []struct {
				TCID          int `json:"tcId"`
				Comment       string
				Key, Msg, Tag hexBytes
				Result        string
			}
		}
	}
	require.NoError(t, json.Unmarshal(content, &vectors))
	accepted, refused := 0, 0
	for _, group := range vectors.TestGroups {
		for _, vector := range group.Tests {
			tag := tagOf(vector.Key, "", vector.Msg)[:len(vector.Tag)]
			wrong := make([]byte, len(tag))
			subtle.XORBytes(wrong, tag, vector.Tag)
			valid := vector.Result == "valid"
			require.Equal(t, valid, subtle.ConstantTimeCompare(wrong, make([]byte, len(wrong))) == 1,
				"crypto/hmac itself: %d, %s", vector.TCID, vector.Comment)

			ours := tagOf(vector.Key, "1.", vector.Msg)[:len(tag)]
			subtle.XORBytes(ours, ours, wrong)
			want := valid && len(ours) == sha256.Size
			var h signed.Header
			fault := h.Parse("t=1,v1=" + hex.EncodeToString(ours))
			key := signed.NewKey(string(vector.Key))
			for range 2 { // the second time with the state that the first has left
				got := fault == signed.OK && key.Matches(&h, vector.Msg) == 1
				assert.Equal(t, want, got, "%d, %s", vector.TCID, vector.Comment)
			}
			if want {
				accepted++
			} else {
				refused++
			}
		}
	}
	assert.Positive(t, accepted)
	assert.Positive(t, refused)
	t.Logf("%d accepted, %d refused", accepted, refused)
}

func tagOf(key []byte, texts ...any) []byte {
	mac := hmac.New(sha256.New, key)
	for _, text := range texts {
		switch text := text.(type) {
		case string:
			mac.Write([]byte(text))
		case hexBytes:
			mac.Write(text)
		}
	}
	return mac.Sum(nil)
}
