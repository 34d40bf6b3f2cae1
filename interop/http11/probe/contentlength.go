package probe

import "strings"

// bodyCases are bodies with a valid Content-Length, or without one.
func bodyCases() []Case {
	return []Case{
		{ID: "COMP-POST-CL-BODY", Steps: []string{post("Content-Length: 5", "hello")}, Pass: "echo"},
		{ID: "COMP-POST-CL-ZERO", Steps: []string{post("Content-Length: 0", "")}, Pass: "2xx close timeout"},
		{ID: "COMP-POST-NO-CL-NO-TE", Steps: []string{post("", "")}, Pass: "2xx close timeout"},
		{ID: "COMP-POST-CL-UNDERSEND", Steps: []string{post("Content-Length: 10", "hello")}, Pass: "400 close timeout"},
		{ID: "COMP-GET-WITH-CL-BODY", Steps: []string{request("GET", "Content-Length: 5", "hello")}, Pass: "400 close", Warn: "2xx", Unscored: true},
		{ID: "MAL-POST-CL-HUGE-NO-BODY", Steps: []string{post("Content-Length: 999999999", "")}, Pass: "400 close timeout"},
		{ID: "SMUG-EXPECT-100-CL", Steps: []string{post("Content-Length: 5\r\nExpect: 100-continue", "hello")}, Pass: "400 close", Warn: "2xx", Unscored: true},
		{ID: "SMUG-HEAD-CL-BODY", Steps: []string{request("HEAD", "Content-Length: 5", "hello")}, Pass: "400 close", Warn: "2xx", Unscored: true},
		{ID: "SMUG-OPTIONS-CL-BODY", Steps: []string{request("OPTIONS", "Content-Length: 5", "hello")}, Pass: "400 close", Warn: "2xx", Unscored: true},
	}
}

// contentLengthCases are malformed, repeated and ambiguous Content-Length fields.
func contentLengthCases() []Case {
	return []Case{
		{ID: "RFC9112-6.1-CL-NON-NUMERIC", Steps: []string{post("Content-Length: abc", "")}, Pass: "400 close timeout"},
		{ID: "RFC9112-6.1-CL-PLUS-SIGN", Steps: []string{post("Content-Length: +5", "hello")}, Pass: "400 close timeout"},
		{ID: "MAL-CL-OVERFLOW", Steps: []string{post("Content-Length: 99999999999999999999", "")}, Pass: "400 close timeout"},
		{ID: "MAL-CL-EMPTY", Steps: []string{post("Content-Length: ", "")}, Pass: "400 close timeout"},
		{ID: "MAL-CL-TAB-BEFORE-VALUE", Steps: []string{post("Content-Length:\t5", "hello")}, Pass: "400 close", Warn: "2xx"},
		{ID: "NORM-UNDERSCORE-CL", Steps: []string{"POST /echo HTTP/1.1\r\nHost: HOST\r\nContent-Length: 11\r\nContent_Length: 99\r\n\r\nhello world"}, Pass: "400 close echo", Warn: "2xx"},
		{ID: "NORM-SP-BEFORE-COLON-CL", Steps: []string{"POST /echo HTTP/1.1\r\nHost: HOST\r\nContent-Length: 11\r\nContent-Length : 5\r\n\r\nhello world"}, Pass: "400 close echo", Warn: "2xx"},
		{ID: "NORM-TAB-IN-NAME", Steps: []string{"POST /echo HTTP/1.1\r\nHost: HOST\r\nContent-Length: 11\r\nContent\tLength: 99\r\n\r\nhello world"}, Pass: "400 close echo", Warn: "2xx"},
		{ID: "SMUG-DUPLICATE-CL", Steps: []string{post("Content-Length: 5\r\nContent-Length: 10", "helloworld")}, Pass: "400 close timeout"},
		{ID: "SMUG-CL-LEADING-ZEROS", Steps: []string{post("Content-Length: 005", "hello")}, Pass: "400 close", Warn: "2xx"},
		{ID: "SMUG-CL-NEGATIVE", Steps: []string{post("Content-Length: -1", "")}, Pass: "400 close timeout"},
		{ID: "SMUG-CL-TRAILING-SPACE", Steps: []string{post("Content-Length: 5 ", "hello")}, Pass: "400 close", Warn: "2xx"},
		{ID: "SMUG-CL-EXTRA-LEADING-SP", Steps: []string{post("Content-Length:  5", "hello")}, Pass: "400 close", Warn: "2xx"},
		{ID: "SMUG-CL-COMMA-DIFFERENT", Steps: []string{post("Content-Length: 5, 10", "hello")}, Pass: "400 close timeout"},
		{ID: "SMUG-CL-OCTAL", Steps: []string{post("Content-Length: 0o5", "hello")}, Pass: "400 close timeout"},
		{ID: "SMUG-CL-HEX-PREFIX", Steps: []string{post("Content-Length: 0x5", "hello")}, Pass: "400 close timeout"},
		{ID: "SMUG-CL-INTERNAL-SPACE", Steps: []string{post("Content-Length: 1 0", "hello12345")}, Pass: "400 close timeout"},
		{ID: "SMUG-CL-COMMA-SAME", Steps: []string{post("Content-Length: 5, 5", "hello")}, Pass: "400 close", Warn: "2xx", Unscored: true},
		{ID: "SMUG-CL-COMMA-TRIPLE", Steps: []string{post("Content-Length: 5, 5, 5", "hello")}, Pass: "400 close", Warn: "2xx", Unscored: true},
		{ID: "SMUG-CL-UNDERSCORE", Steps: []string{post("Content-Length: 1_0", "helloworld")}, Pass: "400 close timeout"},
		{ID: "SMUG-CL-NEGATIVE-ZERO", Steps: []string{post("Content-Length: -0", "")}, Pass: "400 close timeout"},
		{ID: "SMUG-CL-DOUBLE-ZERO", Steps: []string{post("Content-Length: 00", "")}, Pass: "400 close", Warn: "2xx"},
		{ID: "SMUG-CL-LEADING-ZEROS-OCTAL", Steps: []string{post("Content-Length: 0200", strings.Repeat("A", 200))}, Pass: "400 close", Warn: "2xx"},
	}
}
