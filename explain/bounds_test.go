package explain

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps"
	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
	"github.com/seed-8a2ffb75/stripeapps/internal/stripejs"
)

// The work is counted, not timed: what is hashed, and what is allocated, which
// every text that is built is a part of. A budget of an eighth shows the same as the
// whole one.
func TestExplainIsBounded(t *testing.T) {
	const budget = maxExplainedBytes / 8
	members := func(n int, name func(int) string) string {
		var b strings.Builder
		b.WriteString(`{`)
		for i := range n {
			fmt.Fprintf(&b, `%q:0,`, name(i))
		}
		return b.String() + `"user_id":"usr_1","account_id":"acct_1"}`
	}
	short := func(i int) string { return fmt.Sprintf("m%d", i) }
	large := members(1, func(int) string { return strings.Repeat("x", 1<<20-60) })
	object := func(value string) string { return `{"a":` + value + `,"user_id":"usr_1","account_id":"acct_1"}` }
	for _, test := range []struct {
		name     string
		body     string
		secrets  int  // of each kind
		upToEnd  bool // the budget is what ends it
		allocate uint64
	}{
		{"1 MiB and many secrets", large, 16, true, 64 << 20},
		{"1 MiB and one secret", large, 1, true, 64 << 20},
		{"over 1 MiB", strings.Repeat("[", 2<<20), 16, true, 1 << 20},
		{"40 MiB", strings.Repeat(" ", 40<<20), 1, true, 1 << 20},
		{"10,000 members and many secrets", members(10_000, short), 16, true, 64 << 20},
		{"10,000 members and one secret", members(10_000, short), 1, true, 64 << 20},
		{"40,000 members", members(40_000, short), 1, true, 256 << 20},
		{"10 members", members(10, short), 16, true, 64 << 20},
		{"5 members", members(5, short), 1, false, 16 << 20},
		{"11 members of 90 KiB", members(11, func(i int) string { return fmt.Sprint(i) + strings.Repeat("x", 90<<10) }), 1, true, 128 << 20},
		{"equal names", members(20_000, func(int) string { return "a" }), 1, false, 128 << 20},
		{"array indexes in reverse", members(20_000, func(i int) string { return fmt.Sprint(100_000 - i) }), 1, true, 128 << 20},
		{"256 levels", object(strings.Repeat("[", 255) + strings.Repeat("]", 255)), 16, false, 32 << 20},
		{"half a million levels", strings.Repeat("[", 1<<19) + strings.Repeat("]", 1<<19), 1, false, 16 << 20},
		{"white space", strings.Repeat(" ", 1<<20), 1, false, 16 << 20},
		{"quotes", `"` + strings.Repeat(`\"`, 1<<18) + `"`, 1, false, 16 << 20},
		{"base64", strings.Repeat("e30K", 1<<17), 1, false, 32 << 20},
		{"escapes", object(`"` + strings.Repeat(`\u003c\ud800`, 20_000) + `"`), 1, false, 128 << 20},
		{"percent-encoding that is ambiguous, again and again", strings.Repeat("%25", 5) + "7B" + strings.Repeat("+", 200_000), 1, false, 64 << 20},
		{"form fields", strings.Repeat("%7B+&", 50_000), 1, false, 16 << 20},
		{"form fields with an object each", strings.Repeat("a={%7D+"+strings.Repeat("x", 4000)+"&", 250) + "b=", 1, false, 64 << 20},
		{"parts of a form", strings.Repeat("--x\r\n\r\n{\r\n", 50_000), 1, false, 32 << 20},
		{"objects in objects", strings.Repeat(`{"a":`, 200) + `"` + strings.Repeat("x", 200_000) + `"` + strings.Repeat("}", 200), 1, false, 64 << 20},
		{"many objects", object(`[` + strings.Repeat(`{"a":[{},{},{},{},{}]},`, 20_000) + `0]`), 1, true, 128 << 20},
		{"strings of objects of strings", object(strings.Repeat(`"{\"a\":`, 1) + strings.Repeat(`1`, 500_000) + `"`), 1, true, 64 << 20},
		{"wide and deep objects", `{"a":` + tree(4, 5) + `}`, 1, false, 64 << 20},
		{"mojibake", object(`"` + strings.Repeat("Ã\u0083Â©", 100_000) + `"`), 1, true, 128 << 20},
		{"combining characters", object(`"e` + strings.Repeat("\u0301\u0323", 100_000) + `"`), 1, true, 128 << 20},
		{"line breaks", object(`"` + strings.Repeat(`\r\n\n`, 100_000) + `"`), 1, true, 128 << 20},
		{"numbers", object(`[` + strings.Repeat(`"1",2,`, 40_000) + `0]`), 1, true, 256 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.True(t, len(test.body) <= maxExplainedBody || strings.Contains(test.name, "MiB"), len(test.body))
			r := Received{Header: stripejs.Header(nil, time.Unix(1700000000, 0), "absec_unknown"), Body: []byte(test.body), Now: time.Unix(1700000000, 0), Tolerance: stripeapps.DefaultTolerance}
			for i := range test.secrets {
				r.Secrets = append(r.Secrets, stripeapps.LabeledSecret{Secret: fmt.Sprintf("absec_%d", i)})
				r.OtherSecrets = append(r.OtherSecrets, stripeapps.LabeledSecret{Secret: fmt.Sprintf("absec_other%d", i)})
			}
			e := &explainer{received: r, kind: requests, budget: budget}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			e.addAppSecrets(signsNoRequest)
			found := e.explain()
			runtime.ReadMemStats(&after)

			assert.NotEmpty(t, found)
			assert.False(t, slices.ContainsFunc(found, func(x Explanation) bool { return x.Cause == NothingWrong }))
			assert.GreaterOrEqual(t, e.budget, 0)
			assert.LessOrEqual(t, e.texts, maxExplainedTexts)
			assert.Equal(t, test.upToEnd, e.exhausted, "%d bytes are left", e.budget)
			assert.Less(t, (after.TotalAlloc-before.TotalAlloc)>>20, test.allocate>>20, "MiB")
			if test.upToEnd {
				assert.Contains(t, found[len(found)-1].Text, "smaller")
			}
		})
	}
}

// tree is an object with objects in it, so many levels deep and so many of them wide.
func tree(levels, wide int) string {
	if levels == 0 {
		return "{}"
	}
	members := make([]string, wide)
	for i := range members {
		members[i] = fmt.Sprintf(`"m%d":%s`, i, tree(levels-1, wide))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestOnlyWhatIsInTheBudgetIsHashed(t *testing.T) {
	for _, test := range []struct {
		name   string
		budget int
		fits   bool
	}{
		{"enough for both keys", 2 * (10 + 64), true},
		{"one byte too little", 2*(10+64) - 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := &explainer{kind: requests, budget: test.budget, keys: []explainedKey{{Key: signed.NewKey("absec_a")}, {Key: signed.NewKey("absec_b")}}}
			payload := []byte("0123456789")
			assert.Equal(t, signed.OK, e.header.Parse(stripejs.Header(payload, time.Unix(1, 0), "absec_b")))
			assert.Equal(t, test.fits, e.fits(payload))
			assert.Equal(t, !test.fits, e.exhausted)
			assert.GreaterOrEqual(t, e.budget, 0)
		})
	}
}

func TestALabelIsShortened(t *testing.T) {
	assert.Equal(t, strings.Repeat("é", 50), shortened(strings.Repeat("é", 50)))
	assert.Equal(t, "x"+strings.Repeat("é", 49)+"…", shortened("x"+strings.Repeat("é", 50)))
}

// Work shows in what is allocated: every attempt builds an object.
func assertAllocatesLess(t *testing.T, limit uint64, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, limit)
}

func TestExplainWithoutASecretEndsAtOnce(t *testing.T) {
	var body strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&body, `"a%d":1,`, i)
	}
	for _, secrets := range [][]stripeapps.LabeledSecret{nil, {{}}, {{Secret: " "}}} {
		assertAllocatesLess(t, 64<<20, func() {
			Explain(Received{
				Header: stripejs.Header(nil, time.Unix(1700000000, 0), "absec_unknown"), Secrets: secrets,
				Body: []byte("{" + body.String() + `"user_id":"usr_1","account_id":"acct_1"}`),
			})
		})
	}
}

// Six members have 720 orders.
func TestExplainBuildsNoMoreOrdersThanItCanHash(t *testing.T) {
	body := `{"a":1,"b":2,"c":3,"d":4,"e":5,"` + strings.Repeat(`\u0001`, 170_000) + `":1,"user_id":"usr_1","account_id":"acct_1"}`
	assertAllocatesLess(t, 512<<20, func() {
		Explain(Received{
			Header: stripejs.Header(nil, time.Unix(1700000000, 0), "absec_unknown"), Body: []byte(body), Secrets: []stripeapps.LabeledSecret{{Secret: "absec_test"}},
		})
	})
}

// A small body can hold a large one: no more than 1 MiB of it is made.
func TestABombIsNotInflated(t *testing.T) {
	var once, twice, zlibbed bytes.Buffer
	for _, w := range []io.WriteCloser{gzip.NewWriter(&once), zlib.NewWriter(&zlibbed)} {
		for range 16 {
			w.Write(make([]byte, 1<<20))
		}
		w.Close()
	}
	w := gzip.NewWriter(&twice)
	w.Write(once.Bytes())
	w.Close()
	for name, body := range map[string][]byte{"gzip": once.Bytes(), "zlib": zlibbed.Bytes(), "twice": twice.Bytes()} {
		t.Run(name, func(t *testing.T) {
			assert.Less(t, len(body), 1<<20)
			assertAllocatesLess(t, 12<<20, func() {
				found := Explain(Received{
					Header: stripejs.Header(nil, time.Unix(1700000000, 0), "absec_test"), Now: time.Unix(1700000000, 0),
					Body: body, Secrets: []stripeapps.LabeledSecret{{Secret: "absec_test"}},
				})
				last := found[len(found)-1]
				assert.Equal(t, causeCompressed, last.Cause)
				assert.Contains(t, last.Text, "larger than 1 MiB")
			})
		})
	}
}

// An event is parsed and written a few times, and no more is tried.
func TestExplainingAnEventIsBounded(t *testing.T) {
	const start, end = `{"id":"evt_1","object":"event","type":"x","created":1,"livemode":true,"data":{"object":`, `}}`
	large := strings.Repeat("x", 200<<10)
	for name, object := range map[string]string{
		"200 KiB":                         `{"a":"` + large + `"}`,
		"200 KiB, 29 objects deep":        strings.Repeat(`{"a":`, 29) + `"` + large + `"` + strings.Repeat("}", 29),
		"many numbers, 29 lists deep":     `{"a":` + strings.Repeat("[", 28) + `0` + strings.Repeat(",0", 100<<10) + strings.Repeat("]", 28) + "}",
		"1 MiB":                           `{"a":"` + strings.Repeat("x", 1<<20-200) + `"}`,
		"too many numbers, 29 lists deep": `{"a":` + strings.Repeat("[", 28) + `0` + strings.Repeat(",0", 1<<18) + strings.Repeat("]", 28) + "}",
		"many numbers, 200 lists deep":    `{"a":` + strings.Repeat("[", 200) + `0` + strings.Repeat(",0", 100<<10) + strings.Repeat("]", 200) + "}",
		"200 KiB, 200 objects deep":       strings.Repeat(`{"a":`, 200) + `"` + large + `"` + strings.Repeat("}", 200),
		"200 KiB, 200 lists deep":         `{"a":` + strings.Repeat("[", 200) + `"` + large + `"` + strings.Repeat("]", 200) + "}",
		"many small objects":              `{"a":[{}` + strings.Repeat(",{}", 80_000) + "]}",
		"200 KiB of one-character names":  `{"a":1` + strings.Repeat(`,"b":1`, 200<<10/6) + "}",
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			found := Explain(Received{
				Header: "t=1700000000,v1=" + strings.Repeat("0", 64), Body: []byte(start + object + end),
				EndpointSecrets: []stripeapps.LabeledSecret{{Secret: "whsec_a"}}, Now: time.Unix(1700000000, 0),
			})
			runtime.ReadMemStats(&after)
			assert.Equal(t, Unknown, found[len(found)-1].Cause)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<20))
		})
	}
}
