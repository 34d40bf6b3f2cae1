package proxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"

	"wxgate/fault"
)

// ExplainRefusals makes the answers that net/http gives by itself, to what it
// can't read as a request, look like every other error of the gateway. They
// are plain text otherwise, without the mark of the gateway's own errors.
//
// net/http writes such an answer in one piece straight to the connection and
// closes it, so that it is known by its first bytes. Connections with TLS are
// left alone: their wrapper must stay the listener's own for HTTP/2.
func ExplainRefusals(ln net.Listener) net.Listener { return refusalListener{ln} }

type refusalListener struct{ net.Listener }

func (l refusalListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	tcp, plain := c.(*net.TCPConn)
	if err != nil || !plain {
		return c, err
	}
	return &refusalConn{tcp}, nil
}

type refusalConn struct{ *net.TCPConn }

func (c *refusalConn) Write(p []byte) (int, error) {
	if answer := explained(p); answer != nil {
		if _, err := c.TCPConn.Write(answer); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	return c.TCPConn.Write(p)
}

// bareAnswer is the middle of every answer of net/http's own.
const bareAnswer = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// bareStatuses are the answers that net/http is known to give by itself.
var bareStatuses = map[string]struct {
	code    fault.Code
	message string
}{
	"400 Bad Request":                     {fault.BadRequest, "this is no HTTP request"},
	"431 Request Header Fields Too Large": {fault.HeaderTooLarge, "the request's header is too large"},
	"501 Not Implemented":                 {fault.BadRequest, "only chunked is understood as Transfer-Encoding"},
	"505 HTTP Version Not Supported":      {fault.BadRequest, "only HTTP/1 and HTTP/2 are understood"},
}

// explained gives the answer to send in place of p, or nil to send p. It looks
// at every small write, and must cost next to nothing where there is no match.
func explained(p []byte) []byte {
	const version = "HTTP/1.1 "
	if len(p) < len(version)+3 || len(p) > 512 || p[len(version)] < '4' || !bytes.Contains(p, []byte(bareAnswer)) {
		return nil
	}
	status, rest, _ := strings.Cut(string(p[len(version):]), "\r\n")
	if !strings.HasPrefix("\r\n"+rest, bareAnswer) {
		return nil
	}
	for known, what := range bareStatuses {
		if strings.HasPrefix(status, known) {
			return refusalAnswer(what.code, what.message)
		}
	}
	return nil
}

func refusalAnswer(code fault.Code, message string) []byte {
	id := RequestID(nil)
	body, err := json.Marshal(fault.Body{Error: code, Message: message, RequestID: id})
	if err != nil {
		return nil
	}
	status := code.Status()
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\n%s: %s\r\nX-Request-ID: %s\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n%s", status, http.StatusText(status), fault.Header, code, id, len(body), body)
}
