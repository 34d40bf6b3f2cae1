package proxy

import (
	"time"

	"go.opentelemetry.io/otel/trace"

	"wxgate/apierror"
)

// requestRecord holds what the access log, the metrics and the trace need of a request. A
// WebSocket's tunnel keeps only this of its request: it may be open for hours.
type requestRecord struct {
	config     *compiledConfig // the configuration in force when the request began
	start      time.Time
	id         string // request id
	clientText string // the client address
	route      *Route
	routeName  string

	// As received; set by completeRecord.
	method, hostField, path, userAgent string

	openID, appID string // of the session; set by completeRecord

	upstreamAddr string        // host:port of the last attempt; "": no attempt was made
	upstreamTime time.Duration // from sending the request to the response's header

	span trace.Span // the server span; nil: tracing is off

	status       int
	bytes        int64           // of the response body
	gatewayError *apierror.Error // nil: the gateway made no error
}

// completeRecord sets the fields that are read from the request and its session. Without
// the access log only the method is used.
func (rs *requestState) completeRecord() *requestRecord {
	r := rs.r
	rs.method = r.Method
	if !rs.config.LogAccess {
		return &rs.requestRecord
	}
	rs.hostField, rs.path = r.Host, r.URL.Path
	rs.userAgent = lastValue(r.Header["User-Agent"])
	if s := rs.session(); s != nil {
		rs.openID, rs.appID = s.OpenID, s.AppID
	}
	return &rs.requestRecord
}

// clone returns a copy that refers to no memory of the request: the strings of r are parts
// of the received head, token included. It truncates them as the log does.
func (r *requestRecord) clone() requestRecord {
	c := *r
	c.hostField, c.path, c.userAgent = truncate(r.hostField, maxLoggedHost), truncate(r.path, maxLoggedPath), truncate(r.userAgent, maxLoggedAgent)
	strings := [...]*string{&c.method, &c.hostField, &c.path, &c.userAgent, &c.id, &c.clientText}
	var all []byte
	for _, s := range strings {
		all = append(all, *s...)
	}
	text := string(all)
	for _, s := range strings {
		*s, text = text[:len(*s)], text[len(*s):]
	}
	return c
}
