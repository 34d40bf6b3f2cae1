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

// recorder is a reverse proxy that counts requests.
type recorder struct {
	URL string

	mu    sync.Mutex
	paths []string // of the requests since the last reset
}

// startRecorder starts a recorder in front of the server at the URL target. It runs until
// the program ends.
func startRecorder(target string) (*recorder, error) {
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
			r.paths = append(r.paths, p.In.URL.Path)
		},
		// When the server closes without a response, so does the recorder.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     log.New(io.Discard, "", 0),
	}
	go func() { _ = http.Serve(listener, readWhole(proxy)) }()
	return r, nil
}

// readWhole reads the whole request body before it calls next. Otherwise a response that
// starts before net/http's server has seen the end of the body can be cut: the server
// closes the body, and the transport, which is still reading it, closes the connection of
// the response (Go 1.26, findings/go-reverseproxy-early-response.sh).
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

// reset returns the number of calls and of requests for access tokens since the last reset.
func (r *recorder) reset() (calls, tokens int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, path := range r.paths {
		if strings.HasSuffix(path, "/cgi-bin/token") || strings.HasSuffix(path, "/cgi-bin/stable_token") {
			tokens++
		} else {
			calls++
		}
	}
	r.paths = nil
	return calls, tokens
}
