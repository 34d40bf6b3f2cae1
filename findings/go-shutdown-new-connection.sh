#!/usr/bin/env bash
# Guess:   http.Server.Shutdown, which waits up to five seconds for a connection that was
#          accepted and has said nothing yet, then serves the request that comes on it.
# Reality: it reads the request and closes without a byte of an answer; the handler isn't
#          called. To the client or load balancer that is a connection broken in the middle
#          of a POST, which some of them send again. A server that leaves has to stop
#          accepting first, say "Connection: close", and pause before Shutdown.
# Needs:   go 1.26.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

printf 'module finding\n\ngo 1.26\n' >go.mod
cat >main.go <<'EOF'
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

func main() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	handled := 0
	accepted := make(chan struct{}, 1)
	server := &http.Server{
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { handled++ }),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				accepted <- struct{}{}
			}
		},
	}
	go server.Serve(ln)

	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		panic(err)
	}
	<-accepted
	stopping := make(chan struct{})
	server.RegisterOnShutdown(func() { close(stopping) })
	stopped := make(chan error, 1)
	go func() { stopped <- server.Shutdown(context.Background()) }()
	<-stopping

	fmt.Fprint(conn, "POST /order HTTP/1.1\r\nHost: example\r\nContent-Length: 2\r\n\r\n{}")
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	answer, err := io.ReadAll(conn)
	fmt.Printf("Shutdown: %v; handler called %d times; answer of %d bytes, then %v\n", <-stopped, handled, len(answer), err)
}
EOF
go run . | tee seen

go version
diff -u - seen <<'EOF'
Shutdown: <nil>; handler called 0 times; answer of 0 bytes, then <nil>
EOF
echo "as seen on 2026-11-27 with Go 1.26.8"
