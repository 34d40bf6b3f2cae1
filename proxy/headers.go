package proxy

import (
	"net/http"
	"slices"
	"strings"

	"wxgate/internal/fieldlist"
	"wxgate/internal/httprule"
)

// outHeader is the header of a request to a backend.
type outHeader struct{ fieldlist.List }

// put sets a header under the very name, without making it canonical. An
// unnamed or empty one is left out.
func (h *outHeader) put(name, value string) {
	if name != "" && value != "" {
		h.Set(name, value)
	}
}

// addFromClient adds what a client may tell a backend. A header that may carry
// identity is only ever set by the gateway: everything else under its name is
// left behind, on every route.
//
// What the gateway sets is set afterwards, so that a client's Connection header
// can't make it vanish.
func (h *outHeader) addFromClient(rules *httprule.Headers, in http.Header, trusted bool) {
	for name, values := range in {
		class := rules.Request(name)
		if !class.PassesFromClient(trusted) {
			continue
		}
		if len(values) > 1 && class != httprule.Ordinary {
			h.Add(name, onOneLine(name, values))
			continue
		}
		for _, v := range values {
			h.Add(name, v)
		}
	}
	for _, name := range httprule.ConnectionOptions(in["Connection"]) {
		h.Delete(name)
	}
}

// onOneLine joins the lines of a header that servers must read alike: PHP-FPM
// keeps only the last of several, Node only the first of some.
func onOneLine(name string, lines []string) string {
	if name == "Cookie" {
		return strings.Join(lines, "; ") // RFC 6265, section 5.4
	}
	return strings.Join(lines, ", ")
}

// keepFromBackend takes out of a response's header what a backend may not tell a
// client.
func keepFromBackend(h *fieldlist.List, rules *httprule.Headers) {
	var listed []string
	for _, f := range *h {
		if f.Name == "Connection" {
			listed = append(listed, httprule.ConnectionOptions([]string{f.Value})...)
		}
	}
	*h = slices.DeleteFunc(*h, func(f fieldlist.Field) bool {
		return !rules.Response(f.Name).PassesFromBackend() || slices.Contains(listed, f.Name)
	})
}
