package main

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

// recorder stands before a server and counts what comes by.
type recorder struct {
	URL string

	mu   sync.Mutex
	seen []string // the paths of the requests
}

// record begins to. It ends with the program.
func record(target string) (*recorder, error) {
	to, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &recorder{URL: "http://" + listener.Addr().String()}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(to)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.seen = append(r.seen, p.In.URL.Path)
		},
		// A connection that is broken off behind it is broken off before it too.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     log.New(io.Discard, "", 0),
	}
	go func() { _ = http.Serve(listener, readWhole(proxy)) }()
	return r, nil
}

// readWhole reads a request's body before it is sent on. Where the answer begins before
// the server has seen the body's end, it closes the body, and the transport, which still
// reads it, the connection that the answer comes on (Go 1.26).
func readWhole(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// take gives how many requests came since the last time, those for an access token
// apart.
func (r *recorder) take() (calls, tokens int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, path := range r.seen {
		if strings.HasSuffix(path, "/cgi-bin/token") || strings.HasSuffix(path, "/cgi-bin/stable_token") {
			tokens++
		} else {
			calls++
		}
	}
	r.seen = nil
	return calls, tokens
}
