package upstream

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// SM-26, SM-27, DS-21
func TestMalformedResponsesAreErrorsAndDontAffectOtherRequests(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\n"
	for name, c := range map[string]struct {
		response string
		want     string // body; "": an error
	}{
		"two Content-Lengths":        {head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", ""},
		"bad Content-Length":         {head + "Content-Length: +1\r\n\r\na", ""},
		"list of Content-Lengths":    {head + "Content-Length: 1, 2\r\n\r\nab", ""},
		"negative Content-Length":    {head + "Content-Length: -1\r\n\r\na", ""},
		"unknown Transfer-Encoding":  {head + "Transfer-Encoding: xchunked\r\n\r\n1\r\na\r\n0\r\n\r\n", ""},
		"two Transfer-Encodings":     {head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", ""},
		"length and chunks":          {head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", ""},
		"bare CR":                    {head + "X: a\rY: b\r\nContent-Length: 0\r\n\r\n", ""},
		"NUL in a header":            {head + "X: a\x00b\r\nContent-Length: 0\r\n\r\n", ""},
		"space before the colon":     {head + "Content-Length : 1\r\n\r\na", ""},
		"two equal Content-Lengths":  {head + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", ""},
		"chunks in HTTP/1.0":         {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", ""},
		"lines that end in LF":       {"HTTP/1.1 200 OK\nContent-Length: 1\n\na", ""},
		"one line that ends in LF":   {head + "X: a\nContent-Length: 1\r\n\r\na", ""},
		"folded line":                {head + "X: a\r\n b\r\nContent-Length: 1\r\n\r\na", ""},
		"DEL in a header":            {head + "X: a\x7fb\r\nContent-Length: 1\r\n\r\na", ""},
		"a blank in a name":          {head + "X Y: a\r\nContent-Length: 1\r\n\r\na", ""},
		"CR in the status line":      {"HTTP/1.1 200 O\rK\r\nContent-Length: 1\r\n\r\na", ""},
		"HTTP/2.0":                   {"HTTP/2.0 200 OK\r\nContent-Length: 1\r\n\r\na", ""},
		"1xx with a length":          {"HTTP/1.1 103 Early Hints\r\nContent-Length: 1\r\n\r\na" + head + "Content-Length: 1\r\n\r\na", ""},
		"chunk that ends in LF":      {head + "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", ""},
		"chunk without an end":       {head + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", ""},
		"chunk size with a sign":     {head + "Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n", ""},
		"chunk size of 17 digits":    {head + "Transfer-Encoding: chunked\r\n\r\n00000000000000001\r\na\r\n0\r\n\r\n", ""},
		"trailer that is framing":    {head + "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n1\r\na\r\n0\r\n\r\n", ""},
		"malformed trailer":          {head + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX y: 1\r\n\r\n", ""},
		"no reason":                  {"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na", "a"},
		"chunk extensions":           {head + "Transfer-Encoding: chunked\r\n\r\n1;a=\"b\"\r\na\r\n0;c\r\n\r\n", "a"},
		"until the close":            {head + "\r\na", "a"},
		"header without a colon":     {head + "nonsense\r\n\r\n", ""},
		"continuation first":         {head + " X: a\r\n\r\n", ""},
		"status 099":                 {"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n", ""},
		"status of two digits":       {"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", ""},
		"HTTP/0.9":                   {"<html>hello</html>", ""},
		"other protocol":             {"SSH-2.0-OpenSSH_9.9\r\n", ""},
		"status 1000":                {"HTTP/1.1 1000 Odd\r\nContent-Length: 0\r\n\r\n", ""},
		"endless status line":        {"HTTP/1.1 200 " + strings.Repeat("x", 2<<20), ""},
		"10 MB of headers":           {head + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 10_000), ""},
		"100,000 continuation lines": {head + "X: a\r\n" + strings.Repeat(" b\r\n", 100_000), ""},
		"unrequested 101":            {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", ""},
		"bare 101":                   {"HTTP/1.1 101 Switching Protocols\r\n\r\n", ""},
		"broken chunk":               {head + "Transfer-Encoding: chunked\r\n\r\n1z\r\na\r\n0\r\n\r\n", ""},
		"body cut short":             {head + "Content-Length: 9\r\n\r\nabc", ""},
		"100 after the response":     {head + "Content-Length: 1\r\n\r\naHTTP/1.1 100 Continue\r\n\r\n", "a"},
		"garbage after the response": {head + "Content-Length: 1\r\n\r\na" + okResponse("EVIL"), "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := serveRaw(t, func(c2 net.Conn, r *bufio.Reader) {
				serveRequests(c2, r, func(req *http.Request) (string, bool) {
					if req.URL.Path == "/good" {
						return okResponse("good"), true
					}
					return c.response, strings.Contains(name, "after")
				})
			})
			g, _ := groupWithClock(t, Config{Targets: targets(t, u), Timeout: 5 * time.Second})
			for range 3 {
				if r := get(t, g, "/malformed"); c.want == "" && r.err == nil || c.want != "" && r.body != c.want {
					t.Errorf("got %d, %.40q, %v", r.status, r.body, r.err)
				}
				if r := get(t, g, "/good"); r.body != "good" || r.err != nil {
					t.Errorf("the next request got %d, %.40q, %v", r.status, r.body, r.err)
				}
			}
			if n := inFlight(g); n != 0 {
				t.Errorf("%d still in flight", n)
			}
		})
	}
}

func TestAMalformedResponseIsErrBadResponseAndNotRetried(t *testing.T) {
	t.Parallel()
	u := serveRaw(t, func(c net.Conn, r *bufio.Reader) { http.ReadRequest(r); io.WriteString(c, "nonsense\r\n\r\n") })
	other, b := serveCounting(t, "b")
	g, _ := groupWithClock(t, Config{Targets: targets(t, u, b), Retries: 1})
	if r := get(t, g, "/"); !errors.Is(r.err, ErrBadResponse) || other.requests.Load() != 0 {
		t.Errorf("error is %v, another target got %d requests", r.err, other.requests.Load())
	}
}
