package httprule

import "strings"

// Names that the gateway signs assertions for itself. They are no route's: a
// backend of a route would accept what was signed for another purpose.
const (
	PushAudience      = "push"         // "aud" of a forwarded message push
	LoginHookAudience = "login-hook"   // "aud" of a call of the login hook
	ProbeSubject      = "wxgate-probe" // "sub" of "wxgate probe"
)

// ReservedRouteName reports whether a name can't be a route's: it is the "aud"
// of assertions, and in any letter case one of the gateway's own.
func ReservedRouteName(name string) bool {
	switch strings.ToLower(name) {
	case PushAudience, LoginHookAudience, ProbeSubject:
		return true
	}
	return false
}
