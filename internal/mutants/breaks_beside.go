package main

// What stands beside the root has tests of its own, which are to catch its breaks.

var installBreaks = []brokenBy{
	{"anybody can make the state of an install", []edit{
		{"install/state.go", "!s.hasMade(text, sum) ||", "s.hasMade(text, sum) && false ||"}}},
	{"the state of an install is any browser's", []edit{
		{"install/state.go", "if !hasCookie(r, f.hash, s.session(r)) {", "if false {"}}},
	{"the state of an install is any session's", []edit{
		{"install/cookie.go", `if session != "" {`, "if false {"}}},
	{"the state of an install can be used twice", []edit{
		{"install/state.go", "case !first:", "case !first && false:"}}},
	{"the state of an install never ends", []edit{
		{"install/state.go", "if s.now().After(f.expires) {", "if false {"}}},
	{"an install link is taken for one of another app", []edit{
		{"install/link.go", "if err == nil && !l.acceptsSecret(", "if false && !l.acceptsSecret("}}},
	{"an account's sealed tokens are another's", []edit{
		{"install/seal.go", `return string(id.Mode) + "/" + id.Account`, "return string(id.Mode)"}}},
	{"a key goes to any host", []edit{
		{"install/transport.go", "slices.Contains(t.hosts, u.Host) && ", ""}}},
}

var eventBreaks = []brokenBy{
	{"an event never gets too old", []edit{
		{"events/endpoint.go", "if age > e.cfg.Tolerance {", "if false {"}}},
	{"an event that is being handled is taken for handled", []edit{
		{"events/process.go", "return Refused, ErrInProgress", "return Duplicate, nil"}}},
	{"an event whose handler failed is not sent again", []edit{
		{"events/process.go", "return Failed, failure{ErrHandlerFailed, err}", "return Succeeded, nil"}}},
}
