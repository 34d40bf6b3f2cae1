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

// Ports are taken below the range from which systems pick ports by themselves
// (from 32768 on Linux), so that neither an outgoing connection nor a listener on
// port 0 gets one. A Redis cluster node also listens BusOffset above its port,
// which is outside of both ranges.
const (
	firstPort = 12000
	lastPort  = 21999
	BusOffset = 10000

	portAttempts = 1000
)

// Port is a port on 127.0.0.1 that belongs to its holder: no other process that
// asks this package gets it before Release, also while nothing listens on it. The
// lock is the kernel's, so a process that dies gives its ports back.
type Port struct {
	Number int
	lock   *os.File
}

// ReservePort reserves a port on which nobody listens.
func ReservePort() (*Port, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("wxgate-testkit-ports-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for range portAttempts {
		p := &Port{Number: firstPort + rand.IntN(lastPort-firstPort+1)}
		taken, err := p.take(dir)
		if err != nil {
			return nil, err
		}
		if taken {
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

// take locks the port's file, unless another process has, and looks whether a
// stranger listens on the port.
func (p *Port) take(dir string) (bool, error) {
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

// Addr is the port with its host.
func (p *Port) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Number)) }

// Release gives the port back.
func (p *Port) Release() { p.lock.Close() }

func unused(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
