package probe

import "strings"

// fieldCases are header fields: line endings, names, values, sizes.
func fieldCases() []Case {
	return []Case{
		{ID: "RFC9112-2.2-BARE-LF-HEADER", Steps: []string{"GET / HTTP/1.1\r\nHost: HOST\nX-Test: value\r\n\r\n"}, Pass: "400 close", Warn: "2xx"},
		{ID: "RFC9112-5.1-OBS-FOLD", Steps: []string{get("X-Test: value\r\n continued")}, Pass: "400"},
		{ID: "RFC9110-5.6.2-SP-BEFORE-COLON", Steps: []string{get("X-Test : value")}, Pass: "400"},
		{ID: "RFC9112-5-EMPTY-HEADER-NAME", Steps: []string{get(": empty-name")}, Pass: "400 close timeout"},
		{ID: "RFC9112-5-INVALID-HEADER-NAME", Steps: []string{get("Bad[Name: value")}, Pass: "400 close timeout"},
		{ID: "RFC9112-5-HEADER-NO-COLON", Steps: []string{get("NoColonHere")}, Pass: "400 close timeout"},
		{ID: "COMP-WHITESPACE-BEFORE-HEADERS", Steps: []string{"GET / HTTP/1.1\r\n \r\nHost: HOST\r\n\r\n"}, Pass: "400 close timeout"},
		{ID: "COMP-DUPLICATE-CT", Steps: []string{post("Content-Length: 5\r\nContent-Type: text/plain\r\nContent-Type: text/html", "hello")}, Pass: "400 close", Warn: "2xx"},
		{ID: "MAL-LONG-HEADER-VALUE", Steps: []string{get("X-Big: " + strings.Repeat("B", 100_000))}, Pass: "400 431 close"},
		{ID: "MAL-MANY-HEADERS", Steps: []string{get(strings.Repeat("X-H: value\r\n", 9_999) + "X-H: value")}, Pass: "400 431 close"},
		{ID: "MAL-CONTROL-CHARS-HEADER", Steps: []string{get("X-Test: abc\x07\x08\x0bdef")}, Pass: "400 close timeout"},
		{ID: "MAL-LONG-HEADER-NAME", Steps: []string{get(strings.Repeat("A", 100_000) + ": val")}, Pass: "400 431 close"},
		{ID: "MAL-NON-ASCII-HEADER-NAME", Steps: []string{get("X-T\xc3\xabst: value")}, Pass: "400 close timeout"},
		{ID: "MAL-NUL-IN-HEADER-VALUE", Steps: []string{get("X-Test: val\x00ue")}, Pass: "400 close timeout"},
		{ID: "SMUG-BARE-CR-HEADER-VALUE", Steps: []string{post("Content-Length: 5\r\nX-Test: val\rue", "hello")}, Pass: "400 close timeout"},
	}
}

// hostCases are missing, repeated and malformed Host fields.
func hostCases() []Case {
	return []Case{
		{ID: "RFC9112-7.1-MISSING-HOST", Steps: []string{"GET / HTTP/1.1\r\n\r\n"}, Pass: "400"},
		{ID: "RFC9110-5.4-DUPLICATE-HOST", Steps: []string{get("Host: other.example.com")}, Pass: "400"},
		{ID: "COMP-DUPLICATE-HOST-SAME", Steps: []string{get("Host: HOST")}, Pass: "400"},
		{ID: "COMP-HOST-WITH-USERINFO", Steps: []string{"GET / HTTP/1.1\r\nHost: user@HOST\r\n\r\n"}, Pass: "400 close timeout"},
		{ID: "COMP-HOST-WITH-PATH", Steps: []string{"GET / HTTP/1.1\r\nHost: HOST/path\r\n\r\n"}, Pass: "400 close timeout"},
		{ID: "COMP-HOST-EMPTY-VALUE", Steps: []string{"GET / HTTP/1.1\r\nHost: \r\n\r\n"}, Pass: "400 close timeout"},
		{ID: "SMUG-ABSOLUTE-URI-HOST-MISMATCH", Steps: []string{requestLine("GET http://other.example.com/ HTTP/1.1")}, Pass: "400 close", Warn: "2xx", Unscored: true},
		{ID: "SMUG-MULTIPLE-HOST-COMMA", Steps: []string{"GET / HTTP/1.1\r\nHost: HOST, other.example.com\r\n\r\n"}, Pass: "400 close timeout"},
	}
}

// upgradeCases are requests for a protocol upgrade that a server must not grant.
func upgradeCases() []Case {
	return []Case{
		{ID: "COMP-UPGRADE-POST", Steps: []string{post("Connection: Upgrade\r\n"+webSocketFields, "")}, Pass: "!101 close"},
		{ID: "COMP-UPGRADE-MISSING-CONN", Steps: []string{get(webSocketFields)}, Pass: "!101 close"},
		{ID: "COMP-UPGRADE-UNKNOWN", Steps: []string{get("Connection: Upgrade\r\nUpgrade: totally-made-up/1.0")}, Pass: "!101 close"},
		{ID: "COMP-UPGRADE-INVALID-VER", Steps: []string{get("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 99")}, Pass: "426 close", Warn: "!101"},
		{ID: "COMP-UPGRADE-HTTP10", Steps: []string{"GET / HTTP/1.0\r\nHost: HOST\r\nConnection: Upgrade\r\n" + webSocketFields + "\r\n\r\n"}, Pass: "!101 close"},
	}
}
