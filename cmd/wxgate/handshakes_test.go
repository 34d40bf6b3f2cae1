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

// TestClosingAListenerResetsNobody has clients connect and send all the time while
// listeners are closed. A connection may be refused, never opened and then reset.
func TestClosingAListenerResetsNobody(t *testing.T) {
	t.Parallel()
	var answered, refused, reset atomic.Int64
	for range 3 {
		ln, err := openListener("127.0.0.1:0")
		testkit.Must(t, err)
		go echoAll(ln)
		var clients sync.WaitGroup
		for range 8 {
			clients.Go(func() { connectUntilRefused(ln.Addr().String(), &answered, &refused, &reset) })
		}
		before := answered.Load()
		testkit.Eventually(t, "clients at work", func() bool { return answered.Load() > before+50 })
		testkit.Must(t, drainAcceptQueue(ln))
		ln.Close()
		clients.Wait()
	}
	t.Logf("%d answered, %d refused", answered.Load(), refused.Load())
	if reset.Load() > 0 || refused.Load() == 0 {
		t.Errorf("%d reset, %d refused", reset.Load(), refused.Load())
	}
}

// echoAll answers a byte with a byte.
func echoAll(ln net.Listener) {
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

func connectUntilRefused(address string, answered, refused, reset *atomic.Int64) {
	for {
		conn, err := net.DialTimeout("tcp", address, 10*time.Second)
		if errors.Is(err, syscall.ECONNREFUSED) {
			refused.Add(1)
			return
		}
		if err != nil || !echoes(conn) {
			reset.Add(1)
			return
		}
		answered.Add(1)
	}
}

func echoes(conn net.Conn) bool {
	defer conn.Close()
	if _, err := conn.Write([]byte("x")); err != nil {
		return false
	}
	_, err := io.ReadFull(conn, make([]byte, 1))
	return err == nil
}
