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

// The names of the listeners, in the log and for inherited descriptors.
const (
	publicListener  = "public"
	privateListener = "private"
)

// firstInherited is the first descriptor after the three standard ones.
const firstInherited = 3

// Environment variables that describe inherited descriptors. LISTEN_* are those of
// systemd's socket activation (sd_listen_fds(3)); LISTEN_PID is the process that
// they are for.
const (
	listenPID   = "LISTEN_PID"
	listenFDs   = "LISTEN_FDS"
	listenNames = "LISTEN_FDNAMES"

	// handoverNames lists the descriptors that a gateway passes to its successor:
	// name=address for a listener, with its configured address, followed by
	// =shared if systemd also has the socket, and the readyPipe. It needs no
	// process id: only the child receives it.
	handoverNames = "WXGATE_HANDOVER"
	sharedSocket  = "shared"
)

// inheritedListeners are listeners that another process opened: a connection that
// is opened while the gateway restarts is queued instead of refused.
type inheritedListeners struct {
	listeners  map[string]net.Listener // by name
	configured map[string]string       // configured addresses of those that were handed over
	shared     map[string]bool         // those that systemd keeps open too
	ready      *os.File                // the readyPipe; nil: no process waits for this one
	warning    string
}

func newInheritedListeners(warning string) *inheritedListeners {
	return &inheritedListeners{listeners: map[string]net.Listener{}, configured: map[string]string{}, shared: map[string]bool{}, warning: warning}
}

// inheritListeners opens the listeners that the environment describes, and removes
// the variables, which must not reach a child of this process.
func inheritListeners() (*inheritedListeners, error) {
	names, warning, err := inheritedNames(os.Getenv, os.Getpid())
	for _, name := range []string{listenPID, listenFDs, listenNames, handoverNames} {
		os.Unsetenv(name)
	}
	in := newInheritedListeners(warning)
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

// inheritedNames returns the names of the descriptors from firstInherited on, and a
// warning if there are descriptors for another process.
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

// socketNames returns the names of FileDescriptorName= if they are the gateway's
// names. Otherwise systemd has named the sockets after their unit, and the public
// one is the first.
func socketNames(names []string, n int) []string {
	known := func(name string) bool { return name == publicListener || name == privateListener }
	if len(names) == n && known(names[0]) && known(names[n-1]) {
		return names
	}
	return []string{publicListener, privateListener}[:n]
}

// add adds one descriptor.
func (in *inheritedListeners) add(name string, file *os.File) error {
	if name == readyPipe {
		in.ready = file
		return nil
	}
	defer file.Close() // FileListener duplicates it
	name, address, handedOver := strings.Cut(name, "=")
	address, owner, _ := strings.Cut(address, "=")
	ln, err := net.FileListener(file)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if ln.Addr().Network() != "tcp" || in.listeners[name] != nil {
		ln.Close()
		return errors.New(name + ": not a TCP socket, or a duplicate name")
	}
	in.listeners[name], in.configured[name] = ln, address
	in.shared[name] = !handedOver || owner == sharedSocket
	return nil
}

// listen returns the inherited listener of a name. It opens a new one if there is
// none, or if the one that was handed over was configured with another address.
func (in *inheritedListeners) listen(name, address string) (net.Listener, error) {
	if !in.has(name, address) {
		return openListener(address)
	}
	ln := in.listeners[name]
	delete(in.listeners, name)
	return ln, nil
}

// has reports whether listen would return an inherited listener.
func (in *inheritedListeners) has(name, address string) bool {
	configured := in.configured[name]
	return in.listeners[name] != nil && (configured == "" || configured == address)
}

// close closes the listeners that listen has not returned.
func (in *inheritedListeners) close() {
	for _, ln := range in.listeners {
		ln.Close()
	}
}
