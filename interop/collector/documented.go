package main

import (
	"fmt"
	"slices"
	"strings"
)

// documented are the kinds of spans in docs/operations.md, each with lines that one of its
// spans must have in the collector's output.
var documented = []struct {
	name  string
	lines []string
}{
	{"GET /api/", []string{
		"Kind           : Server", "http.request.method: Str(GET)", "http.route: Str(/api/)", "wxgate.route: Str(/api/)", "url.path: Str(/api/orders/42)", "url.scheme: Str(http)",
		"http.response.status_code: Int(200)", "server.address: Str(127.0.0.1)", "server.port: Int(", "client.address: Str(127.0.0.1)", "network.protocol.version: Str(1.1)", "wxgate.request_id: Str(",
		"Trace ID: 4bf92f3577b34da6a3ce929d0e0e4736", // the link's
	}},
	{"GET", []string{"Kind           : Client", "http.request.method: Str(GET)", "server.address: Str(127.0.0.1)", "server.port: Int(", "http.response.status_code: Int(200)"}},
	{"HTTP", []string{"Kind           : Server", "http.request.method: Str(_OTHER)", "error.type: Str(method_not_allowed)"}},
	{"GET /api/", []string{"http.response.status_code: Int(503)", "Status code    : Error"}},
	{"GET /api/", []string{"http.response.status_code: Int(401)", "error.type: Str(token_invalid)", "Status code    : Unset"}},
	{"GET /gone/", []string{"http.response.status_code: Int(502)", "error.type: Str(upstream_error)", "Status code    : Error"}},
	{"GET", []string{"Kind           : Client", "error.type: Str(_OTHER)", "Status code    : Error"}},
	{"GET", []string{"Kind           : Server", "http.response.status_code: Int(404)", "error.type: Str(no_route)"}},
	{"POST auth/login", []string{"Kind           : Server", "http.route: Str(auth/login)"}},
	{"WeChat /sns/jscode2session", []string{"Kind           : Client", "server.address: Str(127.0.0.1)", "server.port: Int(", "url.path: Str(/sns/jscode2session)"}},
	{"Redis load_session", []string{"Kind           : Client", "db.system.name: Str(redis)", "db.operation.name: Str(load_session)"}},
}

// checkDocumented returns a problem for each kind of which the collector's output has no
// span.
func checkDocumented(text string) (problems []string) {
	spans := spanStart.Split(text, -1)
	for _, kind := range documented {
		if !anySpanHas(spans, kind.name, kind.lines) {
			problems = append(problems, fmt.Sprintf("no span %q has %q", kind.name, kind.lines))
		}
	}
	if !strings.Contains(text, "service.name: Str(wxgate)") {
		problems = append(problems, "no service.name")
	}
	return problems
}

// anySpanHas reports whether a span has this name and all of these lines.
func anySpanHas(spans []string, name string, lines []string) bool {
	return slices.ContainsFunc(spans, func(span string) bool {
		return strings.Contains(span, "Name           : "+name+"\n") &&
			!slices.ContainsFunc(lines, func(line string) bool { return !strings.Contains(span, line) })
	})
}
