package main

import (
	"io"
	"os"
)

const maxInputBytes = 2 << 20

// readInput reads a file, or standard input for "-", of at most 2 MiB.
func (a *app) readInput(name string) ([]byte, error) {
	r := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, misconfigured("%v: give a file that exists and can be read", err)
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, maxInputBytes+1))
	switch {
	case err != nil:
		return nil, failed("cannot read %s: %v", inputName(name), err)
	case len(data) > maxInputBytes:
		return nil, misconfigured("%s is larger than 2 MiB: reproduce it with a smaller request", inputName(name))
	}
	return data, nil
}

func inputName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}
