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
// every text that is built is a part of.
func TestExplainIsBounded(t *testing.T) {
	manySecrets := func() (secrets, others []stripeapps.LabeledSecret) {
		for i := range signed.MaxSecrets {
			secrets = append(secrets, stripeapps.LabeledSecret{Secret: fmt.Sprintf("absec_%d", i)})
			others = append(others, stripeapps.LabeledSecret{Secret: fmt.Sprintf("absec_other%d", i)})
		}
		return secrets, others
	}
	members := func(n int, name func(int) string) string {
		var b strings.Builder
		b.WriteString(`{`)
		for i := range n {
			fmt.Fprintf(&b, `%q:0,`, name(i))
		}
		return b.String() + `"user_id":"usr_1","account_id":"acct_1"}`
	}
	for _, test := range []struct {
		name     string
		body     string
		few      bool // one secret instead of 32
		upToEnd  bool // the budget is what ends it
		allocate uint64
	}{
		{"1 MiB", members(1, func(int) string { return strings.Repeat("x", 1<<20-60) }), false, true, 64 << 20},
		{"1 MiB and one secret", members(1, func(int) string { return strings.Repeat("x", 1<<20-60) }), true, false, 256 << 20},
		{"over 1 MiB", strings.Repeat("[", 2<<20), false, true, 1 << 20},
		{"40 MiB", strings.Repeat(" ", 40<<20), true, true, 1 << 20},
		{"10,000 members", members(10_000, func(i int) string { return fmt.Sprintf("m%d", i) }), false, true, 256 << 20},
		{"10,000 members and one secret", members(10_000, func(i int) string { return fmt.Sprintf("m%d", i) }), true, true, 1 << 30},
		{"most of 1 MiB, in members", members(90_000, func(i int) string { return fmt.Sprintf("m%d", i) }), true, true, 1 << 30},
		{"10 members", members(10, func(i int) string { return fmt.Sprintf("m%d", i) }), false, false, 256 << 20},
		{"11 members of 90 KiB", members(11, func(i int) string { return fmt.Sprint(i) + strings.Repeat("x", 90<<10) }), true, true, 512 << 20},
		{"equal names", members(100_000, func(int) string { return "a" }), true, false, 256 << 20},
		{"array indexes in reverse", members(50_000, func(i int) string { return fmt.Sprint(100_000 - i) }), true, true, 1 << 30},
		{"256 levels", `{"a":` + strings.Repeat("[", 255) + strings.Repeat("]", 255) + `,"user_id":"usr_1","account_id":"acct_1"}`, false, false, 64 << 20},
		{"half a million levels", strings.Repeat("[", 1<<19) + strings.Repeat("]", 1<<19), true, false, 64 << 20},
		{"white space", strings.Repeat(" ", 1<<20), true, false, 64 << 20},
		{"quotes", `"` + strings.Repeat(`\"`, 1<<18) + `"`, true, false, 64 << 20},
		{"base64", strings.Repeat("e30K", 1<<18), true, false, 64 << 20},
		{"escapes", `{"a":"` + strings.Repeat(`\u003c\ud800`, 80_000) + `"}`, true, false, 128 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := Received{Header: stripejs.Header(nil, time.Unix(1700000000, 0), "absec_unknown"), Body: []byte(test.body), Now: time.Unix(1700000000, 0), Tolerance: stripeapps.DefaultTolerance}
			r.Secrets, r.OtherSecrets = manySecrets()
			if test.few {
				r.Secrets, r.OtherSecrets = r.Secrets[:1], nil
			}
			e := &explainer{received: r, budget: maxExplainedBytes}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			e.addSecrets()
			e.addOtherSecrets()
			found := e.explain()
			runtime.ReadMemStats(&after)

			assert.NotEmpty(t, found)
			assert.False(t, slices.ContainsFunc(found, func(x Explanation) bool { return x.Cause == NothingWrong }))
			assert.GreaterOrEqual(t, e.budget, 0)
			assert.Equal(t, test.upToEnd, e.exhausted, "%d bytes are left", e.budget)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, test.allocate)
			if test.upToEnd {
				assert.Contains(t, found[len(found)-1].Text, "smaller")
			}
		})
	}
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
			e := &explainer{budget: test.budget, keys: []explainedKey{{Key: signed.NewKey("absec_a")}, {Key: signed.NewKey("absec_b")}}}
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
