package probe

import "fmt"

// smuggledRequestCases hide a request in a body. A server that ends the body earlier, by the
// other of two fields, takes the rest for a request and responds twice.
func smuggledRequestCases() []Case {
	return []Case{
		{ID: "SMUG-CLTE-SMUGGLED-GET", Steps: []string{behindEmptyChunks("GET", "%d", "Transfer-Encoding: chunked")}, Pass: "400 close *+close"},
		{ID: "SMUG-CLTE-SMUGGLED-GET-CL-PLUS", Steps: []string{behindEmptyChunks("GET", "+%d", "Transfer-Encoding: chunked")}, Pass: "400 close *+close"},
		{ID: "SMUG-CLTE-SMUGGLED-GET-CL-NON-NUMERIC", Steps: []string{behindEmptyChunks("GET", "%dx", "Transfer-Encoding: chunked")}, Pass: "400 close *+close"},
		{ID: "SMUG-CLTE-SMUGGLED-GET-TE-OBS-FOLD", Steps: []string{behindEmptyChunks("GET", "%d", "Transfer-Encoding:\r\n chunked")}, Pass: "400 close *+close"},
		{ID: "SMUG-CLTE-SMUGGLED-HEAD", Steps: []string{behindEmptyChunks("HEAD", "%d", "Transfer-Encoding: chunked")}, Pass: "400 close *+close"},
		{ID: "SMUG-CLTE-SMUGGLED-GET-TE-TRAILING-SPACE", Steps: []string{behindEmptyChunks("GET", "%d", "Transfer-Encoding: chunked ")}, Pass: "400 close *+close"},
		{ID: "SMUG-CLTE-SMUGGLED-GET-TE-LEADING-COMMA", Steps: []string{behindEmptyChunks("GET", "%d", "Transfer-Encoding: , chunked")}, Pass: "400 close *+close"},
		{ID: "SMUG-CLTE-SMUGGLED-GET-TE-CASE-MISMATCH", Steps: []string{behindEmptyChunks("GET", "%d", "Transfer-Encoding: Chunked")}, Pass: "400 close *+close"},
		{ID: "SMUG-TE-DUPLICATE-HEADERS-SMUGGLED-GET", Steps: []string{behindEmptyChunks("GET", "%d", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity")}, Pass: "400 close *+close"},
		{ID: "SMUG-TECL-SMUGGLED-GET", Steps: []string{inChunk()}, Pass: "400 close *+close"},
		{ID: "SMUG-DUPLICATE-CL-SMUGGLED-GET", Steps: []string{twoLengths()}, Pass: "400 close *+close"},
	}
}

// desyncCases send a second request on the same connection. A server that has misread the
// end of the first body misreads it.
func desyncCases() []Case {
	return []Case{
		{ID: "SMUG-CLTE-CONN-CLOSE", Steps: []string{post("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), get("")}, Pass: "400 2xx+close close"},
		{ID: "SMUG-TECL-CONN-CLOSE", Steps: []string{post("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"), get("")}, Pass: "400 2xx+close close"},
		{ID: "SMUG-CLTE-DESYNC", Steps: []string{post("Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\nX"), get("")}, Pass: "400 close *+close"},
		{ID: "SMUG-GET-CL-PREFIX-DESYNC", Steps: []string{prefixAsBody(), "\r\n" + get("")}, Pass: "400 close clean *+close", Warn: "poisoned", Unscored: true},
		{ID: "SMUG-TECL-DESYNC", Steps: []string{post("Transfer-Encoding: chunked\r\nContent-Length: 30", "0\r\n\r\nX"), get("")}, Pass: "400 close *+close"},
		{ID: "SMUG-CL0-BODY-POISON", Steps: []string{post("Content-Length: 0", "X"), get("")}, Pass: "400 close clean *+close", Warn: "poisoned", Unscored: true},
		{ID: "SMUG-GET-CL-BODY-DESYNC", Steps: []string{request("GET", "Content-Length: 5", "hello"), get("")}, Pass: "400 close clean *+close", Warn: "poisoned", Unscored: true},
		{ID: "SMUG-OPTIONS-CL-BODY-DESYNC", Steps: []string{request("OPTIONS", "Content-Length: 5", "hello"), get("")}, Pass: "400 close clean *+close", Warn: "poisoned", Unscored: true},
		{ID: "SMUG-EXPECT-100-CL-DESYNC", Steps: []string{post("Content-Length: 5\r\nExpect: 100-continue", "hello"), get("")}, Pass: "417 400 close clean *+close", Warn: "poisoned", Unscored: true},
		{ID: "SMUG-OPTIONS-TE-OBS-FOLD", Steps: []string{request("OPTIONS", "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5", "hello"), get("")}, Pass: "400 2xx+close close"},
		{ID: "SMUG-CHUNK-INVALID-SIZE-DESYNC", Steps: []string{chunked("+0\r\n\r\nX"), get("")}, Pass: "400 close *+close"},
		{ID: "SMUG-PIPELINE-SAFE", Steps: []string{get(""), get("")}, Pass: "clean", Unscored: true},
	}
}

// behindEmptyChunks is a POST whose body is an empty chunked body and a request behind it.
// The format lengthFormat has the Content-Length, of both.
func behindEmptyChunks(method, lengthFormat, coding string) string {
	body := "0\r\n\r\n" + request(method, "", "")
	return post("Content-Length: "+fmt.Sprintf(lengthFormat, lengthOf(body))+"\r\n"+coding, body)
}

// inChunk is a chunked POST with a request as its only chunk. Its Content-Length covers
// only the line of the chunk's size.
func inChunk() string {
	hidden := get("Content-Length: 7")
	return post("Transfer-Encoding: chunked\r\nContent-Length: 4", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", lengthOf(hidden), hidden))
}

// twoLengths is a POST with two Content-Length fields: the first ends the body before a
// request, the second behind it.
func twoLengths() string {
	body := "PING" + get("")
	return post(fmt.Sprintf("Content-Length: 4\r\nContent-Length: %d", lengthOf(body)), body)
}

// prefixAsBody is a GET whose body is the start of another request.
func prefixAsBody() string {
	prefix := "GET / HTTP/1.1\r\nHost: HOST\r\n"
	return request("GET", fmt.Sprintf("Content-Length: %d", lengthOf(prefix)), prefix)
}
