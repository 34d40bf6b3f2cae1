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

func (f *problemList) errorAt(line int, key, format string, args ...any) {
	if f.hasProblem(key) {
		return
	}
	if f.atLimit() {
		f.omitted++
		return
	}
	if f.reported == nil {
		f.reported = map[string]bool{}
	}
	f.reported[key] = true
	f.problems = append(f.problems, Problem{f.file, line, key, fmt.Sprintf(format, args...)})
}

func (f *problemList) atLimit() bool { return len(f.problems) >= maxProblems }

// hasProblem reports whether there is a problem with key or one of its parents.
func (f *problemList) hasProblem(key string) bool {
	for ; key != ""; key = parentKey(key) {
		if f.reported[key] {
			return true
		}
	}
	return false
}

// parentKey returns routes[0] for routes[0].auth, and routes for routes[0].
func parentKey(key string) string { return key[:max(0, strings.LastIndexAny(key, ".["))] }

func (f *problemList) warnAt(line int, key, format string, args ...any) {
	f.warnings = append(f.warnings, Problem{f.file, line, key, fmt.Sprintf(format, args...)})
}

func (f *problemList) err() error {
	if len(f.problems) == 0 {
		return nil
	}
	f.addLineHints()
	sortByLine(f.problems)
	if f.omitted > 0 {
		return Error(append(f.problems, Problem{File: f.file, What: fmt.Sprintf("and %d more", f.omitted)}))
	}
	return Error(f.problems)
}

// addLineHints adds a hint to the problems of lines with a full-width character,
// which may be the cause.
func (f *problemList) addLineHints() {
	for i, p := range f.problems {
		if p.Line < 1 || p.Line > len(f.text) {
			continue
		}
		if hint := fullWidthHint(f.text[p.Line-1]); hint != "" {
			f.problems[i].What += " (" + hint + ")"
		}
	}
}

func sortByLine(list []Problem) {
	slices.SortStableFunc(list, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
}
