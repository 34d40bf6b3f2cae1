#!/usr/bin/env bash
# Guess:   http.Server.Shutdown waits up to five seconds for an accepted connection on which nothing
#          has arrived yet, and serves the request that then arrives on it.
# Reality: it reads the request and closes without a byte of a response; the handler isn't called.
#          For the client or load balancer the connection broke within a POST, which some of them
#          send again. A server that shuts down has to stop accepting first, send
#          "Connection: close", and wait before it calls Shutdown.
# Needs:   go 1.26.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

go_module
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
	response, err := io.ReadAll(conn)
	fmt.Printf("Shutdown: %v; handler called %d times; response of %d bytes, then %v\n", <-stopped, handled, len(response), err)
}
EOF
run_go | tee seen

go version
diff -u - seen <<'EOF'
Shutdown: <nil>; handler called 0 times; response of 0 bytes, then <nil>
EOF
echo "as seen on 2026-11-27 with Go 1.26.8"
