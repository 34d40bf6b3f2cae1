package proxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"wxgate/apierror"
)

const (
	// tunnelLinger is how long the other half of a tunnel may go on once one
	// side has finished.
	tunnelLinger = 10 * time.Second

	// goAwayLinger is how long a client may take to answer a close frame.
	goAwayLinger = 500 * time.Millisecond

	// tunnelStall is how long a peer may leave a write to it unread.
	tunnelStall = 60 * time.Second

	// smallRead is what an idle tunnel holds for each direction; a larger
	// buffer is borrowed while there is more to copy.
	smallRead = 512
)

// tunnel is a pair of connections and what is to be done when both are closed.
type tunnel struct {
	rc   *requestContext
	done func()

	mu      sync.Mutex
	client  *frameWriter
	backend io.ReadWriteCloser
	reason  *apierror.Error // why it was terminated
	ended   int             // directions that have finished
	leaving bool            // the gateway stops: the client is told by a close frame
	down    int64           // bytes towards the client
}

// open takes both connections, unless the tunnel was terminated before.
func (t *tunnel) open(client net.Conn, backend io.ReadWriteCloser) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.client, t.backend = &frameWriter{Conn: client}, backend
	t.rc.refusal = t.reason
	return t.reason == nil
}

// abandon ends a tunnel that was never started.
func (t *tunnel) abandon() {
	t.mu.Lock()
	t.ended = 2
	leaving := t.leaving
	t.mu.Unlock()
	if leaving {
		t.client.writeClose()
	}
	t.close()
	t.done()
}

func (t *tunnel) start(buffered []byte) {
	go t.copy(t.client, t.backend, true, nil)
	go t.copy(t.backend, t.client, false, buffered)
}

// copy carries one direction until its source ends. A clean end is passed on
// as such, so that the other direction can finish; an error ends both.
func (t *tunnel) copy(dst io.Writer, src io.Reader, down bool, first []byte) {
	n, err := copyTunnel(dst, src, first)
	t.mu.Lock()
	if down {
		t.down = n
	}
	t.ended++
	last, leaving := t.ended == 2, t.leaving
	t.mu.Unlock()
	switch {
	case last:
		t.close()
		t.rc.bytes = t.down
		t.done()
	case leaving && down: // leave closes the client's side
	case err != nil || !closeWrite(dst):
		t.close()
	default:
		time.AfterFunc(tunnelLinger, t.close)
	}
}

func (t *tunnel) close() {
	t.client.Close()
	t.backend.Close()
}

// terminate closes the tunnel from outside: the session ended, or the gateway
// stops.
func (t *tunnel) terminate(reason error) {
	t.note(reason)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.client != nil {
		t.close()
	}
}

// note keeps the first reason, for the log.
func (t *tunnel) note(reason error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := (*apierror.Error)(nil); errors.As(reason, &e) && t.reason == nil && t.ended < 2 {
		t.reason = e
		t.rc.refusal = e
	}
}

// goAway ends the tunnel because the gateway stops. The client is told by a
// close frame, and its connection is closed once it has answered, or soon: one
// that is closed with bytes unread is reset, and the frame lost.
func (t *tunnel) goAway(reason error) {
	// Both before the frame: a client that answers at once may end the tunnel
	// before this returns.
	t.note(reason)
	t.mu.Lock()
	t.leaving = true
	client, backend := t.client, t.backend
	t.mu.Unlock()
	if client == nil {
		return // the tunnel is not open yet, and won't be: abandon tells the client
	}
	if !client.writeClose() {
		t.close()
		return
	}
	backend.Close()
	time.AfterFunc(goAwayLinger, t.close)
}

// closeWrite passes an end of stream on; false where the connection can't.
func closeWrite(w io.Writer) bool {
	c, ok := w.(interface{ CloseWrite() error })
	return ok && c.CloseWrite() == nil
}

// copyTunnel copies with a small buffer of its own, and a large borrowed one
// while the source has more than that at once.
func copyTunnel(dst io.Writer, src io.Reader, first []byte) (n int64, err error) {
	if len(first) > 0 {
		if err := writeInTime(dst, first); err != nil {
			return 0, err
		}
		n = int64(len(first))
	}
	var small [smallRead]byte
	for {
		got, err := src.Read(small[:])
		if got > 0 {
			if werr := writeInTime(dst, small[:got]); werr != nil {
				return n, werr
			}
			n += int64(got)
		}
		if err == nil && got == len(small) {
			var more int64
			more, err = copyBulk(dst, src)
			n += more
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// copyBulk copies through a borrowed buffer until a read leaves most of it
// empty.
func copyBulk(dst io.Writer, src io.Reader) (n int64, err error) {
	buf := copyBuffers.Get().(*copyBuffer)
	defer copyBuffers.Put(buf)
	for {
		got, err := src.Read(buf[:])
		if got > 0 {
			if werr := writeInTime(dst, buf[:got]); werr != nil {
				return n, werr
			}
			n += int64(got)
		}
		if err != nil || got < smallRead {
			return n, err
		}
	}
}

// writeInTime bounds how long a peer that does not read can hold a buffer.
func writeInTime(dst io.Writer, p []byte) error {
	if c, ok := dst.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = c.SetWriteDeadline(time.Now().Add(tunnelStall))
	}
	_, err := dst.Write(p)
	return err
}
