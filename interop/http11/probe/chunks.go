package probe

import "strings"

// chunkCases are chunk sizes and the line endings around chunks.
func chunkCases() []Case {
	return []Case{
		{ID: "COMP-CHUNKED-BODY", Steps: []string{chunked("5\r\nhello\r\n0\r\n\r\n")}, Pass: "echo"},
		{ID: "COMP-CHUNKED-MULTI", Steps: []string{chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")}, Pass: "echo"},
		{ID: "COMP-CHUNKED-EMPTY", Steps: []string{chunked("0\r\n\r\n")}, Pass: "2xx close timeout"},
		{ID: "COMP-CHUNKED-NO-FINAL", Steps: []string{chunked("5\r\nhello\r\n")}, Pass: "400 close timeout"},
		{ID: "COMP-CHUNKED-HEX-UPPERCASE", Steps: []string{chunked("A\r\nhelloworld\r\n0\r\n\r\n")}, Pass: "echo"},
		{ID: "MAL-CHUNK-SIZE-OVERFLOW", Steps: []string{chunked("FFFFFFFFFFFFFFFF0\r\nhello\r\n0\r\n\r\n")}, Pass: "400 close timeout"},
		{ID: "SMUG-CHUNK-UNDERSCORE", Steps: []string{chunked("1_0\r\nhello world!!!!!\r\n0\r\n\r\n")}, Pass: "400 close timeout"},
		{ID: "SMUG-CHUNK-HEX-PREFIX", Steps: []string{chunked("0x5\r\nhello\r\n0\r\n\r\n")}, Pass: "400 close timeout"},
		{ID: "SMUG-CHUNK-SIZE-PLUS", Steps: []string{chunked("+5\r\nhello\r\n0\r\n\r\n")}, Pass: "400 close timeout"},
		{ID: "SMUG-CHUNK-SIZE-TRAILING-OWS", Steps: []string{chunked("5 \r\nhello\r\n0\r\n\r\n")}, Pass: "400 close timeout"},
		{ID: "SMUG-CHUNK-LEADING-SP", Steps: []string{chunked(" 5\r\nhello\r\n0\r\n\r\n")}, Pass: "400 close timeout"},
		{ID: "SMUG-CHUNK-MISSING-TRAILING-CRLF", Steps: []string{chunked("5\r\nhello0\r\n\r\n")}, Pass: "400 close timeout"},
		{ID: "SMUG-CHUNK-SPILL", Steps: []string{chunked("5\r\nhello!!\r\n0\r\n\r\n")}, Pass: "400 close timeout"},
		{ID: "SMUG-CHUNK-LF-TERM", Steps: []string{chunked("5\r\nhello\n0\r\n\r\n")}, Pass: "400 close", Warn: "2xx"},
		{ID: "SMUG-CHUNK-NEGATIVE", Steps: []string{chunked("-1\r\nhello\r\n0\r\n\r\n")}, Pass: "400 close timeout"},
		{ID: "SMUG-CHUNK-BARE-CR-TERM", Steps: []string{chunked("5\rhello\r\n0\r\n\r\n")}, Pass: "400 close timeout"},
	}
}

// chunkExtensionCases are chunk extensions.
func chunkExtensionCases() []Case {
	return []Case{
		{ID: "COMP-CHUNKED-EXTENSION", Steps: []string{chunked("5;ext=value\r\nhello\r\n0\r\n\r\n")}, Pass: "2xx", Warn: "400 close"},
		{ID: "MAL-CHUNK-EXT-64K", Steps: []string{chunked("5;ext=" + strings.Repeat("a", 65_536) + "\r\nhello\r\n0\r\n\r\n")}, Pass: "400 close", Warn: "2xx"},
		{ID: "SMUG-CHUNK-BARE-SEMICOLON", Steps: []string{chunked("5;\r\nhello\r\n0\r\n\r\n")}, Pass: "400 close timeout"},
		{ID: "SMUG-CHUNK-EXT-INVALID-TOKEN", Steps: []string{chunked("5;bad[=x\r\nhello\r\n0\r\n\r\n")}, Pass: "400 close timeout"},
		{ID: "SMUG-CHUNK-EXT-LF", Steps: []string{chunked("5;\nhello\r\n0\r\n\r\n")}, Pass: "400 close", Warn: "2xx"},
		{ID: "SMUG-CHUNK-EXT-CTRL", Steps: []string{chunked("5;\x00ext\r\nhello\r\n0\r\n\r\n")}, Pass: "400 close timeout"},
		{ID: "SMUG-CHUNK-EXT-CR", Steps: []string{chunked("5;a\rX\r\nhello\r\n0\r\n\r\n")}, Pass: "400 close timeout"},
	}
}

// trailerCases are trailer sections.
func trailerCases() []Case {
	return []Case{
		{ID: "COMP-CHUNKED-TRAILER-VALID", Steps: []string{chunked("5\r\nhello\r\n0\r\nX-Checksum: abc\r\n\r\n")}, Pass: "echo"},
		{ID: "SMUG-CHUNK-LF-TRAILER", Steps: []string{chunked("5\r\nhello\r\n0\r\n\n")}, Pass: "400 close", Warn: "2xx"},
		{ID: "SMUG-TRAILER-CL", Steps: []string{chunked("5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n")}, Pass: "400 close", Warn: "2xx", Unscored: true},
		{ID: "SMUG-TRAILER-TE", Steps: []string{chunked("5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n")}, Pass: "400 close", Warn: "2xx", Unscored: true},
		{ID: "SMUG-TRAILER-HOST", Steps: []string{chunked("5\r\nhello\r\n0\r\nHost: evil.example.com\r\n\r\n")}, Pass: "400 close", Warn: "2xx", Unscored: true},
		{ID: "SMUG-TRAILER-AUTH", Steps: []string{chunked("5\r\nhello\r\n0\r\nAuthorization: Bearer evil\r\n\r\n")}, Pass: "400 close", Warn: "2xx", Unscored: true},
		{ID: "SMUG-TRAILER-CONTENT-TYPE", Steps: []string{chunked("5\r\nhello\r\n0\r\nContent-Type: text/evil\r\n\r\n")}, Pass: "400 close", Warn: "2xx", Unscored: true},
	}
}
