package config

import (
	"slices"
	"strconv"
)

// validator checks everything about a decoded configuration that types and tags
// can't express.
type validator struct {
	*Config
	*problemList
	lines map[string]int // the line of each key that the file has
}

func (v *validator) check() {
	v.checkListeners()
	v.checkAuthPrefix()
	v.checkSecrets()
	v.checkApps()
	v.checkWeChat()
	v.checkLoginHook()
	v.checkRedis()
	v.checkSessions()
	v.checkIdentity()
	v.checkAdminTokens()
	v.checkWeb()
	v.checkTracing()
	v.checkRoutes()
	v.checkShutdown()
}

// errorf reports a problem with a key, on its line or, for a key that the file
// doesn't have, on the line of its nearest parent.
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

// firstWritten returns key if the file has it, else other: the key to report a
// conflict of the two at.
func (v *validator) firstWritten(key, other string) string {
	if _, ok := v.lines[key]; ok {
		return key
	}
	return other
}

// at returns the key of an entry of a list, such as routes[0].
func at(key string, i int) string { return key + "[" + strconv.Itoa(i) + "]" }

// nonEmpty refuses an empty list.
func nonEmpty[T any](v *validator, key string, list []T) {
	if len(list) == 0 {
		v.errorf(key, "needs at least one entry")
	}
}

// distinct refuses an entry of a list that equals an earlier one.
func distinct[T comparable](v *validator, key string, list []T) {
	for i, entry := range list {
		if first := slices.Index(list, entry); first < i {
			v.errorf(at(key, i), "is the same as %s", at(key, first))
		}
	}
}
