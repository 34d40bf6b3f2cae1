package http1

import (
	"io"
	"net/http"
	"net/url"
	"sync"
)

// transaction is a request and its response, with their buffers. An idle connection has
// none: they are pooled.
type transaction struct {
	conn *conn

	buf  []byte
	r, w int // buf[r:w] is received and not parsed yet

	head    headParser
	framing requestFraming

	request      *http.Request
	emptyRequest *http.Request // with ctx as its context; copied to request
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

// release returns the transaction to the pool. No part of it may be in use, except for
// strings and the value slices of the header.
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

// releaseHijacked drops the references of a hijacked request: the hijacker may keep the
// request and the ResponseWriter for as long as the connection is open.
func (t *transaction) releaseHijacked() {
	t.response.handlerDone = true
	t.response.headBuf, t.response.bodyBuf, t.response.header = nil, nil, nil
	t.buf, t.head.fields, t.conn = nil, nil, nil
}

// buffered returns what is received and not parsed yet.
func (t *transaction) buffered() []byte { return t.buf[t.r:t.w] }

// fill reads more into the buffer. io.ErrShortBuffer means that it is full.
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

// makeRoom moves the unused bytes to the front, and enlarges the buffer to at least
// size bytes.
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
