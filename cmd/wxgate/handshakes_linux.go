package main

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// dropSYN drops a TCP segment that asks for a connection and lets all else pass: the
// flags are byte 13 of the header, at which the kernel starts the filter.
var dropSYN = [...]unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},
	{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, Jt: 0, Jf: 1, K: 0x02},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
}

// dropHandshakes has the kernel ignore who asks for a connection from now on. They ask
// again a second later. Handshakes that have begun are completed.
func dropHandshakes(ln net.Listener) error {
	conn, ok := ln.(syscall.Conn)
	if !ok {
		return errors.New("not a socket")
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	filter := dropSYN // the kernel's copy is made from one that is ours
	var failed error
	err = raw.Control(func(fd uintptr) {
		program := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, program)
	})
	return errors.Join(err, failed)
}
