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

// call is a request of the phone, of a web page or of WeChat that is under way.
type call struct {
	recorder  *Recorder
	number    int64
	requestID string
	began     time.Time
	request   *http.Request
	body      clip   // of the request, as far as it has been read
	person    person // the user whom the token or the cookie names

	streaming bool // guarded by Recorder.mu: the answer is a socket or an event stream
	answered  bool // guarded by Recorder.mu
}

// request is what was sent. Its body is in the answer's event: it is known when the
// gateway has read it.
type request struct {
	RequestID string      `json:"request_id"`
	Method    string      `json:"method"`
	Path      string      `json:"path"`
	Header    http.Header `json:"header"`
	WebPage   bool        `json:"web_page,omitempty"` // by cookie or by ticket
	PushOf    int64       `json:"push_of,omitempty"`  // WeChat pushes: the call of the simulator that it does so for
}

// answer is what was answered. Of streams and sockets it is the beginning.
type answer struct {
	Status      int         `json:"status"`
	Header      http.Header `json:"header"`
	Body        string      `json:"body"`
	RequestBody string      `json:"request_body"`
	Took        int64       `json:"took_us"`
}

const requestIDHeader = "X-Request-Id"

// Public wraps the handlers of the public listener: the gateway, or the simulator
// where it plays WeChat's app. Requests and answers pass as they are, but for an
// X-Request-ID where there is none: the gateway would make one, and by it the
// backend's part is known.
func (r *Recorder) Public(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := r.begin(req)
		defer r.end(c)
		out := &answerWriter{ResponseWriter: w}
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
	c := &call{recorder: r, requestID: req.Header.Get(requestIDHeader), began: time.Now(), request: req, person: personOf(bearer(req.Header))}
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = teeBody{req.Body, &c.body}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	c.number = r.calls
	sent := request{RequestID: c.requestID, Method: req.Method, Path: shorten(req.URL.RequestURI()), Header: shortenHeader(req.Header)}
	if credential, found := webCredential(req); found {
		c.person, sent.WebPage = r.credentials[credential], true
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
	if len(r.over) == overLength {
		r.over = slices.Delete(r.over, 0, 1)
	}
	r.over = append(r.over, c)
}

// stream reports an answer that has begun and may never end.
func (c *call) stream(w *answerWriter) {
	c.recorder.mu.Lock()
	c.streaming = true
	c.recorder.mu.Unlock()
	c.finish(w)
}

// finish reports the answer, once.
func (c *call) finish(w *answerWriter) {
	if !c.report(w) {
		return
	}
	if c.person == (person{}) {
		c.person = personOf(tokenIn(w.body.bytes()))
	}
	c.recorder.inspectStore(c.number, c.person)
}

func (c *call) report(w *answerWriter) bool {
	r := c.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.answered {
		return false
	}
	c.answered = true
	r.learnCredentials(c, w)
	r.emit(c.number, kindAnswer, answer{
		Status: w.status, Header: shortenHeader(w.Header()), Body: w.body.text(), RequestBody: c.body.text(),
		Took: time.Since(c.began).Microseconds(),
	})
	return true
}

// sentCode reports whether the code of a call to WeChat came with this call.
func (c *call) sentCode(asked wechattest.Call) bool {
	var sent struct {
		Code      string `json:"code"`
		PhoneCode string `json:"phone_code"`
	}
	if json.Unmarshal(c.body.bytes(), &sent) != nil {
		return false
	}
	for _, code := range []string{sent.Code, sent.PhoneCode} {
		if code != "" && (strings.Contains(asked.Query, code) || strings.Contains(asked.Body, code)) {
			return true
		}
	}
	return false
}

// teeBody records what is read of a request's body.
type teeBody struct {
	io.ReadCloser
	seen *clip
}

func (b teeBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.seen.add(p[:n])
	return n, err
}
