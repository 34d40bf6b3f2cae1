package httprule

import "strings"

// Audiences and subjects of the assertions that the gateway signs for purposes
// other than a route. No route may have such a name: its backend would accept an
// assertion that was signed for another purpose.
const (
	PushAudience      = "push"         // "aud" of a forwarded message push
	LoginHookAudience = "login-hook"   // "aud" of a login hook call
	ProbeSubject      = "wxgate-probe" // "sub" of "wxgate probe"
)

// ReservedRouteName reports whether a name is, in any letter case, reserved for
// the gateway's own assertions. A route's name is the "aud" of its assertions.
func ReservedRouteName(name string) bool {
	switch strings.ToLower(name) {
	case PushAudience, LoginHookAudience, ProbeSubject:
		return true
	}
	return false
}
