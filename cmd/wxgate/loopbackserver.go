package main

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// loopbackServer serves a handler on the loopback address. It can be stopped and
// started again on the same port.
type loopbackServer struct {
	handler http.Handler
	address string

	mu     sync.Mutex
	server *http.Server       // nil: stopped
	cancel context.CancelFunc // ends the context of its connections
}

// startLoopbackServer serves h on a free port.
func startLoopbackServer(h http.Handler) (*loopbackServer, error) {
	l := &loopbackServer{handler: h, address: "127.0.0.1:0"}
	return l, l.start()
}

func (l *loopbackServer) url() string { return "http://" + l.address }

// start accepts connections. It does nothing if the server is started already.
func (l *loopbackServer) start() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server != nil {
		return nil
	}
	ln, err := net.Listen("tcp", l.address)
	if err != nil {
		return err
	}
	l.address = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	server := &http.Server{Handler: l.handler, BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() { _ = server.Serve(ln) }()
	l.server, l.cancel = server, cancel
	return nil
}

// stop closes the port and every connection. Hijacked connections (WebSockets), which
// http.Server no longer tracks, are closed by their handler when its context ends.
func (l *loopbackServer) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil {
		return
	}
	l.cancel()
	_ = l.server.Close()
	l.server = nil
}
