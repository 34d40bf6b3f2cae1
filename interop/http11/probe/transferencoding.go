package probe

// transferEncodingCases are malformed, repeated and ambiguous Transfer-Encoding fields, most
// of them beside a Content-Length.
func transferEncodingCases() []Case {
	return []Case{
		{ID: "COMP-UNKNOWN-TE-501", Steps: []string{post("Transfer-Encoding: gzip", "")}, Pass: "400 501 close"},
		{ID: "NORM-CASE-TE", Steps: []string{"POST /echo HTTP/1.1\r\nHost: HOST\r\nContent-Length: 11\r\nTRANSFER-ENCODING: chunked\r\n\r\nhello world"}, Pass: "400 close echo", Warn: "2xx", Unscored: true},
		{ID: "NORM-UNDERSCORE-TE", Steps: []string{"POST /echo HTTP/1.1\r\nHost: HOST\r\nContent-Length: 11\r\nTransfer_Encoding: chunked\r\n\r\nhello world"}, Pass: "400 close echo", Warn: "2xx"},
		{ID: "SMUG-CL-TE-BOTH", Steps: []string{post("Content-Length: 23\r\nTransfer-Encoding: chunked", "D\r\nhello-bananas\r\n0\r\n\r\n")}, Pass: "400 close", Warn: "2xx"},
		{ID: "SMUG-TE-XCHUNKED", Steps: []string{post("Transfer-Encoding: xchunked\r\nContent-Length: 5", "hello")}, Pass: "400 501 close"},
		{ID: "SMUG-TE-TRAILING-SPACE", Steps: []string{post("Transfer-Encoding: chunked \r\nContent-Length: 5", "hello")}, Pass: "400 501 close 2xx+close"},
		{ID: "SMUG-TE-SP-BEFORE-COLON", Steps: []string{post("Transfer-Encoding : chunked\r\nContent-Length: 5", "hello")}, Pass: "400 close timeout"},
		{ID: "SMUG-CLTE-PIPELINE", Steps: []string{post("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n")}, Pass: "400 close *+close", Warn: "2xx"},
		{ID: "SMUG-TECL-PIPELINE", Steps: []string{post("Transfer-Encoding: chunked\r\nContent-Length: 30", "0\r\n\r\n")}, Pass: "400 close *+close", Warn: "2xx"},
		{ID: "SMUG-TE-DOUBLE-CHUNKED", Steps: []string{post("Transfer-Encoding: chunked, chunked\r\nContent-Length: 5", "hello")}, Pass: "400 close", Warn: "2xx"},
		{ID: "SMUG-TE-CASE-MISMATCH", Steps: []string{post("Transfer-Encoding: Chunked\r\nContent-Length: 5", "hello")}, Pass: "400 close", Warn: "2xx"},
		{ID: "SMUG-TE-NOT-FINAL-CHUNKED", Steps: []string{post("Transfer-Encoding: chunked, gzip", "0\r\n\r\n")}, Pass: "400 close timeout"},
		{ID: "SMUG-TE-HTTP10", Steps: []string{"POST / HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello"}, Pass: "400 close timeout"},
		{ID: "SMUG-TE-EMPTY-VALUE", Steps: []string{post("Transfer-Encoding: \r\nContent-Length: 5", "hello")}, Pass: "400 close timeout"},
		{ID: "SMUG-TE-LEADING-COMMA", Steps: []string{post("Transfer-Encoding: , chunked\r\nContent-Length: 5", "hello")}, Pass: "400 close", Warn: "2xx"},
		{ID: "SMUG-TE-DUPLICATE-HEADERS", Steps: []string{post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: 5", "hello")}, Pass: "400 close timeout"},
		{ID: "SMUG-TE-VTAB", Steps: []string{post("Transfer-Encoding: \x0bchunked\r\nContent-Length: 5", "hello")}, Pass: "400 close timeout"},
		{ID: "SMUG-TE-FORMFEED", Steps: []string{post("Transfer-Encoding: \x0cchunked\r\nContent-Length: 5", "hello")}, Pass: "400 close timeout"},
		{ID: "SMUG-TE-NULL", Steps: []string{post("Transfer-Encoding: chunked\x00\r\nContent-Length: 5", "hello")}, Pass: "400 close timeout"},
		{ID: "SMUG-TE-IDENTITY", Steps: []string{post("Transfer-Encoding: identity\r\nContent-Length: 5", "hello")}, Pass: "400 501 close"},
		{ID: "SMUG-TRANSFER_ENCODING", Steps: []string{post("Transfer_Encoding: chunked\r\nContent-Length: 5", "hello")}, Pass: "400 close", Warn: "2xx", Unscored: true},
		{ID: "SMUG-CHUNKED-WITH-PARAMS", Steps: []string{post("Transfer-Encoding: chunked;ext=val\r\nContent-Length: 5", "hello")}, Pass: "400 close", Warn: "2xx", Unscored: true},
		{ID: "SMUG-TE-OBS-FOLD", Steps: []string{post("Transfer-Encoding:\r\n chunked\r\nContent-Length: 5", "hello")}, Pass: "400 close 2xx+close"},
		{ID: "SMUG-TE-TRAILING-COMMA", Steps: []string{post("Transfer-Encoding: chunked,\r\nContent-Length: 5", "hello")}, Pass: "400 close", Warn: "2xx"},
		{ID: "SMUG-TE-TAB-BEFORE-VALUE", Steps: []string{post("Transfer-Encoding:\tchunked\r\nContent-Length: 5", "hello")}, Pass: "400 close", Warn: "2xx", Unscored: true},
	}
}
