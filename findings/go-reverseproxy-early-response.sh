#!/usr/bin/env bash
# Guess:   httputil.ReverseProxy gives a POST's whole answer, also where it sees the end of the
#          request's body a moment after its last byte.
# Reality: the transport reads once more than Content-Length says. When the answer (of more than 2 KiB)
#          begins before that read, the server has closed the body; the read fails, and
#          the transport closes the connection that the answer is coming on. The client gets
#          the start of a 200. A middleware that is slow at the body's end makes it certain; without
#          one it is a race that a fast backend wins now and then.
# Needs:   go 1.26.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

printf 'module finding\n\ngo 1.26\n' >go.mod
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

// slowEnd takes its time to say that a body has ended.
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
go run . | tee seen

go version
diff -u - seen <<'EOF'
slow end false: status 200, whole true, <nil>
slow end true: status 200, whole false, unexpected EOF
EOF
echo "as seen on 2026-11-27 with Go 1.26.8"
