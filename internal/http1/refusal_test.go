package http1_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"wxgate/internal/http1"
)

// refused are requests that two parsers could read differently, and the expected
// response. Each line tests a rule of RFC 9110 or RFC 9112.
var refused = map[string]struct {
	raw    string
	status int
}{
	"no version":                      {"GET /\r\n\r\n", 400},
	"HTTP/0.9":                        {"GET /\r\n", 400},
	"HTTP/1.2":                        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
	"HTTP/2.0":                        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
	"HTTP/9.9":                        {"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505},
	"lower-case version":              {"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
	"version with zeros":              {"GET / HTTP/01.1\r\nHost: a\r\n\r\n", 400},
	"version with two digits":         {"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
	"version without minor":           {"GET / HTTP/1\r\nHost: a\r\n\r\n", 400},
	"blank in the version":            {"GET / HTTP/ 1.1\r\nHost: a\r\n\r\n", 400},
	"blank after the version":         {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
	"two blanks":                      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"two blanks before version":       {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"tab for a blank":                 {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"tab before version":              {"GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"blank before method":             {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"no target":                       {"GET HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"no method":                       {" / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"method no token":                 {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"blank in target":                 {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"NUL in target":                   {"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"DEL in target":                   {"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"UTF-8 in target":                 {"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"broken escape":                   {"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"half an escape":                  {"GET /% HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"fragment":                        {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"relative target":                 {"GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"asterisk with GET":               {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"other scheme":                    {"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"scheme without slashes":          {"GET http:a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"absolute without host":           {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"user in target":                  {"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"host list in target":             {"GET http://a,b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"CONNECT with a URL":              {"CONNECT http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"CONNECT without port":            {"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"two empty lines before":          {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"bare LF before":                  {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"LF ends the request line":        {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
	"LF ends a field":                 {"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
	"LF ends the head":                {"GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
	"CR ends lines":                   {"GET / HTTP/1.1\rHost: a\r\r", 400},
	"bare CR in a value":              {"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
	"CR CR LF":                        {"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400},
	"folded line":                     {"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400},
	"folded with tab":                 {"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n", 400},
	"folded before any field":         {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
	"line of a blank":                 {"GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n", 400},
	"blank before the colon":          {"GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", 400},
	"tab before the colon":            {"GET / HTTP/1.1\r\nHost: a\r\nX\t: b\r\n\r\n", 400},
	"blank before the colon of Host":  {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
	"no colon":                        {"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400},
	"no name":                         {"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400},
	"bracket in a name":               {"GET / HTTP/1.1\r\nHost: a\r\nX[]: x\r\n\r\n", 400},
	"blank in a name":                 {"GET / HTTP/1.1\r\nHost: a\r\nX Y: x\r\n\r\n", 400},
	"NUL in a name":                   {"GET / HTTP/1.1\r\nHost: a\r\nX\x00: x\r\n\r\n", 400},
	"UTF-8 in a name":                 {"GET / HTTP/1.1\r\nHost: a\r\nX\xc3\xab: x\r\n\r\n", 400},
	"NUL in a value":                  {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400},
	"control in a value":              {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x07\x0bb\r\n\r\n", 400},
	"DEL in a value":                  {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fb\r\n\r\n", 400},
	"vertical tab before a value":     {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400},
	"no Host":                         {"GET / HTTP/1.1\r\n\r\n", 400},
	"empty Host":                      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
	"two Hosts":                       {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
	"twice the same Host":             {"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400},
	"two Hosts in HTTP/1.0":           {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
	"list of hosts":                   {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
	"user in Host":                    {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
	"path in Host":                    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
	"port 0":                          {"GET / HTTP/1.1\r\nHost: a:0\r\n\r\n", 400},
	"port too large":                  {"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400},
	"signed port":                     {"GET / HTTP/1.1\r\nHost: a:+80\r\n\r\n", 400},
	"two ports":                       {"GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", 400},
	"open bracket":                    {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
	"empty brackets":                  {"GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400},
	"zone":                            {"GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n", 400},
	"escape in Host":                  {"GET / HTTP/1.1\r\nHost: a%00\r\n\r\n", 400},
	"UTF-8 in Host":                   {"GET / HTTP/1.1\r\nHost: g\xe1\xba\x83.test\r\n\r\n", 400},
	"length and coding":               {post("0\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked"), 400},
	"coding and length":               {post("0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 5"), 400},
	"coding and length 0":             {post("0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 0"), 400},
	"two lengths":                     {post("hello", "Content-Length: 5", "Content-Length: 6"), 400},
	"twice the same length":           {post("hello", "Content-Length: 5", "content-length: 5"), 400},
	"list of lengths":                 {post("hello", "Content-Length: 5, 5"), 400},
	"signed length":                   {post("hello", "Content-Length: +5"), 400},
	"negative length":                 {post("", "Content-Length: -1"), 400},
	"negative zero":                   {post("", "Content-Length: -0"), 400},
	"hexadecimal length":              {post("hello", "Content-Length: 0x5"), 400},
	"octal length":                    {post("hello", "Content-Length: 005"), 400},
	"double zero":                     {post("", "Content-Length: 00"), 400},
	"underscore in length":            {post("hello", "Content-Length: 1_0"), 400},
	"blank in length":                 {post("hello", "Content-Length: 1 0"), 400},
	"empty length":                    {post("", "Content-Length:"), 400},
	"length of letters":               {post("", "Content-Length: abc"), 400},
	"fraction":                        {post("hello", "Content-Length: 5.0"), 400},
	"length too large":                {post("", "Content-Length: 99999999999999999999"), 400},
	"Arabic digit":                    {post("hello", "Content-Length: \xd9\xa5"), 400},
	"two codings":                     {post("0\r\n\r\n", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400},
	"other coding":                    {post("hello", "Transfer-Encoding: gzip"), 501},
	"identity":                        {post("hello", "Transfer-Encoding: identity"), 501},
	"xchunked":                        {post("hello", "Transfer-Encoding: xchunked"), 501},
	"gzip, chunked":                   {post("0\r\n\r\n", "Transfer-Encoding: gzip, chunked"), 501},
	"chunked, identity":               {post("hello", "Transfer-Encoding: chunked, identity"), 400},
	"chunked twice":                   {post("0\r\n\r\n", "Transfer-Encoding: chunked, chunked"), 400},
	"comma before chunked":            {post("0\r\n\r\n", "Transfer-Encoding: ,chunked"), 400},
	"comma after chunked":             {post("0\r\n\r\n", "Transfer-Encoding: chunked,"), 400},
	"empty coding":                    {post("", "Transfer-Encoding:"), 400},
	"chunked with a parameter":        {post("0\r\n\r\n", "Transfer-Encoding: chunked;q=1"), 400},
	"quoted chunked":                  {post("0\r\n\r\n", `Transfer-Encoding: "chunked"`), 400},
	"coding in HTTP/1.0":              {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	"folded coding":                   {post("0\r\n\r\n", "Transfer-Encoding:\r\n chunked"), 400},
	"unknown expectation":             {get("/", "Expect: 200-ok"), 417},
	"unknown expectation in HTTP/1.0": {"GET / HTTP/1.0\r\nExpect: 0\r\n\r\n", 417},
	"expectation and more":            {post("hello", "Expect: 100-continue, x", "Content-Length: 5"), 417},
	"expectation twice":               {post("hello", "Expect: 100-continue", "Expect: 100-continue", "Content-Length: 5"), 417},
	"expectation after a word":        {post("hello", "Expect: y 100-continue", "Content-Length: 5"), 417},
	"Content-Length as trailer":       {post("0\r\n\r\n", "Transfer-Encoding: chunked", "Trailer: Content-Length"), 400},
	"preface cut off":                 {"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 505},
	"too large a header":              {get("/", "X: "+strings.Repeat("a", 65<<10)), 431},
	"too long a target":               {get("/" + strings.Repeat("a", 65<<10)), 431},
	"too long a method":               {strings.Repeat("G", 100<<10) + " / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"too long a name":                 {get("/", strings.Repeat("N", 100<<10)+": a"), 431},
	"too many fields":                 {get("/", strings.Repeat("X: y\r\n", 255)+"X: y"), 431},
	"TLS for HTTP":                    {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
	"binary":                          {strings.Repeat("\xff\x00\x81\n", 64), 400},
	"method of a letter and a CR":     {"G\rET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	"pipelined after a good request":  {get("/") + "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
}

func TestRequestsThatTwoParsersCouldReadDifferentlyAreRefused(t *testing.T) {
	t.Parallel()
	handled := make(chan string, 1000)
	s := start(t, func(w http.ResponseWriter, r *http.Request) { handled <- r.RequestURI }, nil)
	for name, c := range refused {
		t.Run(name, func(t *testing.T) {
			cl := s.dial()
			go func() { _, _ = io.WriteString(cl, c.raw) }()
			res := cl.mustNext("GET")
			if strings.HasPrefix(name, "pipelined") {
				<-handled
				res = cl.mustNext("GET")
			}
			if res.StatusCode != c.status || res.Header.Get("X-Refused") != "yes" || !res.Close {
				t.Errorf("%d %v %s, not %d", res.StatusCode, res.Header, res.body, c.status)
			}
			if !cl.ended() {
				t.Error("the connection stayed open")
			}
			select {
			case uri := <-handled:
				t.Errorf("the handler was called for %s", uri)
			default:
			}
		})
	}
}

// chunks are bodies that are not framed as RFC 9112, section 7.1 has it.
var brokenChunks = map[string]string{
	"LF after the size":          "5\nhello\r\n0\r\n\r\n",
	"CR after the size":          "5\rhello\r\n0\r\n\r\n",
	"0x":                         "0x5\r\nhello\r\n0\r\n\r\n",
	"sign":                       "+5\r\nhello\r\n0\r\n\r\n",
	"negative":                   "-1\r\nhello\r\n0\r\n\r\n",
	"underscore":                 "5_0\r\nhello\r\n0\r\n\r\n",
	"blank before":               " 5\r\nhello\r\n0\r\n\r\n",
	"blank after":                "5 \r\nhello\r\n0\r\n\r\n",
	"tab after":                  "5\t\r\nhello\r\n0\r\n\r\n",
	"blank before the extension": "5 ;a=b\r\nhello\r\n0\r\n\r\n",
	"bare semicolon":             "5;\r\nhello\r\n0\r\n\r\n",
	"NUL in an extension":        "5;a=\x00\r\nhello\r\n0\r\n\r\n",
	"LF in an extension":         "5;a=\nhello\r\n0\r\n\r\n",
	"CR in an extension":         "5;a=\rb\r\nhello\r\n0\r\n\r\n",
	"bracket in an extension":    "5;bad[=x\r\nhello\r\n0\r\n\r\n",
	"extension without a value":  "5;a=\r\nhello\r\n0\r\n\r\n",
	"open quotes":                "5;a=\"b\r\nhello\r\n0\r\n\r\n",
	"blank in an extension":      "5;a=b c\r\nhello\r\n0\r\n\r\n",
	"NUL after a backslash":      "5;a=\"\\\x00\"\r\nhello\r\n0\r\n\r\n",
	"overflow":                   "FFFFFFFFFFFFFFFF1\r\nhello\r\n0\r\n\r\n",
	"overflow that wraps":        "10000000000000005\r\nhello\r\n0\r\n\r\n",
	"longer than its size":       "5\r\nhelloworld\r\n0\r\n\r\n",
	"no end after the data":      "5\r\nhello0\r\n\r\n",
	"LF after the data":          "5\r\nhello\n0\r\n\r\n",
	"no size":                    "\r\nhello\r\n0\r\n\r\n",
	"not hexadecimal":            "g\r\nhello\r\n0\r\n\r\n",
	"LF ends the trailers":       "5\r\nhello\r\n0\r\n\n",
	"LF ends a trailer":          "5\r\nhello\r\n0\r\nX: a\n\r\n",
	"folded trailer":             "5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n",
	"NUL in a trailer":           "5\r\nhello\r\n0\r\nX: a\x00\r\n\r\n",
	"length in the trailers":     "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
	"coding in the trailers":     "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
	"host in the trailers":       "5\r\nhello\r\n0\r\nHost: b\r\n\r\n",
	"long extension":             "5;a=" + strings.Repeat("a", 600) + "\r\nhello\r\n0\r\n\r\n",
	"many extensions":            strings.Repeat("1;a="+strings.Repeat("a", 400)+"\r\na\r\n", 100) + "0\r\n\r\n",
	"large trailers":             "0\r\n" + strings.Repeat("X: "+strings.Repeat("a", 300)+"\r\n", 40) + "\r\n",
	"many trailers":              "0\r\n" + strings.Repeat("X: a\r\n", 100) + "\r\n",
	"long trailer":               "0\r\nX: " + strings.Repeat("a", 5000) + "\r\n\r\n",
}

func TestMalformedChunksAreRefused(t *testing.T) {
	t.Parallel()
	got := make(chan receivedRequest, 1)
	s := start(t, func(w http.ResponseWriter, r *http.Request) { got <- received(r) }, nil)
	for name, body := range brokenChunks {
		t.Run(name, func(t *testing.T) {
			cl := s.dial().send(post(body+get("/smuggled"), "Transfer-Encoding: chunked"))
			if req := <-got; !req.Err {
				t.Errorf("the body was read as %q", req.Body)
			}
			if res := cl.mustNext("POST"); !res.Close || !cl.ended() {
				t.Error("the connection stayed open")
			}
			select {
			case req := <-got:
				t.Errorf("another request was read: %v", req.Target)
			default:
			}
		})
	}
}

func TestHeadTimeout(t *testing.T) {
	t.Parallel()
	s := start(t, func(http.ResponseWriter, *http.Request) {}, func(s *http1.Server) {
		s.ReadHeaderTimeout = 150 * time.Millisecond
		s.IdleTimeout = 300 * time.Millisecond
	})
	for name, c := range map[string]struct {
		before, part string
		after        time.Duration
		status       int
	}{
		"nothing is sent":          {"", "", 150 * time.Millisecond, 0},
		"half a request line":      {"", "GET / HT", 150 * time.Millisecond, 408},
		"no empty line":            {"", "GET / HTTP/1.1\r\nHost: a\r\n", 150 * time.Millisecond, 408},
		"idle":                     {get("/"), "", 300 * time.Millisecond, 0},
		"half of a second request": {get("/"), "GET / HTTP/1.1\r\n", 150 * time.Millisecond, 408},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cl := s.dial()
			began := time.Now()
			if c.before != "" {
				cl.send(c.before).mustNext("GET")
				began = time.Now()
			}
			cl.send(c.part)
			res, err := cl.next("GET")
			if took := time.Since(began); took < c.after*9/10 || took > c.after+2*time.Second {
				t.Errorf("it took %v, not %v", took, c.after)
			}
			if c.status == 0 && err == nil || c.status != 0 && (err != nil || res.StatusCode != c.status) {
				t.Errorf("%v, %v", res.Response, err)
			}
		})
	}
}

func TestRefusalsAreTextByDefault(t *testing.T) {
	t.Parallel()
	s := start(t, func(http.ResponseWriter, *http.Request) {}, func(s *http1.Server) { s.Refuse = nil })
	res := s.dial().send("GET /\r\n").mustNext("GET")
	if res.StatusCode != 400 || !strings.Contains(res.body, "request line") || res.Header.Get("Date") == "" {
		t.Errorf("%d %v %q", res.StatusCode, res.Header, res.body)
	}
}
