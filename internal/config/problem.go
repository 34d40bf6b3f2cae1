package config

import (
	"fmt"
	"strings"
)

// Problem is one error or warning about a config file. It never contains a secret.
type Problem struct {
	File string
	Line int    // from 1; 0: the whole file
	Key  string // such as routes[0].auth; empty: no particular key
	What string // completes a sentence that begins with the key
}

func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.What)
	return b.String()
}

// Error is every problem of a config file, sorted by line. Its text has one line
// for each.
type Error []Problem

func (e Error) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}
