package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds how many problems of a file are reported.
const maxProblems = 100

// problemList collects the problems and warnings of a file: one problem for each
// key and none below it, since it may be a consequence of the first.
type problemList struct {
	file     string
	problems []Problem
	warnings []Problem
	reported map[string]bool // keys
	text     []string        // the file's lines
	omitted  int             // problems beyond maxProblems
}

// errorAt adds a problem, unless there is one with key or one of its parents.
func (l *problemList) errorAt(line int, key, format string, args ...any) {
	if l.hasProblem(key) {
		return
	}
	if l.atLimit() {
		l.omitted++
		return
	}
	if l.reported == nil {
		l.reported = map[string]bool{}
	}
	l.reported[key] = true
	l.problems = append(l.problems, Problem{l.file, line, key, fmt.Sprintf(format, args...)})
}

func (l *problemList) atLimit() bool { return len(l.problems) >= maxProblems }

// hasProblem reports whether there is a problem with key or one of its parents.
func (l *problemList) hasProblem(key string) bool {
	for ; key != ""; key = parentKey(key) {
		if l.reported[key] {
			return true
		}
	}
	return false
}

// parentKey returns routes[0] for routes[0].auth, and routes for routes[0].
func parentKey(key string) string { return key[:max(0, strings.LastIndexAny(key, ".["))] }

func (l *problemList) warnAt(line int, key, format string, args ...any) {
	l.warnings = append(l.warnings, Problem{l.file, line, key, fmt.Sprintf(format, args...)})
}

// err returns the problems as an Error; nil if there is none.
func (l *problemList) err() error {
	if len(l.problems) == 0 {
		return nil
	}
	l.addLineHints()
	sortByLine(l.problems)
	if l.omitted > 0 {
		return Error(append(l.problems, Problem{File: l.file, What: fmt.Sprintf("and %d more", l.omitted)}))
	}
	return Error(l.problems)
}

// addLineHints adds a hint to the problems of lines with a full-width character,
// which may be the cause.
func (l *problemList) addLineHints() {
	for i, p := range l.problems {
		if p.Line < 1 || p.Line > len(l.text) {
			continue
		}
		if hint := fullWidthHint(l.text[p.Line-1]); hint != "" {
			l.problems[i].What += " (" + hint + ")"
		}
	}
}

func sortByLine(list []Problem) {
	slices.SortStableFunc(list, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
}
