package proxy

import (
	"crypto/tls"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"wxgate/internal/http1"
)

// Bounds of the public server. A request's own limits are further down: these
// hold for connections.
const (
	idleConnection = 2 * time.Minute
	maxStreams     = 128 // concurrent HTTP/2 streams of one connection
	http2Ping      = 30 * time.Second
)

// ServerConfig is how the public listener is served.
type ServerConfig struct {
	Handler           http.Handler // nil: the gateway; else one in front of it
	MaxHeader         int          // bytes of a request's line and header
	ReadHeaderTimeout time.Duration
	MaxConnections    int         // 0: no bound
	TLS               *tls.Config // nil: plain
	// DrainPause is how long idle connections stay open once the listener is
	// closed, so that requests under way on them are answered.
	DrainPause time.Duration
	Log        *zap.Logger
}

// NewServer makes the server of the public listener: HTTP/1 by http1, HTTP/2 by
// net/http, over TLS by ALPN, without TLS for load balancers and gRPC clients
// that begin with its preface.
//
// There is no limit on how long a request or answer may take as a whole: a
// stream that moves lives on, one that stalls is cut (see requestBody and
// requestContext).
func NewServer(g *Gateway, c ServerConfig) *http1.Server {
	h := c.Handler
	if h == nil {
		h = g
	}
	accepts := acceptLog{log: c.Log.Named("http")}
	return &http1.Server{
		Handler:           h,
		TLSConfig:         c.TLS,
		HTTP2:             newHTTP2Server(h, c),
		ReadHeaderTimeout: c.ReadHeaderTimeout,
		WriteTimeout:      clientWriteTimeout, // extended by requestContext while the client reads
		IdleTimeout:       idleConnection,
		// The gateway's own check comes first and answers by the limit in
		// force; this is the bound on what is read at all.
		MaxHeaderBytes: 2 * c.MaxHeader,
		MaxFields:      maxHeaderLines,
		MaxConnections: c.MaxConnections,
		DrainPause:     c.DrainPause,
		Refuse:         answerRefusal,
		AcceptError:    accepts.failed,
		Interrupting:   g.Interrupt,
	}
}

func newHTTP2Server(h http.Handler, c ServerConfig) *http.Server {
	// What net/http logs by itself is what clients do wrong; panics are logged
	// by Gateway.
	quiet, err := zap.NewStdLogAt(c.Log.Named("http"), zap.DebugLevel)
	if err != nil {
		quiet = nil
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP2(c.TLS != nil)
	protocols.SetUnencryptedHTTP2(c.TLS == nil)
	return &http.Server{
		Handler:        h,
		WriteTimeout:   clientWriteTimeout,
		IdleTimeout:    idleConnection,
		MaxHeaderBytes: 2 * c.MaxHeader,
		Protocols:      protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      http2Ping,
			PingTimeout:          http2Ping / 2,
			WriteByteTimeout:     clientWriteTimeout,
		},
		// OPTIONS * is answered like any other request.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     quiet,
	}
}

// acceptLog tells that connections can't be accepted, once in a while: it goes
// on for as long as descriptors are short.
type acceptLog struct {
	log  *zap.Logger
	last atomic.Int64 // Unix seconds
}

// acceptLogEvery is in seconds.
const acceptLogEvery = 10

func (a *acceptLog) failed(err error, pause time.Duration) {
	now, last := time.Now().Unix(), a.last.Load()
	if now-last >= acceptLogEvery && a.last.CompareAndSwap(last, now) {
		a.log.Warn("no connection can be accepted, trying again", zap.Error(err), zap.Duration("pause", pause))
	}
}
