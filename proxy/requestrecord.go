package proxy

import (
	"time"

	"go.opentelemetry.io/otel/trace"

	"wxgate/apierror"
)

// requestRecord is what the access log, the metrics and the trace say of a request. A
// WebSocket's tunnel keeps nothing else of its request: it may be open for hours.
type requestRecord struct {
	config     *compiledConfig // the configuration in force when the request began
	start      time.Time
	id         string // request id
	clientText string // the client address
	route      *Route
	routeName  string

	// As received; set by complete.
	method, hostField, path, userAgent string

	openID, appID string // of the session; set by complete

	upstreamAddr string        // host:port of the last attempt; "": no attempt was made
	upstreamTime time.Duration // from sending the request to the response's header

	span trace.Span // the server span; nil: tracing is off

	status       int
	bytes        int64           // of the response body
	gatewayError *apierror.Error // nil: the gateway made no error
}

// complete sets what the record says of the request itself and of its session.
func (rc *requestContext) complete() *requestRecord {
	r := rc.r
	rc.method, rc.hostField, rc.path = r.Method, r.Host, r.URL.Path
	rc.userAgent = lastValue(r.Header["User-Agent"])
	if s := rc.session(); s != nil {
		rc.openID, rc.appID = s.OpenID, s.AppID
	}
	return &rc.requestRecord
}

// detach returns a copy that refers to no memory of the request: its strings are parts
// of the received head, token included. It truncates them to what the log shows.
func (r *requestRecord) detach() requestRecord {
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
