package httprule

import (
	"strings"
	"unicode/utf8"
)

// Limits of what a login hook may answer. A configuration that asks for a role
// beyond them asks for one that nobody can have.
const (
	MaxRoles     = 64
	MaxRoleBytes = 64
	MaxUserID    = 128 // bytes
)

// ValidRole accepts a role that a login hook can give.
func ValidRole(role string) bool {
	return role != "" && len(role) <= MaxRoleBytes && Printable(role)
}

// ValidUserID accepts a user id that a login hook can give; an empty one means
// that there is none.
func ValidUserID(id string) bool { return len(id) <= MaxUserID && Printable(id) }

// Printable reports whether s is UTF-8 without control characters.
func Printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c >= 0x7f && c < 0xa0 })
}
