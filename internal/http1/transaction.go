package http1

import (
	"io"
	"net/http"
	"net/url"
	"sync"
)

// transaction is what a request takes while it is read and answered: buffers,
// the request and its answer. An idle connection has none: they go from one
// connection to the next.
type transaction struct {
	conn *conn

	buf  []byte // what was read
	r, w int    // what of it is not used yet

	head    headParser
	framing requestFraming

	request      *http.Request
	emptyRequest *http.Request // what request is set back to; its context is ctx
	header       http.Header
	url          url.URL
	ctx          *requestContext
	body         *body // nil: none
	response     responseWriter
}

const (
	readBuffer = 4 << 10

	// maxKeptBuffer is the largest buffer that is kept for another request.
	maxKeptBuffer = 32 << 10
)

var transactions = sync.Pool{New: func() any {
	t := &transaction{buf: make([]byte, readBuffer), header: http.Header{}}
	t.renewContext()
	t.request = new(http.Request)
	t.response.init(t)
	return t
}}

func (t *transaction) renewContext() {
	t.ctx = new(requestContext)
	t.emptyRequest = new(http.Request).WithContext(t.ctx)
}

func newTransaction(c *conn) *transaction {
	t := transactions.Get().(*transaction)
	t.conn, t.r, t.w = c, 0, 0
	t.head.reset()
	return t
}

// release gives the transaction to another connection. Nobody else may have
// any part of it but strings and value slices.
func (t *transaction) release() {
	t.conn, t.body = nil, nil
	*t.request = *t.emptyRequest
	clear(t.header)
	t.framing = requestFraming{}
	t.url = url.URL{}
	if len(t.buf) > maxKeptBuffer {
		t.buf = make([]byte, readBuffer)
	}
	t.response.prepareForPool()
	transactions.Put(t)
}

// releaseHijacked lets go of all that a hijacked connection has no use for: whoever has
// it may keep the request and the ResponseWriter for as long as it lives.
func (t *transaction) releaseHijacked() {
	t.response.handlerDone = true
	t.response.headBuf, t.response.bodyBuf, t.response.header = nil, nil, nil
	t.buf, t.head.fields, t.conn = nil, nil, nil
}

// buffered is what was read and is not used yet.
func (t *transaction) buffered() []byte { return t.buf[t.r:t.w] }

// fill reads more into the buffer, which grows only where makeRoom lets it.
func (t *transaction) fill() error {
	if t.w == len(t.buf) {
		t.makeRoom(0)
	}
	if t.w == len(t.buf) {
		return io.ErrShortBuffer
	}
	n, err := t.conn.read(t.buf[t.w:])
	t.w += n
	return err
}

// makeRoom moves what is not used yet to the front, and makes the buffer
// larger where that does not give it size bytes.
func (t *transaction) makeRoom(size int) {
	if t.r > 0 {
		t.w = copy(t.buf, t.buf[t.r:t.w])
		t.r = 0
	}
	if len(t.buf) < size {
		larger := make([]byte, size)
		copy(larger, t.buf[:t.w])
		t.buf = larger
	}
}
