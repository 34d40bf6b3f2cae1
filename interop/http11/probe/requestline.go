package probe

import "strings"

// requestLineCases are request lines with unusual separators, line endings or methods.
func requestLineCases() []Case {
	return []Case{
		{ID: "RFC9112-2.2-BARE-LF-REQUEST-LINE", Steps: []string{"GET / HTTP/1.1\nHost: HOST\r\n\r\n"}, Pass: "400 close", Warn: "2xx"},
		{ID: "RFC9112-3-MULTI-SP-REQUEST-LINE", Steps: []string{requestLine("GET  / HTTP/1.1")}, Pass: "400 close", Warn: "2xx"},
		{ID: "RFC9112-3-CR-ONLY-LINE-ENDING", Steps: []string{"GET / HTTP/1.1\rHost: HOST\r\n\r\n"}, Pass: "400"},
		{ID: "RFC9112-3-MISSING-TARGET", Steps: []string{requestLine("GET HTTP/1.1")}, Pass: "400 close timeout"},
		{ID: "RFC9112-2.3-HTTP09-REQUEST", Steps: []string{"GET /\r\n"}, Pass: "400 close timeout"},
		{ID: "COMP-LEADING-CRLF", Steps: []string{"\r\n\r\nGET / HTTP/1.1\r\nHost: HOST\r\n\r\n"}, Pass: "400 close", Warn: "2xx"},
		{ID: "COMP-METHOD-CASE", Steps: []string{request("get", "", "")}, Pass: "400 405 501 close", Warn: "2xx"},
		{ID: "COMP-METHOD-CONNECT", Steps: []string{"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"}, Pass: "400 405 501 close"},
		{ID: "COMP-METHOD-TRACE", Steps: []string{request("TRACE", "", "")}, Pass: "405 501 close", Warn: "2xx", Unscored: true},
		{ID: "COMP-REQUEST-LINE-TAB", Steps: []string{requestLine("GET\t/ HTTP/1.1")}, Pass: "400 close", Warn: "2xx"},
		{ID: "COMP-TRACE-WITH-BODY", Steps: []string{request("TRACE", "Content-Length: 5", "hello")}, Pass: "400 405 501 close", Warn: "2xx", Unscored: true},
		{ID: "COMP-UNKNOWN-METHOD", Steps: []string{request("FOOBAR", "", "")}, Pass: "501 405 400 close", Warn: "2xx"},
		{ID: "COMP-TRACE-SENSITIVE", Steps: []string{request("TRACE", "Authorization: Bearer secret-token-123", "")}, Pass: "405 501 close", Unscored: true},
		{ID: "MAL-LONG-METHOD", Steps: []string{request(strings.Repeat("A", 100_000), "", "")}, Pass: "400 close timeout"},
	}
}

// targetCases are request targets: their form, their characters, their length.
func targetCases() []Case {
	return []Case{
		{ID: "RFC9112-3.2-FRAGMENT-IN-TARGET", Steps: []string{requestLine("GET /path#frag HTTP/1.1")}, Pass: "400 close", Warn: "2xx"},
		{ID: "COMP-ASTERISK-WITH-GET", Steps: []string{requestLine("GET * HTTP/1.1")}, Pass: "400 close timeout"},
		{ID: "COMP-OPTIONS-STAR", Steps: []string{requestLine("OPTIONS * HTTP/1.1")}, Pass: "2xx"},
		{ID: "COMP-ABSOLUTE-FORM", Steps: []string{requestLine("GET http://HOST/ HTTP/1.1")}, Pass: "2xx", Warn: "400 close", Unscored: true},
		{ID: "COMP-LONG-URL-OK", Steps: []string{requestLine("GET /" + strings.Repeat("a", 7900) + " HTTP/1.1")}, Pass: "!414", Warn: "close"},
		{ID: "COMP-SPACE-IN-TARGET", Steps: []string{requestLine("GET /pa th HTTP/1.1")}, Pass: "400 close timeout"},
		{ID: "MAL-LONG-URL", Steps: []string{requestLine("GET /" + strings.Repeat("A", 100_000) + " HTTP/1.1")}, Pass: "400 414 431 close"},
		{ID: "MAL-NUL-IN-URL", Steps: []string{requestLine("GET /\x00test HTTP/1.1")}, Pass: "400 close timeout"},
		{ID: "MAL-NON-ASCII-URL", Steps: []string{requestLine("GET /caf\xc3\xa9 HTTP/1.1")}, Pass: "400 close timeout"},
		{ID: "MAL-URL-BACKSLASH", Steps: []string{requestLine("GET /path\\file HTTP/1.1")}, Pass: "400 close", Warn: "2xx 4xx"},
		{ID: "MAL-URL-OVERLONG-UTF8", Steps: []string{requestLine("GET /\xc0\xaf HTTP/1.1")}, Pass: "400 close timeout"},
		{ID: "MAL-URL-PERCENT-NULL", Steps: []string{requestLine("GET /path%00.html HTTP/1.1")}, Pass: "400 close", Warn: "2xx 4xx"},
		{ID: "MAL-URL-PERCENT-CRLF", Steps: []string{requestLine("GET /path%0d%0aX-Injected:%20true HTTP/1.1")}, Pass: "400 close", Warn: "2xx 4xx"},
	}
}

// versionCases are HTTP versions.
func versionCases() []Case {
	return []Case{
		{ID: "RFC9112-2.3-INVALID-VERSION", Steps: []string{requestLine("GET / HTTP/9.9")}, Pass: "400 505 close"},
		{ID: "COMP-VERSION-MISSING-MINOR", Steps: []string{requestLine("GET / HTTP/1")}, Pass: "400 close timeout"},
		{ID: "COMP-VERSION-LEADING-ZEROS", Steps: []string{requestLine("GET / HTTP/01.01")}, Pass: "400 close timeout"},
		{ID: "COMP-VERSION-WHITESPACE", Steps: []string{requestLine("GET / HTTP/ 1.1")}, Pass: "400 close timeout"},
		{ID: "COMP-HTTP10-DEFAULT-CLOSE", Steps: []string{requestLine("GET / HTTP/1.0")}, Pass: "2xx+close"},
		{ID: "COMP-HTTP10-NO-HOST", Steps: []string{"GET / HTTP/1.0\r\n\r\n"}, Pass: "400 close", Warn: "2xx", Unscored: true},
		{ID: "COMP-HTTP12-VERSION", Steps: []string{requestLine("GET / HTTP/1.2")}, Pass: "close", Warn: "2xx 505", Unscored: true},
		{ID: "COMP-VERSION-CASE", Steps: []string{requestLine("GET / http/1.1")}, Pass: "400 close timeout"},
		{ID: "MAL-H2-PREFACE", Steps: []string{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}, Pass: "400 505 close timeout"},
	}
}
