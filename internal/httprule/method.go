package httprule

import (
	"net/http"
	"slices"
)

var usualMethods = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// Methods is what a route without a list of methods takes. Others (WebDAV's,
// say) must be named: an unknown method is never forwarded by default.
func Methods() []string { return usualMethods[:len(usualMethods):len(usualMethods)] }

// UsualMethod reports whether a route without a list of methods takes it.
func UsualMethod(method string) bool { return slices.Contains(usualMethods[:], method) }

// NeverForwarded: CONNECT asks for a tunnel to anywhere, TRACE repeats the
// request's header, credentials included.
func NeverForwarded(method string) bool {
	return method == http.MethodConnect || method == http.MethodTrace
}

// ValidMethod accepts a method that a route may list: capitals and hyphens, and
// none of NeverForwarded.
func ValidMethod(method string) bool {
	for i := range len(method) {
		if c := method[i]; (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return method != "" && !NeverForwarded(method)
}

// OverrideMethod reports whether a POST may ask to be this method by
// X-HTTP-Method-Override: one whose body and safety are those of a POST.
func OverrideMethod(method string) bool {
	return method == http.MethodPatch || method == http.MethodPut || method == http.MethodDelete
}
