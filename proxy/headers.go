package proxy

import (
	"net/http"

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
	out := &outHeader{make(http.Header, len(in)+7), make([]string, 0, 10)}
	for name, values := range in {
		if rules.Request(name).PassesFromClient(trusted) {
			out.Header[name] = values
		}
	}
	for _, name := range httprule.ConnectionOptions(in["Connection"]) {
		delete(out.Header, name)
	}
	return out
}
