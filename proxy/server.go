package proxy

import (
	"crypto/tls"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"wxgate/internal/http1"
)

// Limits of a connection on the public listener.
const (
	idleTimeout       = 2 * time.Minute
	maxStreams        = 128 // concurrent HTTP/2 streams of a connection
	http2PingInterval = 30 * time.Second
)

// ServerConfig configures the server of the public listener.
type ServerConfig struct {
	Handler           http.Handler // wraps the gateway; nil: the gateway itself
	MaxHeader         int          // bytes of a request line and header
	ReadHeaderTimeout time.Duration
	MaxConnections    int         // 0: no limit
	TLS               *tls.Config // nil: no TLS
	// DrainPause is how long idle connections stay open after the listener is closed:
	// a client may have sent a request on one of them already.
	DrainPause time.Duration
	Log        *zap.Logger
}

// NewServer returns the server of the public listener. Package http1 serves HTTP/1,
// net/http serves HTTP/2: over TLS if ALPN selects it, and without TLS for load
// balancers and gRPC clients that begin with the HTTP/2 preface.
//
// There is no limit on the total time of a request or response. A stream stays open
// while data flows; requestBody and requestState end one that stalls.
func NewServer(g *Gateway, c ServerConfig) *http1.Server {
	h := c.Handler
	if h == nil {
		h = g
	}
	acceptErrors := acceptErrorLog{log: c.Log.Named("http")}
	return &http1.Server{
		Handler:           h,
		TLSConfig:         c.TLS,
		HTTP2:             newHTTP2Server(h, c),
		ReadHeaderTimeout: c.ReadHeaderTimeout,
		WriteTimeout:      clientWriteTimeout, // extended by requestState while the client reads
		IdleTimeout:       idleTimeout,
		// The gateway checks the configured limit itself; this limits what the server
		// reads.
		MaxHeaderBytes: 2 * c.MaxHeader,
		MaxFields:      maxHeaderLines,
		MaxConnections: c.MaxConnections,
		DrainPause:     c.DrainPause,
		Refuse:         serverError,
		AcceptError:    acceptErrors.report,
		Interrupting:   g.AbortRequests,
	}
}

func newHTTP2Server(h http.Handler, c ServerConfig) *http.Server {
	// net/http logs protocol errors of clients, which are of interest for debugging
	// only. Gateway logs panics.
	debugLog, err := zap.NewStdLogAt(c.Log.Named("http"), zap.DebugLevel)
	if err != nil {
		debugLog = nil
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP2(c.TLS != nil)
	protocols.SetUnencryptedHTTP2(c.TLS == nil)
	return &http.Server{
		Handler:        h,
		WriteTimeout:   clientWriteTimeout,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: 2 * c.MaxHeader,
		Protocols:      protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      http2PingInterval,
			PingTimeout:          http2PingInterval / 2,
			WriteByteTimeout:     clientWriteTimeout,
		},
		// serveServerOptions responds to OPTIONS *.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     debugLog,
	}
}

// acceptErrorLog logs failures to accept connections at most once in
// acceptErrorInterval: they repeat for as long as the process is short of descriptors.
type acceptErrorLog struct {
	log  *zap.Logger
	last atomic.Int64 // Unix seconds
}

const acceptErrorInterval = 10 // seconds

func (l *acceptErrorLog) report(err error, pause time.Duration) {
	now, last := time.Now().Unix(), l.last.Load()
	if now-last >= acceptErrorInterval && l.last.CompareAndSwap(last, now) {
		l.log.Warn("cannot accept connections, retrying", zap.Error(err), zap.Duration("pause", pause))
	}
}
