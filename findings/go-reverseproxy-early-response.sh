#!/usr/bin/env bash
# Guess:   httputil.ReverseProxy forwards the whole response to a POST, also when it sees the end of
#          the request's body a moment after the last byte.
# Reality: the transport reads the body once more after Content-Length bytes. When a response of more
#          than 2 KiB starts before that read, the server has closed the body; the read fails, and
#          the transport closes the connection on which the response arrives. The client gets the
#          start of a 200. Middleware that delays the end of the body makes this certain; without it,
#          it is a race that a fast backend sometimes wins.
# Needs:   go 1.26.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

go_module
cat >main.go <<'EOF'
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// slowEnd is a body that reports its end 100 ms after its last byte.
type slowEnd struct {
	io.ReadCloser
	left int64
}

func (b *slowEnd) Read(p []byte) (int, error) {
	if b.left == 0 {
		time.Sleep(100 * time.Millisecond)
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), max(b.left, 1))])
	b.left -= int64(n)
	return n, err
}

func main() {
	const size = 1 << 20
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for range size / 4096 {
			_, _ = w.Write(make([]byte, 4096))
			time.Sleep(time.Millisecond)
		}
	}))
	target, _ := url.Parse(backend.URL)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, ErrorLog: log.New(io.Discard, "", 0)}
	for _, slow := range []bool{false, true} {
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if slow {
				r.Body = &slowEnd{r.Body, r.ContentLength}
			}
			proxy.ServeHTTP(w, r)
		}))
		for range 50 {
			res, err := http.Post(front.URL, "application/json", strings.NewReader(`{"scene":"a"}`))
			if err != nil {
				panic(err)
			}
			body, err := io.ReadAll(res.Body)
			if !slow && err != nil {
				continue // the race
			}
			fmt.Printf("slow end %v: status %d, whole %v, %v\n", slow, res.StatusCode, len(body) == size, err)
			break
		}
	}
}
EOF
run_go | tee seen

go version
diff -u - seen <<'EOF'
slow end false: status 200, whole true, <nil>
slow end true: status 200, whole false, unexpected EOF
EOF
echo "as seen on 2026-11-27 with Go 1.26.8"
