package main

import (
	_ "embed"
	"fmt"
	"math"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

//go:embed page.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page returns docs/speed.md.
func page(short bool, p pace, servers []server, m measured) (string, error) {
	var node map[string]string
	for _, s := range servers {
		if s.name == expressName {
			node = s.Versions
		}
	}
	kib := m.verifiers[slices.Index(verifierSizes, 1<<10)]
	var workloadNames []string
	for _, w := range m.workloads {
		workloadNames = append(workloadNames, w.name)
	}
	var text strings.Builder
	err := pageTemplate.Execute(&text, map[string]any{
		"Short": short, "Rounds": p.rounds, "HTTPRounds": p.httpRounds, "Connections": connections,
		"Cores": runtime.GOMAXPROCS(0), "Processor": processor(), "Go": strings.TrimPrefix(runtime.Version(), "go"),
		"Node": node, "StripeGo": newStripeGo, "LongHeader": m.longHeader,
		"Verifiers":  tableOf("payload", sizesOf(verifierSizes), m.verifiers, sha256Only),
		"OfStripeGo": ratio(kib.of(oursName, newStripeGo)),
		"Least":      ratio(m.http[0].of(leastName, bareName)),
		"Sends":      ratio(m.http[0].of(sendsName, bareName)),
		"OfSends":    ratio(m.http[0].of(looseName, sendsName)),
		"HMACOfSHA":  ratio(kib.of(hmacAlone, sha256Only)),
		"OursOfHMAC": ratio(kib.of(oursName, hmacAlone)),
		"Preflights": tableOf("preflight", []string{"POST, two headers"}, []results{m.preflights}, rsCORS),
		"Stacks":     tableOf("payload", sizesOf(stackSizes), m.stacks, bareName),
		"HTTP":       tableOf("request", workloadNames, m.http, bareName),
		"Aims":       aims(m, kib),
	})
	return text.String(), err
}

// aims says which of them are met.
func aims(m measured, kib results) string {
	row := func(aim string, got float64, met bool) []string {
		return []string{aim, ratio(got), map[bool]string{true: "yes", false: "no"}[met]}
	}
	strict, loose := m.http[0].of(oursName, bareName), m.http[0].of(looseName, bareName)
	hash := kib.of(oursName, sha256Only)
	preflight := m.preflights.of(oursName, rsCORS)
	return table([]string{"aim", "measured", "met"}, [][]string{
		row("over HTTP, 1 KiB, `DecodePayload`: at least 0.97 of bare Go's requests", strict, strict >= 0.97),
		row("the same with `json.Unmarshal`", loose, loose >= 0.97),
		row("`VerifyPayload`, 1 KiB: at most 1.30 of one SHA-256", hash, hash <= 1.30),
		row("the same without the processor's instructions for SHA-256", m.ofSlowHash, m.ofSlowHash <= 1.30),
		row("a preflight without a network: at most 1.00 of rs/cors alone", preflight, preflight <= 1),
	})
}

func sizesOf(sizes []int) (titles []string) {
	for _, size := range sizes {
		titles = append(titles, sizeOf(size))
	}
	return titles
}

// tableOf returns a table of figures relative to those of one contender.
func tableOf(title string, titles []string, rows []results, base string) string {
	var cells [][]string
	for i, all := range rows {
		cells = append(cells, all.row(titles[i], base))
	}
	return table(rows[0].names(title), cells)
}

// table returns a table in Markdown.
func table(head []string, rows [][]string) string {
	var text strings.Builder
	line := func(cells []string) { text.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(head)
	text.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, row := range rows {
		line(row)
	}
	return strings.TrimSuffix(text.String(), "\n")
}

func ratio(of float64) string {
	if of < 0.01 {
		return strconv.FormatFloat(of, 'g', 1, 64)
	}
	return strconv.FormatFloat(of, 'f', 2, 64)
}

// roundly returns a large number with one digit that counts, as "2,000,000".
func roundly(of float64) string {
	unit := math.Pow(10, math.Floor(math.Log10(of)))
	digits := strconv.FormatFloat(math.Round(of/unit)*unit, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// named returns a name with the version of its module.
func named(name, module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, dep := range info.Deps {
		if dep.Path == module {
			return name + " " + dep.Version
		}
	}
	panic("no such module: " + module)
}

var modelName = regexp.MustCompile(`(?m)^model name\s*:\s*(.+)$`)

// processor names the processor, and whether it has instructions for SHA-256.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	model := modelName.FindSubmatch(text)
	if err != nil || model == nil {
		return runtime.GOOS + "/" + runtime.GOARCH
	}
	if strings.Contains(string(text), " sha_ni") {
		return fmt.Sprintf("%s, which has instructions for SHA-256", model[1])
	}
	return string(model[1])
}
