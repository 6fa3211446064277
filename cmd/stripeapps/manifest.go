package main

import (
	"context"
	"errors"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/seed-8a2ffb75/stripeapps/manifest"
)

func (a *app) manifestCommand() *cli.Command {
	return &cli.Command{
		Name:        "manifest",
		Usage:       "check a manifest, or ask it whether it allows a URL",
		Description: "Example: stripeapps manifest check stripe-app.json\n\n" + exitCodesText,
		Commands:    []*cli.Command{a.manifestCheckCommand(), a.manifestAllowsCommand()},
		Action:      groupAction,
	}
}

func (a *app) manifestCheckCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "list what Stripe would refuse in a manifest, what a review finds, or what does not mean what it seems to",
		Arguments: []cli.Argument{&cli.StringArgs{Name: "FILE", UsageText: "FILE…", Max: -1}},
		Description: "A warning does not change the exit code; an error makes it 1.\n\n" +
			"Example: stripeapps manifest check stripe-app.json stripe-app.dev.json\n\n" + exitCodesText,
		Action: a.manifestCheck,
	}
}

func (a *app) manifestCheck(_ context.Context, cmd *cli.Command) error {
	names := cmd.StringArgs("FILE")
	if len(names) == 0 {
		return misused(cmd, "which manifest? give its file, like stripe-app.json")
	}
	var result error
	for _, name := range names {
		findings, err := checkManifest(name)
		if err != nil {
			return err
		}
		if findings.Err() != nil {
			result = errNo
		}
		a.printFindings(cmd, name, findings)
	}
	return result
}

// checkManifest makes a finding of what makes a manifest unreadable, but for a
// file that is not there.
func checkManifest(name string) (manifest.Findings, error) {
	m, err := manifest.Load(name)
	if err == nil {
		return m.Check(), nil
	}
	if e := (*manifest.Error)(nil); errors.As(err, &e) && e.Line > 0 {
		return manifest.Findings{{
			Severity: manifest.SeverityError, File: e.File, Line: e.Line, Column: e.Column, Text: e.Text,
		}}, nil
	}
	return nil, misconfigured("%v: give a manifest that exists and can be read", err)
}

type manifestFinding struct {
	Severity manifest.Severity `json:"severity"`
	File     string            `json:"file,omitempty"`
	Line     int               `json:"line,omitempty"`
	Column   int               `json:"column,omitempty"`
	Path     string            `json:"path,omitempty"`
	Text     string            `json:"text"`
	Fix      string            `json:"fix,omitempty"`
	Source   string            `json:"source,omitempty"`
}

func findingsJSON(findings manifest.Findings) []manifestFinding {
	list := []manifestFinding{}
	for _, f := range findings {
		list = append(list, manifestFinding(f))
	}
	return list
}

func (a *app) printFindings(cmd *cli.Command, name string, findings manifest.Findings) {
	if cmd.Bool("json") {
		a.printJSON(struct {
			File     string            `json:"file"`
			OK       bool              `json:"ok"`
			Findings []manifestFinding `json:"findings"`
		}{name, findings.Err() == nil, findingsJSON(findings)})
		return
	}
	paint := a.paint(cmd)
	if len(findings) == 0 {
		a.println(oneLine(name) + ": " + paint(green, "nothing found"))
	}
	for _, f := range findings {
		a.println(findingLine(paint, f))
	}
}

func findingLine(paint paint, f manifest.Finding) string {
	color := yellow
	if f.Severity == manifest.SeverityError {
		color = red
	}
	severity := string(f.Severity) + ": "
	return strings.Replace(oneLine(f.String()), severity, paint(color, string(f.Severity))+": ", 1)
}

func (a *app) manifestAllowsCommand() *cli.Command {
	return &cli.Command{
		Name:  "allows",
		Usage: "say whether a manifest lets the extension call a URL",
		Arguments: []cli.Argument{
			&cli.StringArg{Name: "FILE", UsageText: "FILE"},
			&cli.StringArgs{Name: "URL", UsageText: "URL…", Max: -1},
		},
		Description: "Example: stripeapps manifest allows stripe-app.json https://api.example.com/refunds\n" +
			"         stripeapps manifest allows -redirect stripe-app.json https://example.com/installed\n\n" + exitCodesText,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "image", Usage: "ask whether it may show the image there (image-src)"},
			&cli.BoolFlag{Name: "redirect", Usage: "ask whether an install may return there (allowed_redirect_uris)"},
		},
		Action: a.manifestAllows,
	}
}

func (a *app) manifestAllows(_ context.Context, cmd *cli.Command) error {
	name, urls := cmd.StringArg("FILE"), cmd.StringArgs("URL")
	if len(urls) == 0 {
		return misused(cmd, "which manifest, and which URL? give FILE URL…")
	}
	if cmd.Bool("image") && cmd.Bool("redirect") {
		return misused(cmd, "-image and -redirect are both given: give one of them")
	}
	if isWebURL(name) {
		return misused(cmd, "the manifest comes first: manifest allows FILE URL…")
	}
	m, err := manifest.Load(name)
	if err != nil {
		return misconfigured("%v", err)
	}
	ask := m.AllowsConnect
	switch {
	case cmd.Bool("image"):
		ask = m.AllowsImage
	case cmd.Bool("redirect"):
		ask = m.AllowsRedirect
	}
	var result error
	for _, rawURL := range urls {
		v := ask(rawURL)
		if !v.Allowed {
			result = errNo
		}
		a.printAllows(cmd, rawURL, v)
	}
	return result
}

func isWebURL(text string) bool {
	return strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")
}

func (a *app) printAllows(cmd *cli.Command, rawURL string, v manifest.Verdict) {
	if cmd.Bool("json") {
		a.printJSON(struct {
			URL      string            `json:"url"`
			Allowed  bool              `json:"allowed"`
			Reason   string            `json:"reason"`
			Entry    string            `json:"entry,omitempty"`
			Warnings []manifestFinding `json:"warnings"`
		}{rawURL, v.Allowed, v.Reason, v.Entry, findingsJSON(v.Warnings)})
		return
	}
	paint := a.paint(cmd)
	word := paint(red, "not allowed")
	if v.Allowed {
		word = paint(green, "allowed")
	}
	a.println(oneLine(rawURL) + ": " + word + ": " + oneLine(v.Reason))
	for _, w := range v.Warnings {
		a.println("  " + findingLine(paint, w))
	}
}
