package main

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// files gives copies of the listeners' descriptors.
func files(listeners ...net.Listener) (list []*os.File, err error) {
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

// stayNonBlocking undoes what passing a descriptor on does to it: os.File.Fd
// makes it blocking, and the flag is one for all copies.
func stayNonBlocking(listeners ...net.Listener) {
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
