package playground

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"wxgate/wechat/wechattest"
)

// call is a request of the phone, of a web page or of WeChat.
type call struct {
	recorder  *Recorder
	number    int64
	requestID string
	began     time.Time
	request   *http.Request
	body      clip    // of the request, as far as it has been read
	user      userKey // of the token or the cookie

	streaming bool // guarded by Recorder.mu: the response is a WebSocket or an event stream
	reported  bool // guarded by Recorder.mu: the response has been reported
}

// request is the event of a request. Its body is in the event of the response, since it
// is known only after the gateway has read it.
type request struct {
	RequestID string      `json:"request_id"`
	Method    string      `json:"method"`
	Path      string      `json:"path"`
	Header    http.Header `json:"header"`
	WebPage   bool        `json:"web_page,omitempty"` // by cookie or by ticket
	PushOf    int64       `json:"push_of,omitempty"`  // of a push by WeChat: the call that made the simulator push
}

// response is the event of a response. For streams and WebSockets, Body is their beginning.
type response struct {
	Status      int         `json:"status"`
	Header      http.Header `json:"header"`
	Body        string      `json:"body"`
	RequestBody string      `json:"request_body"`
	Took        int64       `json:"took_us"`
}

const requestIDHeader = "X-Request-Id"

// Public wraps the handlers of the public listener: the gateway, and the simulator in
// place of WeChat's app. Requests and responses pass unchanged, except that a request
// without X-Request-ID gets one, by which the backend's part is attributed to the call.
func (r *Recorder) Public(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := r.begin(req)
		defer r.end(c)
		out := &responseRecorder{ResponseWriter: w}
		out.onHead = func() {
			if out.isStream() {
				c.stream(out)
			}
		}
		h.ServeHTTP(out, req)
		c.finish(out)
	})
}

func (r *Recorder) begin(req *http.Request) *call {
	anonymous := len(req.Header[requestIDHeader]) == 0
	if anonymous {
		req.Header.Set(requestIDHeader, rand.Text())
	}
	c := &call{recorder: r, requestID: req.Header.Get(requestIDHeader), began: time.Now(), request: req, user: userOf(bearer(req.Header))}
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = teeBody{req.Body, &c.body}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	c.number = r.calls
	sent := request{RequestID: c.requestID, Method: req.Method, Path: shorten(req.URL.RequestURI()), Header: shortenHeader(req.Header)}
	if credential, found := webCredential(req); found {
		c.user, sent.WebPage = r.credentials[credential], true
	}
	if anonymous && strings.HasPrefix(req.URL.Path, pushPath) {
		sent.PushOf = r.simulatedPush()
	}
	r.open = append(r.open, c)
	r.emit(c.number, kindRequest, sent)
	return c
}

func (r *Recorder) end(c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = slices.DeleteFunc(r.open, func(o *call) bool { return o == c })
	if len(r.ended) == maxEndedCalls {
		r.ended = slices.Delete(r.ended, 0, 1)
	}
	r.ended = append(r.ended, c)
}

// stream reports a response that has begun and may never end.
func (c *call) stream(w *responseRecorder) {
	c.recorder.mu.Lock()
	c.streaming = true
	c.recorder.mu.Unlock()
	c.finish(w)
}

// finish reports the response, once.
func (c *call) finish(w *responseRecorder) {
	if !c.report(w) {
		return
	}
	if c.user == (userKey{}) {
		c.user = userOf(tokenIn(w.body.bytes()))
	}
	c.recorder.inspectStore(c.number, c.user)
}

func (c *call) report(w *responseRecorder) bool {
	r := c.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.reported {
		return false
	}
	c.reported = true
	r.storeCredentials(c, w)
	r.emit(c.number, kindResponse, response{
		Status: w.status, Header: shortenHeader(w.Header()), Body: w.body.text(), RequestBody: c.body.text(),
		Took: time.Since(c.began).Microseconds(),
	})
	return true
}

// sentCode reports whether this call sent the code of a call to WeChat.
func (c *call) sentCode(toWeChat wechattest.Call) bool {
	var sent struct {
		Code      string `json:"code"`
		PhoneCode string `json:"phone_code"`
	}
	if json.Unmarshal(c.body.bytes(), &sent) != nil {
		return false
	}
	for _, code := range []string{sent.Code, sent.PhoneCode} {
		if code != "" && (strings.Contains(toWeChat.Query, code) || strings.Contains(toWeChat.Body, code)) {
			return true
		}
	}
	return false
}

// teeBody records the part of a request's body that is read.
type teeBody struct {
	io.ReadCloser
	seen *clip
}

func (b teeBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.seen.add(p[:n])
	return n, err
}
