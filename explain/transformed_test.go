package explain_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/explain"
)

// What these tests send is made from what was signed by really doing to it what is
// done on the way.

// sent has a number, a line break, and characters that are written in several ways.
const sent = `{"amount":1250,"note":"Déjà vu\n“two”","live":true,"user_id":"usr_123","account_id":"acct_123"}`

// transformation is one that was done to the body.
type transformation struct {
	body     []byte
	request  func(*explain.Received) // what else is changed
	signed   string                  // sent if ""
	causes   []explain.Cause
	contains string // the first text
}

func testTransformations(t *testing.T, tests map[string]transformation) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.signed == "" {
				test.signed = sent
			}
			r := received(test.signed)
			r.Body = test.body
			if test.request != nil {
				test.request(&r)
			}
			found := explain.Explain(r)
			var causes []explain.Cause
			for _, x := range found {
				causes = append(causes, x.Cause)
				assertOneSentence(t, x.Text)
			}
			assert.Equal(t, test.causes, causes)
			assert.Contains(t, found[0].Text, test.contains)
		})
	}
}

func causes(causes ...explain.Cause) []explain.Cause { return causes }

// written is what a writer around a buffer makes of a text.
func written[W io.WriteCloser](text string, writer func(io.Writer) W) []byte {
	var b bytes.Buffer
	w := writer(&b)
	_, err := io.WriteString(w, text)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err)
	}
	return b.Bytes()
}

func gzipped(text string) []byte { return written(text, gzip.NewWriter) }

func deflated(w io.Writer) *flate.Writer {
	writer, err := flate.NewWriter(w, flate.DefaultCompression)
	if err != nil {
		panic(err)
	}
	return writer
}

func contentEncoding(coding string) func(*explain.Received) {
	return func(r *explain.Received) { r.ContentEncoding = coding }
}

func TestACompressedBodyIsExplained(t *testing.T) {
	inBase64 := []byte(base64.StdEncoding.EncodeToString(gzipped(sent)))
	testTransformations(t, map[string]transformation{
		"gzip":                           {body: gzipped(sent), causes: causes("compressed"), contains: "(gzip): put what undoes a Content-Encoding in front"},
		"gzip, as the header says":       {body: gzipped(sent), request: contentEncoding("gzip"), causes: causes("compressed")},
		"zlib":                           {body: written(sent, zlib.NewWriter), causes: causes("compressed"), contains: "(deflate)"},
		"zlib, as the header says":       {body: written(sent, zlib.NewWriter), request: contentEncoding("deflate"), causes: causes("compressed")},
		"deflate without zlib":           {body: written(sent, deflated), request: contentEncoding(" Deflate "), causes: causes("compressed"), contains: "(deflate)"},
		"gzip twice":                     {body: gzipped(string(gzipped(sent))), request: contentEncoding("gzip, gzip"), causes: causes("compressed", "compressed")},
		"and a line break in it":         {body: gzipped(sent + "\n"), causes: causes("compressed", "trailing_space")},
		"and a line break behind it":     {body: append(gzipped(sent), '\n'), causes: causes("compressed")},
		"and pretty-printed":             {body: gzipped(string(indent(sent, "", " "))), causes: causes("compressed", "pretty_printed")},
		"and in base64":                  {body: inBase64, request: contentEncoding("gzip"), causes: causes("base64", "compressed")},
		"and another secret":             {body: gzipped(sent), request: func(r *explain.Received) { r.Secrets = unlabeled("absec_other") }, causes: causes("compressed", "unknown")},
		"undone, and the header is left": {body: []byte(sent), request: contentEncoding("gzip"), causes: causes("nothing_wrong")},
		"brotli":                         {body: []byte("\x8b\x0a\x80{}\xff\x03"), request: contentEncoding("br"), causes: causes("compressed"), contains: "Content-Encoding br"},
		"zstd":                           {body: []byte("\x28\xb5\x2f\xfd\x04\x00"), causes: causes("compressed"), contains: "(zstd)"},
		"a coding that nobody knows":     {body: []byte("\xff\xfe\xfd"), request: contentEncoding("x-<script>"), causes: causes("compressed"), contains: "the body has a Content-Encoding: put"},
		"gzip that is destroyed":         {body: []byte(strings.ToValidUTF8(string(gzipped(sent)), "\uFFFD")), causes: causes("compressed"), contains: "read as text, which destroys it"},
		"gzip that cannot be read":       {body: []byte("\x1f\x8b\x08garbage"), causes: causes("compressed"), contains: "cannot be read"},
		"deflate that cannot be read":    {body: []byte("\x78\x9cgarb\xffage"), request: contentEncoding("deflate"), causes: causes("compressed"), contains: "cannot be read"},
		"what only begins like zlib":     {body: []byte("x\x9c\xff"), causes: causes("unknown")},
	})
}

func TestACompressedBodyIsExplainedInTheLog(t *testing.T) {
	log := refusalLog(t, stripeapps.VerifierConfig{}, string(written(sent, deflated)), func(r map[string][]string) {
		r["Stripe-Signature"] = []string{sign(sent, testSecret, testNow)}
		r["Content-Encoding"] = []string{"deflate"}
	})
	assert.Contains(t, log, "cause=compressed")
}
