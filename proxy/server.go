package proxy

import (
	"net/http"
	"time"

	"go.uber.org/zap"
)

// Bounds of the public server. A request's own limits are further down: these
// hold for connections.
const (
	idleConnection = 2 * time.Minute
	maxStreams     = 128 // concurrent HTTP/2 streams of one connection
	http2Ping      = 30 * time.Second
)

// NewServer makes the public http.Server: HTTP/1.1, HTTP/2 over TLS, and
// HTTP/2 without TLS for load balancers and gRPC clients that begin with it.
// maxHeader is in bytes.
//
// There is no limit on how long a request or answer may take as a whole: a
// stream that moves lives on, one that stalls is cut (see requestBody and
// requestContext).
func NewServer(h http.Handler, maxHeader int, readHeader time.Duration, log *zap.Logger) *http.Server {
	// What net/http logs by itself is what clients do wrong (handshakes broken
	// off, say); panics are logged by Gateway.
	quiet, err := zap.NewStdLogAt(log.Named("http"), zap.DebugLevel)
	if err != nil {
		quiet = nil
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           noteHandled(h),
		ConnContext:       withConn,
		ConnState:         noteIdle,
		ReadHeaderTimeout: readHeader,
		WriteTimeout:      writeStall, // extended by requestContext while the client reads
		IdleTimeout:       idleConnection,
		// The gateway's own check comes first and answers as it should; this
		// is the bound on what is read at all.
		MaxHeaderBytes: 2 * maxHeader,
		Protocols:      protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      http2Ping,
			PingTimeout:          http2Ping / 2,
			WriteByteTimeout:     writeStall,
		},
		// OPTIONS * is answered like any other request.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     quiet,
	}
}
