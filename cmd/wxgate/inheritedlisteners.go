package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// The names of the listeners, in the log and among inherited descriptors.
const (
	publicListener  = "public"
	privateListener = "private"
)

// firstInherited is the first descriptor behind the three standard ones.
const firstInherited = 3

// Variables by which descriptors are passed on. LISTEN_* are systemd's (socket
// activation); LISTEN_PID names the process that they are for.
const (
	listenPID   = "LISTEN_PID"
	listenFDs   = "LISTEN_FDS"
	listenNames = "LISTEN_FDNAMES"

	// handoverNames lists what a gateway passes to its successor: a name for each
	// descriptor, behind a listener's the address that it was configured with, and
	// sharedSocket where systemd has it too. It needs no process id: it is for the
	// child alone.
	handoverNames = "WXGATE_HANDOVER"
	sharedSocket  = "shared"
)

// inherited are listeners that another process opened: whoever connects while
// the gateway restarts waits in their queue instead of being refused.
type inherited struct {
	listeners  map[string]net.Listener // by name
	configured map[string]string       // addresses of those that were handed over
	shared     map[string]bool         // those that systemd keeps open as well
	ready      *os.File                // where to report that this process serves; nil: no process waits for it
	warning    string
}

func newInherited(warning string) *inherited {
	return &inherited{listeners: map[string]net.Listener{}, configured: map[string]string{}, shared: map[string]bool{}, warning: warning}
}

// inheritListeners takes what the environment passes on, and takes it out of the
// environment: it is for this process alone.
func inheritListeners() (*inherited, error) {
	names, warning, err := inheritedNames(os.Getenv, os.Getpid())
	for _, name := range []string{listenPID, listenFDs, listenNames, handoverNames} {
		os.Unsetenv(name)
	}
	in := newInherited(warning)
	for i, name := range names {
		fd := firstInherited + i
		syscall.CloseOnExec(fd)
		if err := in.add(name, os.NewFile(uintptr(fd), name)); err != nil {
			in.close()
			return nil, fmt.Errorf("inherited descriptor %d: %w", fd, err)
		}
	}
	return in, err
}

// inheritedNames gives the names of the descriptors from firstInherited on.
func inheritedNames(getenv func(string) string, pid int) (names []string, warning string, err error) {
	if passed := getenv(handoverNames); passed != "" {
		return strings.Split(passed, ","), "", nil
	}
	count := getenv(listenFDs)
	if count == "" {
		return nil, "", nil
	}
	if getenv(listenPID) != strconv.Itoa(pid) {
		return nil, fmt.Sprintf("%s is %q, not this process (%d): the sockets that it passes are not used", listenPID, getenv(listenPID), pid), nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 || n > 2 {
		return nil, "", fmt.Errorf("%s is %q: one socket for listen, and one for admin.listen, can be passed", listenFDs, count)
	}
	return socketNames(strings.Split(getenv(listenNames), ":"), n), "", nil
}

// socketNames are those of FileDescriptorName= where they are the gateway's;
// systemd names the others after their unit, and the public one comes first.
func socketNames(given []string, n int) []string {
	known := func(name string) bool { return name == publicListener || name == privateListener }
	if len(given) == n && known(given[0]) && known(given[n-1]) {
		return given
	}
	return []string{publicListener, privateListener}[:n]
}

// add takes one descriptor.
func (in *inherited) add(name string, file *os.File) error {
	if name == readyPipe {
		in.ready = file
		return nil
	}
	defer file.Close() // FileListener has a copy
	name, address, handedOver := strings.Cut(name, "=")
	address, owner, _ := strings.Cut(address, "=")
	ln, err := net.FileListener(file)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if ln.Addr().Network() != "tcp" || in.listeners[name] != nil {
		ln.Close()
		return errors.New(name + ": not a TCP socket, or one of that name is there already")
	}
	in.listeners[name], in.configured[name] = ln, address
	in.shared[name] = !handedOver || owner == sharedSocket
	return nil
}

// listen gives the inherited listener of that name, or opens one: where there is
// none, or it was handed over and the config says another address now.
func (in *inherited) listen(name, address string) (net.Listener, error) {
	if !in.has(name, address) {
		return openListener(address)
	}
	ln := in.listeners[name]
	delete(in.listeners, name)
	return ln, nil
}

// has reports whether listen would take over a listener that was passed on.
func (in *inherited) has(name, address string) bool {
	was := in.configured[name]
	return in.listeners[name] != nil && (was == "" || was == address)
}

// close closes the listeners that listen has not taken.
func (in *inherited) close() {
	for _, ln := range in.listeners {
		ln.Close()
	}
}
