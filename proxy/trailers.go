package proxy

import (
	"net/http"
	"strings"

	"wxgate/internal/httprule"
)

func trailerPasses(rules *httprule.Headers, name string) bool {
	return rules.Response(name).PassesFromBackend() && httprule.AllowedInTrailer(name)
}

// announceTrailers declares the trailers that the backend declared, but none
// that only the gateway may send. It gives how many.
func announceTrailers(h, trailer http.Header, rules *httprule.Headers) int {
	names := make([]string, 0, len(trailer))
	for name := range trailer {
		if trailerPasses(rules, name) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		h["Trailer"] = []string{strings.Join(names, ", ")}
	}
	return len(names)
}

// sendTrailers passes on what came after the body, announced or not.
func sendTrailers(rc *requestContext, trailer http.Header, announced int) {
	if len(trailer) == 0 {
		return
	}
	rc.Flush() // forces chunking, without which there are no trailers
	prefix := http.TrailerPrefix
	if announced == len(trailer) {
		prefix = ""
	}
	h := rc.Header()
	for name, values := range trailer {
		if trailerPasses(rc.config.headers, name) {
			delete(h, name) // of the header; an announced name would be sent with its value again
			h[prefix+name] = values
		}
	}
}
