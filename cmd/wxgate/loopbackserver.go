package main

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// loopbackServer serves a handler on a port of this machine, and can go away and come
// back on the same port.
type loopbackServer struct {
	handler http.Handler
	address string

	mu     sync.Mutex
	server *http.Server // nil: away
	end    context.CancelFunc
}

// startLoopback serves h on a free port.
func startLoopback(h http.Handler) (*loopbackServer, error) {
	l := &loopbackServer{handler: h, address: "127.0.0.1:0"}
	return l, l.start()
}

func (l *loopbackServer) url() string { return "http://" + l.address }

// start accepts connections again. It does nothing where it does already.
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
	l.server, l.end = server, cancel
	return nil
}

// stop closes the port and every connection; those of sockets, which the server
// no longer knows, by the end of their context.
func (l *loopbackServer) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil {
		return
	}
	l.end()
	_ = l.server.Close()
	l.server = nil
}
