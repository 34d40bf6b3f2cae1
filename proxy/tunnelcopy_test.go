package proxy

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"

	"wxgate/internal/testkit"
)

// The bytes of a source arrive complete and in order, after the bytes that were read
// before, with and without a file descriptor to wait for.
func TestTunnelCopiesEveryByteInOrder(t *testing.T) {
	t.Parallel()
	for name, connect := range map[string]func(testing.TB) (near, far net.Conn){"a descriptor": tcpPair, "none, as over TLS": pipe} {
		for _, size := range []int{0, 1, smallReadSize - 1, smallReadSize, smallReadSize + 1, 3 * len(copyBuffer{})} {
			t.Run(fmt.Sprint(name, ", ", size), func(t *testing.T) {
				t.Parallel()
				near, far := connect(t)
				sent := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
				go func() {
					_, _ = far.Write(sent)
					far.Close()
				}()
				var arrived bytes.Buffer
				c := newTunnelCopy(&arrived, near)
				c.buffered = []byte("first ")
				err := c.run()
				if want := append([]byte("first "), sent...); err != nil || !bytes.Equal(arrived.Bytes(), want) || c.copied != int64(len(want)) {
					t.Errorf("%d bytes arrived, %d counted, %v; want %d", arrived.Len(), c.copied, err, len(want))
				}
				if (c.rawConn == nil) != (name != "a descriptor") {
					t.Error("it does not wait for the descriptor, or for one that does not exist")
				}
			})
		}
	}
}

func TestTunnelCopyReturnsTheErrorOfItsDestination(t *testing.T) {
	t.Parallel()
	for name, connect := range map[string]func(testing.TB) (near, far net.Conn){"a descriptor": tcpPair, "none": pipe} {
		near, far := connect(t)
		go func() { _, _ = io.WriteString(far, "hello") }()
		if err := newTunnelCopy(failingWriter{}, near).run(); err != io.ErrClosedPipe {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func pipe(testing.TB) (near, far net.Conn) { return net.Pipe() }

func tcpPair(t testing.TB) (near, far net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer ln.Close()
	far, err = net.Dial("tcp", ln.Addr().String())
	testkit.Must(t, err)
	near, err = ln.Accept()
	testkit.Must(t, err)
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}
