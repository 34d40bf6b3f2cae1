package proxy

import (
	"net/http"
	"slices"
	"strings"

	"wxgate/internal/httprule"
)

// responseTrailerAllowed reports whether a backend may send the trailer to a client.
func responseTrailerAllowed(rules *httprule.Headers, name string) bool {
	return rules.Response(name).PassesFromBackend() && httprule.AllowedInTrailer(name)
}

// announceTrailers sets Trailer to the allowed names that the backend announced, and
// returns their number.
func announceTrailers(h, trailer http.Header, rules *httprule.Headers) int {
	names := make([]string, 0, len(trailer))
	for name := range trailer {
		if responseTrailerAllowed(rules, name) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		h["Trailer"] = []string{strings.Join(names, ", ")}
	}
	return len(names)
}

// sendTrailers sends the allowed trailers, announced or not.
func sendTrailers(rs *requestState, trailer http.Header, announced int) {
	if len(trailer) == 0 {
		return
	}
	rs.Flush() // forces chunked encoding: without it trailers can't be sent
	prefix := http.TrailerPrefix
	if announced == len(trailer) {
		prefix = ""
	}
	h := rs.Header()
	for name, values := range trailer {
		if responseTrailerAllowed(rs.config.headers, name) {
			delete(h, name) // the header's value: an announced trailer of that name would repeat it
			h[prefix+name] = values
		}
	}
}

// requestTrailerAllowed reports whether a client may send the trailer. A name that the route's
// rules set or remove in the header must not be sent as a trailer either.
func (rs *requestState) requestTrailerAllowed(name string) bool {
	_, set := rs.route.RequestSet[name]
	return rs.config.headers.Request(name).PassesFromClient(rs.trusted) && httprule.AllowedInTrailer(name) &&
		!set && !slices.Contains(rs.route.RequestRemove, name)
}

// fillTrailers sets the values of the announced trailers; others are dropped.
func fillTrailers(announced, received http.Header) {
	for name := range announced {
		announced[name] = received[name]
	}
}
