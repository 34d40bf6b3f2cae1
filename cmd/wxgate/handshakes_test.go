package main

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

// Clients connect and send continuously while listeners are closed. A connection may be
// refused, but must not be opened and then reset.
func TestClosingAListenerResetsNoConnection(t *testing.T) {
	t.Parallel()
	var served, refused, reset atomic.Int64
	for range 3 {
		ln, err := openListener("127.0.0.1:0")
		testkit.Must(t, err)
		go serveByteEcho(ln)
		var clients sync.WaitGroup
		for range 8 {
			clients.Go(func() { connectUntilRefused(ln.Addr().String(), &served, &refused, &reset) })
		}
		before := served.Load()
		testkit.Eventually(t, "50 connections served", func() bool { return served.Load() > before+50 })
		testkit.Must(t, emptyAcceptQueue(ln))
		ln.Close()
		clients.Wait()
	}
	t.Logf("%d served, %d refused", served.Load(), refused.Load())
	if reset.Load() > 0 || refused.Load() == 0 {
		t.Errorf("%d reset, %d refused", reset.Load(), refused.Load())
	}
}

// serveByteEcho echoes one byte on each connection.
func serveByteEcho(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_, _ = io.CopyN(conn, conn, 1)
		}()
	}
}

func connectUntilRefused(address string, served, refused, reset *atomic.Int64) {
	for {
		conn, err := net.DialTimeout("tcp", address, 10*time.Second)
		if errors.Is(err, syscall.ECONNREFUSED) {
			refused.Add(1)
			return
		}
		if err != nil || !exchangeByte(conn) {
			reset.Add(1)
			return
		}
		served.Add(1)
	}
}

func exchangeByte(conn net.Conn) bool {
	defer conn.Close()
	if _, err := conn.Write([]byte("x")); err != nil {
		return false
	}
	_, err := io.ReadFull(conn, make([]byte, 1))
	return err == nil
}
