package main

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// listenerFiles returns duplicates of the listeners' descriptors.
func listenerFiles(listeners ...net.Listener) (list []*os.File, err error) {
	for _, ln := range listeners {
		tcp, ok := ln.(*net.TCPListener)
		if !ok {
			return list, errors.New("not a TCP listener")
		}
		file, err := tcp.File()
		if err != nil {
			return list, err
		}
		list = append(list, file)
	}
	return list, nil
}

// restoreNonBlocking makes descriptors non-blocking again after they were passed to
// a child: os.File.Fd makes them blocking, and duplicates share the flag.
func restoreNonBlocking(listeners ...net.Listener) {
	for _, ln := range listeners {
		raw, err := ln.(*net.TCPListener).SyscallConn()
		if err == nil {
			_ = raw.Control(func(fd uintptr) { _ = syscall.SetNonblock(int(fd), true) })
		}
	}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
