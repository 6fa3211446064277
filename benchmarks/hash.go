package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
)

// measureSlowHash returns how VerifyPayload relates to one SHA-256 at 1 KiB where the
// processor's instructions for SHA-256 are not used, so that hashing costs more: in a
// process of its own, since Go looks for them when a program starts.
func measureSlowHash(ctx context.Context, p pace) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	child := exec.CommandContext(ctx, self, "-hash", "-short="+strconv.FormatBool(p == inShort))
	child.Env = append(os.Environ(), "GODEBUG=cpu.sha=off")
	output, err := child.Output()
	if err != nil {
		return 0, fmt.Errorf("measuring without the processor's instructions: %w", err)
	}
	var of float64
	return of, json.Unmarshal(output, &of)
}

// printOfHash is what that process does.
func printOfHash(short bool, w io.Writer) error {
	var both []verifier
	for _, v := range verifiers() {
		if v.name == oursName || v.name == sha256Only {
			both = append(both, v)
		}
	}
	all, err := measureVerifiers(paceOf(short), both, 1<<10)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(all.of(oursName, sha256Only))
}
