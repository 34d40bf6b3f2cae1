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

// exchange is a call of the phone under way.
type exchange struct {
	recorder  *Recorder
	number    int64
	requestID string
	began     time.Time
	request   *http.Request
	body      clip   // of the request, as far as it has been read
	person    person // who asks, where his token says

	streaming bool // guarded by Recorder.mu: its answer goes on and on
	answered  bool // guarded by Recorder.mu
}

// request is what the phone sent. Its body is in the answer's event: it is
// known when the gateway has read it.
type request struct {
	RequestID string      `json:"request_id"`
	Method    string      `json:"method"`
	Path      string      `json:"path"`
	Header    http.Header `json:"header"`
}

// answer is what the phone got. Of streams and sockets it is the beginning.
type answer struct {
	Status      int         `json:"status"`
	Header      http.Header `json:"header"`
	Body        string      `json:"body"`
	RequestBody string      `json:"request_body"`
	Took        int64       `json:"took_us"`
}

const requestIDHeader = "X-Request-Id"

// Phone wraps what the phone calls: the gateway, or the simulator where it
// plays WeChat's app. Requests and answers pass as they are, but for an
// X-Request-ID where there is none: the gateway would make one, and by it the
// backend's part is known.
func (r *Recorder) Phone(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		x := r.begin(req)
		defer r.end(x)
		out := &answerWriter{ResponseWriter: w}
		out.onHead = func() {
			if out.goesOn() {
				x.streams(out)
			}
		}
		h.ServeHTTP(out, req)
		x.finish(out)
	})
}

func (r *Recorder) begin(req *http.Request) *exchange {
	if len(req.Header[requestIDHeader]) == 0 {
		req.Header.Set(requestIDHeader, rand.Text())
	}
	x := &exchange{
		recorder: r, requestID: req.Header.Get(requestIDHeader), began: time.Now(), request: req,
		person: personOf(bearer(req.Header)),
	}
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = teeBody{req.Body, &x.body}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges++
	x.number = r.exchanges
	r.open = append(r.open, x)
	r.emit(x.number, kindRequest, request{x.requestID, req.Method, shorten(req.URL.RequestURI()), shortenHeader(req.Header)})
	return x
}

func (r *Recorder) end(x *exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = slices.DeleteFunc(r.open, func(o *exchange) bool { return o == x })
	if len(r.over) == overLength {
		r.over = slices.Delete(r.over, 0, 1)
	}
	r.over = append(r.over, x)
}

// streams tells of an answer that has begun and may never end.
func (x *exchange) streams(w *answerWriter) {
	x.recorder.mu.Lock()
	x.streaming = true
	x.recorder.mu.Unlock()
	x.finish(w)
}

// finish tells of the answer, once.
func (x *exchange) finish(w *answerWriter) {
	if !x.tell(w) {
		return
	}
	if x.person == (person{}) {
		x.person = personOf(tokenIn(w.body.bytes()))
	}
	x.recorder.inspectStore(x.number, x.person)
}

func (x *exchange) tell(w *answerWriter) bool {
	r := x.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	if x.answered {
		return false
	}
	x.answered = true
	r.emit(x.number, kindAnswer, answer{
		Status: w.status, Header: shortenHeader(w.Header()), Body: w.body.text(), RequestBody: x.body.text(),
		Took: time.Since(x.began).Microseconds(),
	})
	return true
}

// brought tells whether the code of a call to WeChat came with this exchange.
func (x *exchange) brought(c wechattest.Call) bool {
	var sent struct {
		Code      string `json:"code"`
		PhoneCode string `json:"phone_code"`
	}
	if json.Unmarshal(x.body.bytes(), &sent) != nil {
		return false
	}
	for _, code := range []string{sent.Code, sent.PhoneCode} {
		if code != "" && (strings.Contains(c.Query, code) || strings.Contains(c.Body, code)) {
			return true
		}
	}
	return false
}

// teeBody notes what is read of a request's body.
type teeBody struct {
	io.ReadCloser
	seen *clip
}

func (b teeBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.seen.add(p[:n])
	return n, err
}
