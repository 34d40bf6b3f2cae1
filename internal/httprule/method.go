package httprule

import (
	"net/http"
	"slices"
)

var defaultMethods = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// DefaultMethods returns the methods that a route without a list of methods
// forwards. Others, such as WebDAV's, must be listed: an unknown method is never
// forwarded by default.
func DefaultMethods() []string { return defaultMethods[:len(defaultMethods):len(defaultMethods)] }

// IsDefaultMethod reports whether a method is one of DefaultMethods.
func IsDefaultMethod(method string) bool { return slices.Contains(defaultMethods[:], method) }

// NeverForwarded reports whether no route may forward a method: CONNECT opens a
// tunnel to any address, TRACE echoes the request's header with its credentials.
func NeverForwarded(method string) bool {
	return method == http.MethodConnect || method == http.MethodTrace
}

// ValidMethod accepts a method that a route may list: capital letters and
// hyphens, except those that are NeverForwarded.
func ValidMethod(method string) bool {
	for i := range len(method) {
		if c := method[i]; (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return method != "" && !NeverForwarded(method)
}

// ValidOverrideMethod reports whether X-HTTP-Method-Override may turn a POST
// into this method: like POST, it is unsafe and may have a body.
func ValidOverrideMethod(method string) bool {
	return method == http.MethodPatch || method == http.MethodPut || method == http.MethodDelete
}
