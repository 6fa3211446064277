package explain_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

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

// inUTF16 writes a text in UTF-16.
func inUTF16(text string, order binary.AppendByteOrder) (b []byte) {
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return b
}

// inWindows1252 writes a text in Windows-1252.
func inWindows1252(t *testing.T, text string) []byte {
	t.Helper()
	b, err := charmap.Windows1252.NewEncoder().String(text)
	require.NoError(t, err)
	return []byte(b)
}

func TestABodyInAnotherCharsetIsExplained(t *testing.T) {
	latin1, err := charmap.ISO8859_1.NewEncoder().String(latin1Text)
	require.NoError(t, err)
	testTransformations(t, map[string]transformation{
		"UTF-16, little-endian":         {body: inUTF16(sent, binary.LittleEndian), causes: causes("utf_16"), contains: "send it in UTF-8"},
		"UTF-16, big-endian":            {body: inUTF16(sent, binary.BigEndian), causes: causes("utf_16")},
		"UTF-16 with a mark":            {body: inUTF16("\uFEFF"+sent, binary.LittleEndian), causes: causes("utf_16")},
		"UTF-16 with a mark, the other": {body: inUTF16("\uFEFF"+sent+"\n", binary.BigEndian), causes: causes("utf_16", "trailing_space")},
		"Windows-1252":                  {body: inWindows1252(t, sent), causes: causes("not_utf_8"), contains: "Windows-1252, and not in UTF-8"},
		"ISO 8859-1":                    {signed: latin1Text, body: []byte(latin1), causes: causes("not_utf_8")},
		"Windows-1252, compressed":      {body: gzipped(string(inWindows1252(t, sent))), causes: causes("compressed", "not_utf_8")},
	})
}

const latin1Text = `{"note":"Déjà vu","user_id":"usr_123","account_id":"acct_123"}`

func TestABodyThatIsCutShortOrTooLongIsExplained(t *testing.T) {
	inAccent := strings.Index(sent, "é") + 1
	testTransformations(t, map[string]transformation{
		"its last character":           {body: []byte(sent[:len(sent)-1]), causes: causes("cut_short"), contains: "after 100 bytes: see that no limit"},
		"half":                         {body: []byte(sent[:len(sent)/2]), causes: causes("cut_short")},
		"all but the first":            {body: []byte("{"), causes: causes("cut_short")},
		"in the middle of a character": {body: []byte(sent[:inAccent]), causes: causes("cut_short")},
		"as many as it has characters": {body: []byte(sent[:utf8.RuneCountInString(sent)]), causes: causes("cut_short"), contains: "bytes and not characters"},
		"half of what is compressed":   {body: gzipped(sent + strings.Repeat(" ", 100))[:60], causes: causes("compressed", "cut_short")},
		"half of what is in base64":    {body: []byte(base64.StdEncoding.EncodeToString([]byte(sent)))[:44], causes: causes("base64", "cut_short")},
		"zero bytes behind it":         {body: []byte(sent + "\x00\x00"), causes: causes("more_than_one"), contains: "zero bytes: send, and verify"},
		"twice":                        {body: []byte(sent + sent), causes: causes("more_than_one")},
		"twice, in lines":              {body: []byte(sent + "\n" + sent + "\n"), causes: causes("trailing_space", "more_than_one")},
		"in the middle of a literal":   {body: []byte(sent[:strings.Index(sent, "rue")]), causes: causes("cut_short")},
		"what is no JSON is not cut":   {body: []byte(`{"a":x`), causes: causes("unknown")},
		"an array that is cut":         {body: []byte(`[1,`), causes: causes("unknown")},
	})
}

func TestAFormIsExplained(t *testing.T) {
	values := url.Values{"payload": {sent}}
	spaced := `{"note":"1 + 1","user_id":"usr_123","account_id":"acct_123"}`
	form := func(write func(*multipart.Writer)) []byte {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		write(w)
		w.Close()
		return b.Bytes()
	}
	const allStrings = `{"note":"é & \"x\"","user_id":"usr_123","account_id":"acct_123"}`
	testTransformations(t, map[string]transformation{
		"in a value":                                      {body: []byte(values.Encode()), causes: causes("form_encoded"), contains: "form-encoded, as by URLSearchParams"},
		"in one of several":                               {body: []byte("x=1&" + values.Encode() + "&user_id=usr_123"), causes: causes("form_encoded")},
		"in a value, in base64":                           {body: []byte("payload=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(sent)))), causes: causes("form_encoded", "base64")},
		"in a value, without encoding":                    {body: []byte("payload=" + sent), causes: causes("form_encoded")},
		"in a value with + and & and %, without encoding": {signed: `{"note":"1 + 1 & 5 %","user_id":"usr_123","account_id":"acct_123"}`, body: []byte(`payload={"note":"1 + 1 & 5 %","user_id":"usr_123","account_id":"acct_123"}`), causes: causes("form_encoded")},
		"a field for each member":                         {signed: allStrings, body: []byte("note=" + url.QueryEscape(`é & "x"`) + "&user_id=usr_123&account_id=acct_123"), causes: causes("form_encoded")},
		"a field for each member, and the ids first":      {signed: allStrings, body: []byte("user_id=usr_123&account_id=acct_123&note=" + url.QueryEscape(`é & "x"`)), causes: causes("ids_not_last", "form_encoded")},
		"percent-encoded":                                 {body: []byte(url.PathEscape(sent)), causes: causes("percent_encoded"), contains: "percent-encoded: send"},
		"percent-encoded by a form":                       {signed: spaced, body: []byte(url.QueryEscape(spaced)), causes: causes("percent_encoded")},
		"percent-encoded by encodeURI":                    {signed: spaced, body: []byte(strings.NewReplacer(`{`, "%7B", `}`, "%7D", `"`, "%22", " ", "%20").Replace(spaced)), causes: causes("percent_encoded")},
		"percent-encoded twice":                           {body: []byte(url.PathEscape(url.PathEscape(sent))), causes: causes("percent_encoded", "percent_encoded")},
		"percent-encoded and cut":                         {body: []byte(url.PathEscape(sent[:40])), causes: causes("percent_encoded", "cut_short")},
		"multipart":                                       {body: form(func(w *multipart.Writer) { w.WriteField("x", "1"); w.WriteField("payload", sent) }), causes: causes("multipart"), contains: "multipart/form-data"},
		"multipart, as a file": {body: form(func(w *multipart.Writer) {
			part, _ := w.CreateFormFile("file", "payload.json")
			io.WriteString(part, sent+"\n")
		}), causes: causes("multipart", "trailing_space")},
		"multipart, a part for each member": {signed: allStrings, body: form(func(w *multipart.Writer) {
			w.WriteField("note", `é & "x"`)
			w.WriteField("user_id", "usr_123")
			w.WriteField("account_id", "acct_123")
		}), causes: causes("multipart")},
		"multipart, cut": {body: form(func(w *multipart.Writer) { w.WriteField("payload", sent+strings.Repeat(" ", 100)) })[:200], causes: causes("multipart", "cut_short")},
	})
}

// What AWS calls a function with: of a REST API, of an HTTP API and function URLs,
// of a load balancer, and of a queue.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
const (
	eventV1  = `{"version":"1.0","resource":"/api/x","path":"/api/x","httpMethod":"POST","headers":{"Content-Type":"application/json"},"multiValueHeaders":{"Content-Type":["application/json"]},"queryStringParameters":null,"requestContext":{"accountId":"123456789012","httpMethod":"POST","stage":"$default"},"pathParameters":null,"stageVariables":null,"body":BODY,"isBase64Encoded":BASE64}`
	eventV2  = `{"version":"2.0","routeKey":"$default","rawPath":"/api/x","rawQueryString":"","headers":{"content-type":"application/json"},"requestContext":{"accountId":"123456789012","http":{"method":"POST","path":"/api/x"},"time":"12/Mar/2020:19:03:58 +0000"},"body":BODY,"isBase64Encoded":BASE64}`
	eventALB = `{"requestContext":{"elb":{"targetGroupArn":"arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/x/1"}},"httpMethod":"POST","path":"/api/x","queryStringParameters":{},"headers":{"content-type":"application/json"},"body":BODY,"isBase64Encoded":BASE64}`
	eventSQS = `{"Records":[{"messageId":"059f36b4-87a3-44ab-83d2-661975830a7d","receiptHandle":"AQEB","body":BODY,"attributes":{"SentTimestamp":"1545082649183"},"eventSource":"aws:sqs"}]}`
)

// event puts a body into an event, which Python's json.dumps could have written.
func event(template, body string, inBase64 bool) []byte {
	if inBase64 {
		body = base64.StdEncoding.EncodeToString([]byte(body))
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return []byte(strings.NewReplacer("BODY", string(text), "BASE64", strconv.FormatBool(inBase64)).Replace(template))
}

func TestALambdaEventAsTheBodyIsExplained(t *testing.T) {
	inLines := func(event []byte) []byte { // as Python's json.dumps with indent=1 does
		return replaced(string(indent(string(event), "", " ")), "é", `\u00e9`)
	}
	ids := func(r *explain.Received) { r.UserID, r.AccountID = "usr_123", "acct_123" }
	testTransformations(t, map[string]transformation{
		"version 1":                           {body: event(eventV1, sent, false), causes: causes("lambda_event"), contains: "by an adapter, such as lambdaurl"},
		"version 1, in base64":                {body: event(eventV1, sent, true), causes: causes("lambda_event")},
		"version 2":                           {body: event(eventV2, sent, false), causes: causes("lambda_event")},
		"version 2, in base64 and compressed": {body: event(eventV2, string(gzipped(sent)), true), causes: causes("lambda_event", "compressed")},
		"version 2, pretty-printed":           {body: event(eventV2, string(indent(sent, "", " ")), false), causes: causes("lambda_event", "pretty_printed")},
		"a load balancer":                     {body: event(eventALB, sent, false), causes: causes("lambda_event")},
		"another secret":                      {body: event(eventV2, sent, false), request: func(r *explain.Received) { r.Secrets = unlabeled("absec_other") }, causes: causes("lambda_event", "unknown")},
		"without a body":                      {body: event(strings.Replace(eventV2, `"body":BODY,`, "", 1), "", false), causes: causes("lambda_event")},
		"without a body, in lines":            {body: inLines([]byte(strings.Replace(string(event(eventV2, "", false)), `"body":"",`, "", 1))), causes: causes("lambda_event")},
		"with a mark, and escaped as Go and PHP do": {body: []byte("\uFEFF" + strings.ReplaceAll(string(event(eventV1, `{"note":"<b>","user_id":"usr_123","account_id":"acct_123"}`, false)), "/", `\/`)),
			signed: `{"note":"<b>","user_id":"usr_123","account_id":"acct_123"}`, causes: causes("lambda_event")},
		"of which a payload has a name only": {body: []byte(`{"requestContext":{},"user_id":"usr_123","account_id":"acct_123"}`), causes: causes("unknown")},
		"with a body that is empty":          {body: event(eventV1, "", false), causes: causes("lambda_event")},
		"with a body of null":                {body: event(strings.Replace(eventALB, "BODY", "null", 1), "", false), request: ids, causes: causes("lambda_event")},
		"written by Python, in lines, in base64": {body: []byte(base64.StdEncoding.EncodeToString(append(inLines(event(eventV1, sent, false)), '\n'))),
			causes: causes("base64", "lambda_event")},
		"written by Python, and by another secret": {body: inLines(event(eventV1, string(indent(sent, "", " ")), false)), request: func(r *explain.Received) { r.Secrets = unlabeled("absec_other") },
			causes: causes("lambda_event", "pretty_printed", "unknown")},
		"a queue":           {body: event(eventSQS, sent, false), causes: causes("envelope"), contains: `stands in "body" in "Records" of the body`},
		"a topic's, queued": {body: indent(string(event(eventSQS, string(event(`{"Type":"Notification","Message":BODY}`, sent, false)), false)), "", " "), causes: causes("envelope"), contains: `stands in "Message" in "body" in "Records" of the body`},
	})
}

func TestAnEnvelopeIsExplained(t *testing.T) {
	own := strings.TrimSuffix(sent, `,"user_id":"usr_123","account_id":"acct_123"}`) + "}"
	const ids = `"user_id":"usr_123","account_id":"acct_123"`
	inString := func(text string) string {
		b, err := json.Marshal(text)
		require.NoError(t, err)
		return string(b)
	}
	testTransformations(t, map[string]transformation{
		"the payload beside the ids":               {body: []byte(`{"payload":` + own + `,` + ids + `}`), causes: causes("nested_payload"), contains: `the payload stands in "payload" of the body, beside the ids: send JSON.stringify({...payload, user_id, account_id})`},
		"behind the ids":                           {body: []byte(`{` + ids + `,"payload":` + own + `}`), causes: causes("nested_payload")},
		"with something else":                      {body: []byte(`{"version":2,"payload":` + own + `,` + ids + `}`), causes: causes("nested_payload")},
		"as a string":                              {body: []byte(`{"payload":` + inString(own) + `,` + ids + `}`), causes: causes("nested_payload")},
		"with its own ids":                         {body: []byte(`{"data":` + sent + `}`), causes: causes("envelope"), contains: `stands in "data" of the body`},
		"with its own ids, as a string":            {body: []byte(`{"Message":` + inString(sent) + `}`), causes: causes("envelope")},
		"with its own ids, as a string in base64":  {body: []byte(`{"data":"` + base64.StdEncoding.EncodeToString([]byte(sent)) + `"}`), causes: causes("envelope", "base64")},
		"with its own ids first":                   {body: []byte(`{"data":{` + ids + `,` + own[1:] + `}`), causes: causes("ids_not_last", "envelope")},
		"pretty-printed":                           {body: indent(`{"data":`+sent+`}`, "", " "), causes: causes("pretty_printed", "envelope")},
		"as a string, pretty-printed around it":    {body: append(indent(`{"Message":`+inString(sent)+`}`, "", " "), '\n'), causes: causes("envelope")},
		"as a string, pretty-printed within it":    {body: []byte(`{"Message":` + inString(string(indent(sent, "", " "))) + `}`), causes: causes("envelope", "pretty_printed")},
		"the payload beside the ids, two deep":     {body: []byte(`{"a":{"b":` + own + `,` + ids + `}}`), causes: causes("envelope", "nested_payload")},
		"two deep":                                 {body: []byte(`{"a":{"b":` + sent + `}}`), causes: causes("envelope"), contains: `stands in "b" in "a" of the body`},
		"two deep, and in base64 between":          {body: []byte(`{"a":"` + base64.StdEncoding.EncodeToString([]byte(`{"b":`+sent+`}`)) + `"}`), causes: causes("envelope", "base64", "envelope")},
		"in a list":                                {body: []byte(`{"a":[1,` + sent + `]}`), causes: causes("envelope")},
		"in a member whose name is a value":        {body: []byte(`{"sk_org_live_abc":` + sent + `}`), causes: causes("envelope"), contains: "in a member whose name has 15 characters of the body"},
		"the ids in headers, and the payload deep": {body: []byte(`{"payload":` + own + `}`), request: func(r *explain.Received) { r.UserID, r.AccountID = "usr_123", "acct_123" }, causes: causes("ids_missing", "envelope")},
		"something else":                           {body: []byte(`{"payload":{"a":1},` + ids + `}`), causes: causes("unknown")},
	})
}

func TestIDsOfAnotherAccountAreExplained(t *testing.T) {
	other := strings.Replace(sent, "acct_123", "acct_124", 1)
	beside := func(user, account string) func(*explain.Received) {
		return func(r *explain.Received) { r.UserID, r.AccountID = user, account }
	}
	testTransformations(t, map[string]transformation{
		"and the right one came beside the body": {body: []byte(other), request: beside("", "acct_123"), causes: causes("other_ids"), contains: "send, in both places"},
		"both came beside the body":              {body: []byte(strings.Replace(other, "usr_123", "usr_124", 1)), request: beside("usr_123", "acct_123"), causes: causes("other_ids")},
		"and the right one is not known":         {body: []byte(other), causes: causes("unknown"), contains: "that user_id and account_id are those of the same userContext"},
		"and the same wrong one beside the body": {body: []byte(other), request: beside("usr_123", "acct_124"), causes: causes("unknown")},
	})
}

// mojibake reads UTF-8 as another charset.
func mojibake(t *testing.T, charset *charmap.Charmap, text string) string {
	t.Helper()
	read, err := charset.NewDecoder().String(text)
	require.NoError(t, err)
	return read
}

func TestRewrittenCharactersAreExplained(t *testing.T) {
	const accents = `{"note":"Déjà vu, Ångström, ḍ̇, 각","user_id":"usr_123","account_id":"acct_123"}`
	const windowsText = `{"note":"Déjà vu “€’","user_id":"usr_123","account_id":"acct_123"}`
	twice := mojibake(t, charmap.ISO8859_1, mojibake(t, charmap.ISO8859_1, sent))
	const crlf, lf, cr = `{"a":"x\r\ny\\n\\r\n","user_id":"usr_123","account_id":"acct_123"}`, `{"a":"x\ny\\n\\r\n","user_id":"usr_123","account_id":"acct_123"}`, `{"a":"x\ry\\n\\r\r","user_id":"usr_123","account_id":"acct_123"}`
	allCRLF := strings.ReplaceAll(sent, `\n`, `\r\n`)
	testTransformations(t, map[string]transformation{
		"UTF-8 read as ISO 8859-1":         {body: []byte(mojibake(t, charmap.ISO8859_1, sent)), causes: causes("mojibake"), contains: "have become two or three like Ã©"},
		"UTF-8 read as Windows-1252":       {signed: windowsText, body: []byte(mojibake(t, charmap.Windows1252, windowsText)), causes: causes("mojibake")},
		"which lacks some characters":      {body: []byte(mojibake(t, charmap.Windows1252, sent)), causes: causes("replaced", "unknown")},
		"twice":                            {body: []byte(twice), causes: causes("mojibake")},
		"and pretty-printed":               {body: indent(mojibake(t, charmap.ISO8859_1, sent), "", " "), causes: causes("mojibake", "pretty_printed")},
		"and a mark":                       {body: []byte(mojibake(t, charmap.ISO8859_1, "\uFEFF"+sent)), causes: causes("mojibake", "byte_order_mark")},
		"NFD":                              {signed: norm.NFC.String(accents), body: norm.NFD.Bytes([]byte(accents)), causes: causes("normalized"), contains: "another normal form of Unicode"},
		"NFC":                              {signed: norm.NFD.String(accents), body: norm.NFC.Bytes([]byte(accents)), causes: causes("normalized")},
		"NFD, and mojibake":                {signed: norm.NFC.String(accents), body: []byte(mojibake(t, charmap.ISO8859_1, norm.NFD.String(accents))), causes: causes("mojibake", "normalized")},
		"CRLF is LF":                       {signed: allCRLF, body: []byte(sent), causes: causes("line_breaks"), contains: "others than when they were signed"},
		"LF is CRLF":                       {body: []byte(allCRLF), causes: causes("line_breaks")},
		"CR is LF":                         {signed: cr, body: []byte(lf), causes: causes("line_breaks")},
		"what looks like a line break":     {signed: lf, body: []byte(strings.ReplaceAll(crlf, `\\r\n`, `\\r\r\n`)), causes: causes("line_breaks")},
		"CRLF is LF, compressed":           {signed: allCRLF, body: gzipped(sent + "\n"), causes: causes("line_breaks", "compressed", "trailing_space")},
		"LF is CRLF, and the ids first":    {signed: `{"a":"x\ny","user_id":"usr_123","account_id":"acct_123"}`, body: []byte(`{"user_id":"usr_123","account_id":"acct_123","a":"x\r\ny"}`), causes: causes("line_breaks", "ids_not_last")},
		"LF is CRLF, mojibake, and no ids": {signed: `{"a":"é\ny","user_id":"usr_123","account_id":"acct_123"}`, body: []byte(`{"a":"Ã©\r\ny"}`), request: func(r *explain.Received) { r.UserID, r.AccountID = "usr_123", "acct_123" }, causes: causes("mojibake", "line_breaks", "ids_missing")},
		"what could not be read":           {body: []byte(strings.ReplaceAll(sent, "é", "\uFFFD")), causes: causes("replaced", "unknown"), contains: "U+FFFD"},
	})
}

func TestRetypedValuesAreExplained(t *testing.T) {
	const signed = `{"amount":1250,"rate":0.5,"code":"0042","live":true,"note":null,"items":[1,{"n":2}],"user_id":"usr_123","account_id":"acct_123"}`
	change := func(oldnew ...string) []byte { return replaced(signed, oldnew...) }
	const texts = `{"amount":"1250","zip":"00501","empty":"","live":"true","user_id":"usr_123","account_id":"acct_123"}`
	// Of these, some that can have the other type have it rightly.
	const mixed = `{"a":1,"b":"2","c":true,"d":"4","e":null,"user_id":"usr_123","account_id":"acct_123"}`
	manyMixed := `{"s":"1","t":"2","u":"3","v":"4","w":"5","x":"6","y":7,"z":8,"user_id":"usr_123","account_id":"acct_123"}`
	manyNumbers := "{"
	for i := range 70 {
		manyNumbers += fmt.Sprintf(`"m%d":%d,`, i, 100+i)
	}
	manyNumbers += `"user_id":"usr_123","account_id":"acct_123"}`
	many := []byte(`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"user_id":"usr_123","account_id":"acct_123"}`)
	testTransformations(t, map[string]transformation{
		"a number is a string":                      {signed: signed, body: change(`1250`, `"1250"`), causes: causes("retyped"), contains: `a value in "amount" has another type than when it was signed, a string instead of a number`},
		"a fraction with zeros":                     {signed: signed, body: change(`0.5`, `"0.50"`), causes: causes("retyped"), contains: `"rate"`},
		"true is a string":                          {signed: signed, body: change(`true`, `"true"`), causes: causes("retyped"), contains: `"live"`},
		"null is empty":                             {signed: signed, body: change(`null`, `""`), causes: causes("retyped"), contains: `"note"`},
		"one in a list":                             {signed: signed, body: change(`[1`, `["1"`), causes: causes("retyped"), contains: `"items"`},
		"two, one of them deep":                     {signed: signed, body: change(`2}`, `"2"}`, "true", `"true"`), causes: causes("retyped"), contains: `a value in "live" and "n" has`},
		"all":                                       {signed: signed, body: change(`1250`, `"1250"`, `0.5`, `"0.5"`, `true`, `"true"`, `null`, `""`, `[1`, `["1"`, `2}`, `"2"}`), causes: causes("retyped"), contains: `"amount" and "rate" and "live" and 3 more`},
		"a string is a number":                      {signed: texts, body: []byte(`{"amount":1250,"zip":"00501","empty":"","live":"true","user_id":"usr_123","account_id":"acct_123"}`), causes: causes("retyped"), contains: `a value in "amount" has another type than when it was signed, a number, true, false or null instead of a string`},
		"an empty string is null":                   {signed: texts, body: []byte(`{"amount":"1250","zip":"00501","empty":null,"live":"true","user_id":"usr_123","account_id":"acct_123"}`), causes: causes("retyped"), contains: `"empty"`},
		"one of several strings":                    {signed: mixed, body: replaced(mixed, `1,`, `"1",`), causes: causes("retyped"), contains: `a value in "a" has another type than when it was signed, a string instead`},
		"two of several strings":                    {signed: mixed, body: replaced(mixed, `1,`, `"1",`, `true`, `"true"`), causes: causes("retyped"), contains: `a value in "a" and "c" has`},
		"one of several numbers":                    {signed: mixed, body: replaced(mixed, `"4"`, `4`), causes: causes("retyped"), contains: `a value in "d" has another type than when it was signed, a number`},
		"one of many strings":                       {signed: manyMixed, body: replaced(manyMixed, `7`, `"7"`), causes: causes("retyped"), contains: `"y"`},
		"one of several strings, and the ids first": {signed: mixed, body: []byte(`{"user_id":"usr_123","account_id":"acct_123","a":"1","b":"2","c":true,"d":"4","e":null}`), causes: causes("retyped", "ids_not_last"), contains: `"a"`},
		"one of very many numbers":                  {signed: strings.Replace(manyNumbers, `160`, `"160"`, 1), body: []byte(manyNumbers), causes: causes("retyped"), contains: `"m60"`},
		"one of many":                               {signed: string(many), body: replaced(string(many), `7`, `"7"`), causes: causes("retyped"), contains: `"g"`},
		"pretty-printed, in base64":                 {signed: signed, body: []byte(base64.StdEncoding.EncodeToString(indent(string(change(`1250`, `"1250"`)), "", " "))), causes: causes("retyped", "base64", "pretty_printed")},
		"a form, whose line breaks are CRLF":        {signed: `{"amount":1250,"note":"x\ny","user_id":"usr_123","account_id":"acct_123"}`, body: []byte(url.Values{"amount": {"1250"}, "note": {"x\r\ny"}, "user_id": {"usr_123"}, "account_id": {"acct_123"}}.Encode()), causes: causes("line_breaks", "retyped", "ids_not_last", "form_encoded")},
	})
}
