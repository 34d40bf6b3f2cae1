package testkit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// Reserved ports are below the ephemeral range (from 32768 on Linux), so that the
// system never assigns one to an outgoing connection or to a listener on port 0. A
// Redis cluster node also listens at its port plus BusOffset, which is outside both
// ranges.
const (
	firstPort = 12000
	lastPort  = 21999
	BusOffset = 10000

	portAttempts = 1000
)

// Port is a reserved port on 127.0.0.1. Until Release, no other process that uses
// this package gets the same port, even while nothing listens on it. The
// reservation is a file lock, which the kernel drops when the process ends.
type Port struct {
	Number int
	lock   *os.File
}

// ReservePort reserves a port on which no process listens.
func ReservePort() (*Port, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("wxgate-testkit-ports-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for range portAttempts {
		p := &Port{Number: firstPort + rand.IntN(lastPort-firstPort+1)}
		locked, err := p.tryLock(dir)
		if err != nil {
			return nil, err
		}
		if locked {
			return p, nil
		}
	}
	return nil, errors.New("no free port found")
}

// MustReservePort reserves a port until the test ends.
func MustReservePort(t testing.TB) *Port {
	t.Helper()
	p, err := ReservePort()
	Must(t, err)
	t.Cleanup(p.Release)
	return p
}

// tryLock locks the port's file in dir. It reports false when another process has
// the lock, or when a program that doesn't use this package listens on the port.
func (p *Port) tryLock(dir string) (bool, error) {
	lock, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(p.Number)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false, err
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil && unused(p.Number) && unused(p.Number+BusOffset) {
		p.lock = lock
		return true, nil
	}
	lock.Close()
	if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
		return false, err
	}
	return false, nil
}

// Addr returns 127.0.0.1 and the port, as host:port.
func (p *Port) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Number)) }

// Release ends the reservation.
func (p *Port) Release() { p.lock.Close() }

func unused(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
