package upstream

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// recorded is a connection that has received bytes and was then closed. Each Read
// returns most bytes at most; 0: no limit.
type recorded struct {
	net.Conn
	bytes.Reader
	most int
}

func (c *recorded) Read(p []byte) (int, error) {
	if c.most > 0 && len(p) > c.most {
		p = p[:c.most]
	}
	return c.Reader.Read(p)
}

func (c *recorded) SetReadDeadline(time.Time) error { return nil }

// parsed is the result of parsing a response.
type parsed struct {
	res  *http.Response
	body string
	err  error  // of reading the body
	rest string // the bytes after it
}

// parse reads the first response of raw that isn't interim, as a round trip does.
func parse(raw, method string, most int) (p parsed, err error) {
	conn := &recorded{most: most}
	conn.Reset([]byte(raw))
	req := &http.Request{Method: method}
	e := &exchange{transport: &http1Transport{}, call: &callState{}, req: req, canceler: &Canceler{}}
	e.pc = &persistConn{Conn: conn, canceler: e.canceler, buf: make([]byte, 16)}
	res, err := e.readResponse()
	if err != nil {
		return p, err
	}
	b := &bodyReader{pc: e.pc, framing: e.bodyReader.framing, remaining: max(res.ContentLength, 0), res: res}
	res.Body = io.NopCloser(readerFunc(b.read))
	p.res = res.forNetHTTP(req)
	body, err := io.ReadAll(p.res.Body)
	rest, _ := io.ReadAll(e.pc)
	return parsed{res: p.res, body: string(body), err: err, rest: string(rest)}, nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// parseByNetHTTP does the same with net/http.
func parseByNetHTTP(raw, method string) (p parsed, err error) {
	r := bufio.NewReader(strings.NewReader(raw))
	for {
		if p.res, err = http.ReadResponse(r, &http.Request{Method: method}); err != nil {
			return p, err
		}
		if p.res.StatusCode >= 200 || p.res.StatusCode == 101 {
			break
		}
	}
	body, err := io.ReadAll(p.res.Body)
	rest, _ := io.ReadAll(r)
	return parsed{res: p.res, body: string(body), err: err, rest: string(rest)}, nil
}

// What this parser accepts, net/http accepts and reads alike: status, header, length,
// body, trailers, and where the next response begins.
func FuzzResponsesAreParsedAsByNetHTTP(f *testing.F) {
	for _, raw := range []string{
		okResponse("hello"),
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\nmore",
		"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
		"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\nuntil the end",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x00",
		"HTTP/1.1 500\r\nConnection: close, X-Name\r\nX-Name: \t v \r\n\r\n",
	} {
		f.Add(raw, "GET", uint8(3))
		f.Add(raw, "HEAD", uint8(0))
	}
	f.Fuzz(func(t *testing.T, raw, method string, most uint8) {
		if len(raw) > 2<<10 {
			return // net/http bounds trailers by its buffer
		}
		ours, err := parse(raw, method, int(most))
		if err != nil {
			return
		}
		theirs, err := parseByNetHTTP(raw, method)
		if err != nil {
			t.Fatalf("net/http refuses it: %v\n%q", err, raw)
		}
		compare(t, raw, ours, theirs)
	})
}

func compare(t *testing.T, raw string, ours, theirs parsed) {
	t.Helper()
	a, b := ours.res, theirs.res
	if a.StatusCode != b.StatusCode || a.ProtoMajor != b.ProtoMajor || a.ProtoMinor != b.ProtoMinor || a.Status != b.Status || a.Proto != b.Proto {
		t.Errorf("%q and %q of %q", a.Proto+" "+a.Status, b.Proto+" "+b.Status, raw)
	}
	if a.ContentLength != b.ContentLength || !slices.Equal(a.TransferEncoding, b.TransferEncoding) || a.Close != b.Close {
		t.Errorf("framing is %d %q %v and %d %q %v of %q", a.ContentLength, a.TransferEncoding, a.Close, b.ContentLength, b.TransferEncoding, b.Close, raw)
	}
	if a, b := comparable(a.Header), comparable(b.Header); !maps.EqualFunc(a, b, slices.Equal) {
		t.Errorf("header is %q and %q of %q", a, b, raw)
	}
	if ours.err != nil {
		return // the caller gets an error, whatever net/http does
	}
	if theirs.err != nil || ours.body != theirs.body || ours.rest != theirs.rest {
		t.Errorf("body is %q and %q (%v), then %q and %q, of %q", ours.body, theirs.body, theirs.err, ours.rest, theirs.rest, raw)
	}
	if !maps.EqualFunc(a.Trailer, b.Trailer, slices.Equal) {
		t.Errorf("trailers are %q and %q of %q", a.Trailer, b.Trailer, raw)
	}
}

// comparable removes what net/http's client changes: it adds Cache-Control to a Pragma,
// and removes a Connection or a length that it has read.
func comparable(h http.Header) http.Header {
	h = h.Clone()
	if _, pragma := h["Pragma"]; pragma {
		delete(h, "Cache-Control")
	}
	delete(h, "Connection")
	delete(h, "Content-Length")
	return h
}
