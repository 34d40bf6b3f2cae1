package upstream

import (
	"io"
	"sync/atomic"
)

// acquire counts a request as in flight.
func (ep *endpoint) acquire() {
	ep.inFlight.Add(1)
	ep.target.metrics.inFlight.Inc()
}

// release reverses acquire. After the last request of a retired endpoint it closes the
// connections.
func (ep *endpoint) release() {
	ep.target.metrics.inFlight.Dec()
	if ep.inFlight.Add(-1) == 0 && ep.retired.Load() {
		ep.closeIdle()
	}
}

// moreLoadedThan compares the requests in flight for each unit of weight.
func (ep *endpoint) moreLoadedThan(other *endpoint) bool {
	return ep.inFlight.Load()*int64(other.weight) > other.inFlight.Load()*int64(ep.weight)
}

// inFlightBody is the body of a response. The request counts as in flight at its
// endpoint until the body has been read to its end, has failed or is closed.
type inFlightBody struct {
	io.ReadCloser
	endpoint *endpoint
	released atomic.Bool
}

func (b *inFlightBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.release()
	}
	return n, err
}

func (b *inFlightBody) Close() error {
	err := b.ReadCloser.Close()
	b.release()
	return err
}

func (b *inFlightBody) release() {
	if !b.released.Swap(true) {
		b.endpoint.release()
	}
}
