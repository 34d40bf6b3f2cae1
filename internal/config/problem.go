package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong in a config file. It never holds a secret.
type Problem struct {
	File string
	Line int    // from 1; 0: the file as a whole
	Key  string // such as routes[0].auth; empty: no key in particular
	What string
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

// Error is every problem of a config file, in the order of its lines.
// Its Error has one line a problem.
type Error []Problem

func (b Error) Error() string {
	lines := make([]string, len(b))
	for i, p := range b {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// maxProblems bounds how many problems of a file are listed.
const maxProblems = 100

// problemList collects problems and warnings while a file is read, at most one
// problem a key and none below it: what follows from a wrong value is not
// reported again.
type problemList struct {
	file     string
	problems []Problem
	warnings []Problem
	seen     map[string]bool
	text     []string // the file's lines
	more     int      // problems beyond maxProblems
}

func (f *problemList) errorAt(line int, key, format string, args ...any) {
	if f.hasProblem(key) {
		return
	}
	if f.atLimit() {
		f.more++
		return
	}
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	f.seen[key] = true
	f.problems = append(f.problems, Problem{f.file, line, key, fmt.Sprintf(format, args...)})
}

func (f *problemList) atLimit() bool { return len(f.problems) >= maxProblems }

// hasProblem reports whether a problem of key, or of what holds it, has been noted.
func (f *problemList) hasProblem(key string) bool {
	for ; key != ""; key = parentKey(key) {
		if f.seen[key] {
			return true
		}
	}
	return false
}

// parentKey gives routes[0] for routes[0].auth, routes for routes[0].
func parentKey(key string) string { return key[:max(0, strings.LastIndexAny(key, ".["))] }

func (f *problemList) warnAt(line int, key, format string, args ...any) {
	f.warnings = append(f.warnings, Problem{f.file, line, key, fmt.Sprintf(format, args...)})
}

func (f *problemList) err() error {
	if len(f.problems) == 0 {
		return nil
	}
	f.addLineHints()
	byLine(f.problems)
	if f.more > 0 {
		return Error(append(f.problems, Problem{File: f.file, What: fmt.Sprintf("and %d more", f.more)}))
	}
	return Error(f.problems)
}

// addLineHints says where a full-width character may be what is wrong.
func (f *problemList) addLineHints() {
	for i, p := range f.problems {
		if p.Line < 1 || p.Line > len(f.text) {
			continue
		}
		if what := fullWidth(f.text[p.Line-1]); what != "" {
			f.problems[i].What += " (" + what + ")"
		}
	}
}

func byLine(list []Problem) {
	slices.SortStableFunc(list, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
}

// Quote shows a value of the file in an error: on one line and short.
func Quote(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
