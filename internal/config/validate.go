package config

import (
	"slices"
	"strconv"
)

// validator holds a configuration against everything that its types can't say.
type validator struct {
	*Config
	*problemList
	lines map[string]int
}

func (v *validator) check() {
	v.checkListeners()
	v.checkAuthPrefix()
	v.checkSecrets()
	v.checkApps()
	v.checkServices()
	v.checkRedis()
	v.checkSessions()
	v.checkIdentity()
	v.checkAdminTokens()
	v.checkWeb()
	v.checkTracing()
	v.checkRoutes()
	v.checkShutdown()
}

// errorf notes a problem with a key, on its line or, for a key that the file
// doesn't have, on the line of what should hold it.
func (v *validator) errorf(key, format string, args ...any) {
	v.errorAt(v.line(key), key, format, args...)
}

func (v *validator) warnf(key, format string, args ...any) {
	v.warnAt(v.line(key), key, format, args...)
}

func (v *validator) line(key string) int {
	for ; key != ""; key = parentKey(key) {
		if line, ok := v.lines[key]; ok {
			return line
		}
	}
	return 1
}

// firstWritten picks the first of two keys that the file has: a default is not
// what is wrong.
func (v *validator) firstWritten(key, other string) string {
	if _, ok := v.lines[key]; ok {
		return key
	}
	return other
}

// at names an entry of a list.
func at(key string, i int) string { return key + "[" + strconv.Itoa(i) + "]" }

// nonEmpty notes a required list that is there and empty.
func nonEmpty[T any](v *validator, key string, list []T) {
	if len(list) == 0 {
		v.errorf(key, "needs at least one entry")
	}
}

// distinct notes the second of two equal entries of a list.
func distinct[T comparable](v *validator, key string, list []T) {
	for i, entry := range list {
		if first := slices.Index(list, entry); first < i {
			v.errorf(at(key, i), "is the same as %s", at(key, first))
		}
	}
}
