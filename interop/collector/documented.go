package main

import (
	"fmt"
	"strings"
)

// documented are the kinds of spans that docs/operations.md names, each with what one of
// its spans must say.
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

// unlikeDocumented names the kinds that no span of the collector's text is of.
func unlikeDocumented(text string) (problems []string) {
	spans := spanStart.Split(text, -1)
	for _, kind := range documented {
		if !anyHas(spans, kind.name, kind.lines) {
			problems = append(problems, fmt.Sprintf("no span %q has %q", kind.name, kind.lines))
		}
	}
	if !strings.Contains(text, "service.name: Str(wxgate)") {
		problems = append(problems, "no service.name")
	}
	return problems
}

func anyHas(spans []string, name string, lines []string) bool {
	for _, span := range spans {
		if !strings.Contains(span, "Name           : "+name+"\n") {
			continue
		}
		all := true
		for _, line := range lines {
			all = all && strings.Contains(span, line)
		}
		if all {
			return true
		}
	}
	return false
}
