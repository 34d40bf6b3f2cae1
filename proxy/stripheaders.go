package proxy

import (
	"net/http"
	"slices"
	"strings"

	"wxgate/internal/fieldlist"
	"wxgate/internal/httprule"
)

// copyFromClient copies the headers that a client may send to a backend. It strips
// X-OpenID and every other header that the gateway sets, on every route and in every
// spelling that a backend could read as that name (see httprule.Headers): a client must
// not be able to set its own identity. It also strips the hop-by-hop headers.
//
// The gateway's headers are set after this, so that a client's Connection header can't
// remove them.
func (h *outboundHeader) copyFromClient(rules *httprule.Headers, in http.Header, trusted bool) {
	for name, values := range in {
		class := rules.Request(name)
		if !class.PassesFromClient(trusted) {
			continue
		}
		if len(values) > 1 && class != httprule.Ordinary {
			h.Add(name, joinLines(name, values))
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

// joinLines joins the lines of a header into one, so that every server reads the same
// value: of several lines PHP-FPM keeps the last, and Node keeps the first of some.
func joinLines(name string, lines []string) string {
	if name == "Cookie" {
		return strings.Join(lines, "; ") // RFC 6265, section 5.4
	}
	return strings.Join(lines, ", ")
}

// stripBackendHeaders removes the headers that a backend must not send to a client: the
// hop-by-hop headers (httprule lists them; Connection may name more), and those that only
// the gateway sets.
func stripBackendHeaders(h *fieldlist.List, rules *httprule.Headers) {
	var hopByHop []string
	for _, f := range *h {
		if f.Name == "Connection" {
			hopByHop = append(hopByHop, httprule.ConnectionOptions([]string{f.Value})...)
		}
	}
	*h = slices.DeleteFunc(*h, func(f fieldlist.Field) bool {
		return !rules.Response(f.Name).PassesFromBackend() || slices.Contains(hopByHop, f.Name)
	})
}
