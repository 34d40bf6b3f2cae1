package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/proxy/upstream"
)

// errCut ends the context of a live request whose session has ended.
var errCut = apierror.New(apierror.SessionEnded, "the session has ended, log in again")

// forward sends the request to the route's upstream and the answer back. The
// outbound request is made anew: nothing of the client's passes but what is
// copied here.
func (g *Gateway) forward(x *exchange, st *state) {
	ctx, cancel := context.WithCancelCause(x.r.Context())
	defer cancel(nil)
	if x.known {
		stop := g.Sessions.Watch(x.grant, func() { cancel(errCut) })
		defer stop()
	}
	out, body, err := st.outbound(ctx, x)
	if err != nil {
		x.refuse(err)
		return
	}
	if body != nil {
		defer body.shut()
	}
	early := passEarlyHints(x, st.headers)
	res, err := x.send(httptrace.WithClientTrace(ctx, early.trace()), out)
	early.stop()
	if err != nil {
		x.fail(forwardFault(ctx, err, body))
		return
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols {
		// Nobody asked for it: a tunnel's request does not come this way.
		x.fail(apierror.New(apierror.UpstreamError, "the backend switched protocols unasked"))
		return
	}
	st.answer(ctx, x, res, body)
}

// send asks the route's upstream.
func (x *exchange) send(ctx context.Context, out *http.Request) (*http.Response, error) {
	if s := x.session(); s != nil && x.route.HashByOpenID {
		ctx = upstream.WithHashKey(ctx, s.OpenID)
	}
	return x.route.Upstream.RoundTrip(out.WithContext(ctx))
}

// outbound makes the request for the backend. Its URL has no host yet, the
// upstream group chooses one.
func (st *state) outbound(ctx context.Context, x *exchange) (*http.Request, *requestBody, error) {
	r, rt := x.r, x.route
	h := fromClient(st.headers, r.Header, x.trusted)
	if slices.Contains(r.Header["Te"], "trailers") {
		h.Header["Te"] = []string{"trailers"} // gRPC insists on it
	}
	if _, told := h.Header["User-Agent"]; !told {
		h.Header["User-Agent"] = nil // else net/http adds its own
	}
	x.setForwarded(h)
	if err := st.setIdentity(h, x); err != nil {
		return nil, nil, err
	}
	if err := st.setCookies(ctx, h.Header, x); err != nil {
		return nil, nil, err
	}
	rt.changeRequest(h.Header)
	out := &http.Request{
		Method: r.Method, URL: rt.target(r.URL), Host: r.Host, Header: h.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: r.ContentLength,
	}
	if !rt.PreserveHost {
		out.Host = ""
	}
	return out, st.carryBody(out, x), nil
}

// setIdentity adds who asks; nothing under these names is in h yet.
func (st *state) setIdentity(h *outHeader, x *exchange) error {
	s := x.session()
	if s == nil {
		return nil
	}
	st.Identity.set(h, s)
	if st.Identity.Assertion == "" {
		return nil
	}
	signed, err := st.sessions.Assert(s, x.route.Name)
	if err != nil {
		return err
	}
	h.put(st.Identity.Assertion, signed)
	return nil
}

// changeRequest applies the route's own header rules, behind everything else
// but never to what the gateway owns (the config refuses those names).
func (rt *Route) changeRequest(h http.Header) {
	for _, name := range rt.RequestRemove {
		delete(h, name)
	}
	for name, value := range rt.RequestSet {
		h[name] = []string{value}
	}
}

// target is the URL's path and query for the backend: prefixes changed, all
// else as it was sent.
func (rt *Route) target(in *url.URL) *url.URL {
	out := &url.URL{Path: in.Path, RawPath: in.EscapedPath(), RawQuery: in.RawQuery, ForceQuery: in.ForceQuery}
	if rt.StripPrefix != "" {
		out.Path, out.RawPath = stripPrefix(out.Path, out.RawPath, rt.StripPrefix)
	}
	if rt.AddPrefix != "" {
		prefix := strings.TrimSuffix(rt.AddPrefix, "/")
		out.Path, out.RawPath = prefix+out.Path, prefix+out.RawPath
	}
	return out
}

// stripPrefix takes a prefix off both forms of a path, at a segment's end
// only. raw is path with escapes; both are cut at the same byte of the decoded form.
func stripPrefix(path, raw, prefix string) (string, string) {
	prefix = strings.TrimSuffix(prefix, "/")
	rest, ok := strings.CutPrefix(path, prefix)
	if !ok || rest != "" && rest[0] != '/' {
		return path, raw
	}
	cut := 0
	for range len(prefix) {
		if raw[cut] == '%' {
			cut += 2
		}
		cut++
	}
	if rest == "" {
		return "/", "/"
	}
	return rest, raw[cut:]
}

// carryBody attaches the client's body and trailers, bounded.
func (st *state) carryBody(out *http.Request, x *exchange) *requestBody {
	r := x.r
	if r.ContentLength == 0 {
		return nil // net/http may then repeat the request by itself
	}
	var onEOF func()
	if len(r.Trailer) > 0 {
		out.Trailer = make(http.Header, len(r.Trailer))
		for name := range r.Trailer {
			if st.headers.Request(name).PassesFromClient(x.trusted) && httprule.TrailerMayCarry(name) && !x.route.rules(name) {
				out.Trailer[name] = nil
			}
		}
		onEOF = func() { copyTrailers(out.Trailer, r.Trailer) }
	}
	body := newRequestBody(x, x.route.MaxBody, onEOF)
	out.Body = body
	return body
}

// rules reports whether the route sets or removes a header of requests.
func (rt *Route) rules(name string) bool {
	_, set := rt.RequestSet[name]
	return set || slices.Contains(rt.RequestRemove, name)
}

// copyTrailers fills what was announced; a trailer that was not is dropped.
func copyTrailers(announced, came http.Header) {
	for name := range announced {
		announced[name] = came[name]
	}
}

// upstreamRetryAfter is about what a failed target takes to be tried again.
const upstreamRetryAfter = 2 * time.Second

// forwardFault says why there is no answer from the backend: the session's
// end, the client's own doing, or the backend's.
func forwardFault(ctx context.Context, err error, body *requestBody) *apierror.Error {
	if cause := context.Cause(ctx); errors.Is(cause, errCut) {
		return errCut
	}
	if f := body.clientFault(); f != nil {
		return f
	}
	switch {
	case ctx.Err() != nil:
		return apierror.New(apierror.ClientClosed, "the client went away").Because(err)
	case errors.Is(err, upstream.ErrNoHealthy):
		f := apierror.New(apierror.NoHealthyUpstream, "no backend is able to answer, try again").Because(err)
		f.RetryAfter = upstreamRetryAfter
		return f
	case errors.Is(err, upstream.ErrOverloaded):
		f := apierror.New(apierror.Overloaded, "the gateway has no resources left, try again").Because(err)
		f.RetryAfter = time.Second
		return f
	case errors.Is(err, upstream.ErrRequestBody):
		return bodyFault(err)
	case errors.Is(err, upstream.ErrTimeout):
		return apierror.New(apierror.UpstreamTimeout, "the backend took too long").Because(err)
	}
	return apierror.New(apierror.UpstreamError, "the backend could not be reached or broke its answer off").Because(err)
}

// answer sends the backend's response to the client, as it comes.
func (st *state) answer(ctx context.Context, x *exchange, res *http.Response, body *requestBody) {
	st.keepCookies(ctx, x, res)
	h := x.Header()
	copyResponseHeader(h, res.Header, st.headers)
	if _, told := h["Content-Type"]; !told {
		h["Content-Type"] = nil // else net/http guesses one
	}
	announced := announceTrailers(h, res.Trailer, st.headers)
	x.responseHeaders = x.route.changeResponse(x.responseHeaders)
	x.WriteHeader(res.StatusCode)
	if err := copyBody(x, res); err != nil {
		x.abort(ctx, err, body)
	}
	sendTrailers(x, res.Trailer, announced, st.headers)
}

func copyResponseHeader(dst, src http.Header, rules *httprule.Headers) {
	listed := httprule.ConnectionOptions(src["Connection"])
	for name, values := range src {
		if rules.Response(name).PassesFromBackend() && !slices.Contains(listed, name) {
			dst[name] = values
		}
	}
}

// changeResponse puts the route's own rules behind the ones already there.
func (rt *Route) changeResponse(before func(http.Header)) func(http.Header) {
	if len(rt.ResponseSet) == 0 && len(rt.ResponseGone) == 0 {
		return before
	}
	return func(h http.Header) {
		for _, name := range rt.ResponseGone {
			delete(h, name)
		}
		for name, value := range rt.ResponseSet {
			h[name] = []string{value}
		}
		if before != nil {
			before(h)
		}
	}
}

// abort breaks the connection off: a client must not take half an answer for
// a whole one. It does not return.
func (x *exchange) abort(ctx context.Context, err error, body *requestBody) {
	x.fault = forwardFault(ctx, err, body)
	panic(http.ErrAbortHandler)
}

// bodies holds the buffers that bodies are copied through.
var bodies = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// copyBody streams the body. Where its length isn't known beforehand (SSE,
// chunked, gRPC) each piece is flushed at once.
func copyBody(x *exchange, res *http.Response) error {
	buf := bodies.Get().(*[32 << 10]byte)
	defer bodies.Put(buf)
	stream := res.ContentLength < 0 || strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream")
	if stream {
		x.Flush() // the header alone may be what the client waits for
	}
	for {
		n, err := res.Body.Read(buf[:])
		if n > 0 {
			if _, werr := x.Write(buf[:n]); werr != nil {
				return werr
			}
			if stream {
				x.Flush()
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// announceTrailers declares the trailers that the backend declared, but none
// that only the gateway may send. It gives how many.
func announceTrailers(h, trailer http.Header, rules *httprule.Headers) int {
	names := make([]string, 0, len(trailer))
	for name := range trailer {
		if rules.Response(name).PassesFromBackend() && httprule.TrailerMayCarry(name) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		h["Trailer"] = []string{strings.Join(names, ", ")}
	}
	return len(names)
}

// sendTrailers passes on what came after the body, announced or not.
func sendTrailers(x *exchange, trailer http.Header, announced int, rules *httprule.Headers) {
	if len(trailer) == 0 {
		return
	}
	x.Flush() // forces chunking, without which there are no trailers
	prefix := http.TrailerPrefix
	if announced == len(trailer) {
		prefix = ""
	}
	h := x.Header()
	for name, values := range trailer {
		if rules.Response(name).PassesFromBackend() && httprule.TrailerMayCarry(name) {
			h[prefix+name] = values
		}
	}
}

// maxEarlyHints bounds the 1xx answers to one request.
const maxEarlyHints = 32

// earlyHints passes 1xx answers of the backend on while the final one is
// awaited.
type earlyHints struct {
	x     *exchange
	rules *httprule.Headers
	mu    sync.Mutex
	over  bool
	count int
}

func passEarlyHints(x *exchange, rules *httprule.Headers) *earlyHints {
	return &earlyHints{x: x, rules: rules}
}

func (e *earlyHints) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{Got1xxResponse: e.pass}
}

func (e *earlyHints) pass(status int, header textproto.MIMEHeader) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over || status == http.StatusContinue || !e.x.r.ProtoAtLeast(1, 1) {
		return nil // the server says 100 by itself, when the body is read
	}
	if e.count++; e.count > maxEarlyHints {
		return errors.New("too many 1xx answers")
	}
	h := e.x.Header()
	copyResponseHeader(h, http.Header(header), e.rules)
	if e.x.route.Cookies != CookiesPass {
		delete(h, "Set-Cookie")
	}
	e.x.WriteHeader(status)
	clear(h)
	return nil
}

func (e *earlyHints) stop() {
	e.mu.Lock()
	e.over = true
	e.mu.Unlock()
}
