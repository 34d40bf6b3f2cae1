package proxy

import (
	"net/http"
	"strings"

	"wxgate/internal/httprule"
)

// fromClient copies what a client may tell a backend. A header that may carry
// identity is only ever set by the gateway: everything else under its name is
// left behind, on every route. Value slices are shared: nobody changes one in
// place. The map has room for the gateway's own.
//
// What the gateway sets is set afterwards, so that a client's Connection header
// can't make it vanish.
func fromClient(rules *httprule.Headers, in http.Header, trusted bool) *outHeader {
	out := &outHeader{Header: make(http.Header, len(in)+7)}
	out.values = out.room[:0]
	for name, values := range in {
		class := rules.Request(name)
		if !class.PassesFromClient(trusted) {
			continue
		}
		if len(values) > 1 && class != httprule.Ordinary {
			values = []string{onOneLine(name, values)}
		}
		out.Header[name] = values
	}
	for _, name := range httprule.ConnectionOptions(in["Connection"]) {
		delete(out.Header, name)
	}
	return out
}

// onOneLine joins the lines of a header that servers must read alike: PHP-FPM
// keeps only the last of several, Node only the first of some.
func onOneLine(name string, lines []string) string {
	if name == "Cookie" {
		return strings.Join(lines, "; ") // RFC 6265, section 5.4
	}
	return strings.Join(lines, ", ")
}
