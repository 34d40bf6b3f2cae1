package main

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// dropSYN is a BPF program that drops TCP segments with the SYN flag and accepts all
// others. Its input begins at the TCP header, whose byte 13 holds the flags.
var dropSYN = [...]unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},
	{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, Jt: 0, Jf: 1, K: 0x02},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
}

// dropHandshakes makes the kernel drop every SYN from now on; clients retransmit it
// a second later. Handshakes that have begun are completed.
func dropHandshakes(ln net.Listener) error {
	conn, ok := ln.(syscall.Conn)
	if !ok {
		return errors.New("not a socket")
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	filter := dropSYN // SockFprog needs a pointer to its first element
	var attachErr error
	err = raw.Control(func(fd uintptr) {
		program := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
		attachErr = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, program)
	})
	return errors.Join(err, attachErr)
}
