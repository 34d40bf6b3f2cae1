package probe

import (
	"math/rand/v2"
	"strings"
)

// webSocketFields ask for an upgrade to WebSocket, together with Connection: Upgrade.
const webSocketFields = "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"

// request is a request for / with a Host field. Its further fields are separated by
// CRLF; the last has none.
func request(method, fields, body string) string {
	if fields != "" {
		fields += "\r\n"
	}
	return method + " / HTTP/1.1\r\nHost: HOST\r\n" + fields + "\r\n" + body
}

func get(fields string) string { return request("GET", fields, "") }

func post(fields, body string) string { return request("POST", fields, body) }

// chunked is a POST with only Transfer-Encoding: chunked and this body.
func chunked(body string) string { return post("Transfer-Encoding: chunked", body) }

// requestLine is a request with this request line and a Host field.
func requestLine(line string) string { return line + "\r\nHost: HOST\r\n\r\n" }

// binary is 256 pseudo-random bytes, the same in each run.
func binary() string {
	rng := rand.New(rand.NewPCG(42, 42))
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return string(b)
}

// lengthOf is the length of a text after HOST is replaced with an address like
// 127.0.0.1:12345.
func lengthOf(text string) int {
	return len(text) + strings.Count(text, "HOST")*(len("127.0.0.1:12345")-len("HOST"))
}
