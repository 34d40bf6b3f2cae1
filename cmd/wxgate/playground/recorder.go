// Package playground is the page of `wxgate dev`: a phone in the browser beside
// the live sequence of each of its calls, through the gateway to WeChat, Redis and
// the backend and back. Only `wxgate dev` uses it: everybody who opens the page
// sees all requests and may break what its switches name.
package playground

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"wxgate/session"
	"wxgate/wechat/wechattest"
)

// Recorder records the steps of each call, for pages that are open and, as far as
// its history goes, for those opened later. It is safe for concurrent use.
type Recorder struct {
	// Inspect reads what the store holds of a user, as session.Store does. It is to
	// be set before the first call; nil: the store isn't shown.
	Inspect func(ctx context.Context, appid, openid string) ([]session.Entry, error)

	start  string // distinguishes this process's events from those before a restart
	closed chan struct{}
	close  sync.Once

	mu          sync.Mutex
	events      int64
	calls       int64
	history     []frame
	listeners   map[chan frame]struct{}
	open        []*call // oldest first
	over        []*call // the last that ended, oldest first: the backend's part of a socket is reported later
	credentials credentials

	inspections inspections
}

// historyLength is how many events a page that opens late still sees.
const historyLength = 400

// overLength is how many calls are remembered after their end.
const overLength = 32

// listenerQueue is how far a page may fall behind. Then it is cut off, and
// catches up from history when it connects again.
const listenerQueue = 256

// frame is an event as it is sent.
type frame struct {
	id   int64
	data []byte
}

// event is one step of a call.
type event struct {
	Call   int64     `json:"call"` // its number; 0: of none, such as a request to WeChat for the private listener
	Kind   kind      `json:"kind"`
	Time   time.Time `json:"time"`
	Detail any       `json:"detail"`
}

// kind says what an event's detail is.
type kind string

const (
	kindRequest kind = "request" // request: sent to the gateway, or to WeChat's app
	kindWeChat  kind = "wechat"  // wechattest.Call: the gateway has asked WeChat
	kindBackend kind = "backend" // backendCall: the gateway has asked the backend
	kindAnswer  kind = "answer"  // answer: to the request
	kindStore   kind = "store"   // snapshot: what lies in Redis afterwards, where that has changed
	kindAdmin   kind = "admin"   // AdminCall: of the private listener, by an operator
	kindFault   kind = "fault"   // faultChange: a switch of the page
)

// NewRecorder makes a Recorder. Close ends its streams.
func NewRecorder() *Recorder {
	return &Recorder{
		start: strconv.FormatInt(time.Now().UnixNano(), 36), closed: make(chan struct{}),
		listeners: map[chan frame]struct{}{},
	}
}

// Close ends the event streams, so that a server with open pages can stop.
func (r *Recorder) Close() { r.close.Do(func() { close(r.closed) }) }

// WeChat records a call that WeChat has answered: what wechattest.Options.OnCall
// wants.
func (r *Recorder) WeChat(c wechattest.Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.emit(r.causeOf(c), kindWeChat, c)
}

// causeOf finds the call that a request to WeChat was made for: the one that
// brought the code, else the latest, which may need an access token.
func (r *Recorder) causeOf(asked wechattest.Call) int64 {
	for _, c := range r.open {
		if c.sentCode(asked) {
			return c.number
		}
	}
	return r.latest()
}

// latest is the call begun last of those under way, or 0.
func (r *Recorder) latest() int64 {
	for _, c := range slices.Backward(r.open) {
		if !c.streaming {
			return c.number
		}
	}
	return 0
}

// simulatedPush is the call under way that has the simulator push a message, or 0.
// The caller holds r.mu.
func (r *Recorder) simulatedPush() int64 {
	for _, c := range slices.Backward(r.open) {
		if c.request.URL.Path == "/sim/push" {
			return c.number
		}
	}
	return 0
}

// callOf finds a call by its request id, which the gateway has handed to the
// backend. Where the client's was not a valid one, it has another there.
func (r *Recorder) callOf(requestID string) int64 {
	for _, list := range [][]*call{r.open, r.over} {
		for _, c := range slices.Backward(list) {
			if c.requestID == requestID {
				return c.number
			}
		}
	}
	return r.latest()
}

// emit sends an event to all pages. The caller holds r.mu.
func (r *Recorder) emit(call int64, k kind, detail any) {
	data, err := json.Marshal(event{call, k, time.Now(), detail})
	if err != nil {
		return // only for types that JSON can't hold
	}
	r.events++
	f := frame{r.events, data}
	if len(r.history) == historyLength {
		r.history = slices.Delete(r.history, 0, 1)
	}
	r.history = append(r.history, f)
	for l := range r.listeners {
		select {
		case l <- f:
		default:
			r.drop(l)
		}
	}
}

// listen gives the events after the one named and a channel of those to come,
// which is closed when its reader falls too far behind.
func (r *Recorder) listen(lastID string) (past []frame, next chan frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next = make(chan frame, listenerQueue)
	r.listeners[next] = struct{}{}
	after := r.numberOf(lastID)
	for i, f := range r.history {
		if f.id > after {
			return slices.Clone(r.history[i:]), next
		}
	}
	return nil, next
}

func (r *Recorder) leave(l chan frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(l)
}

func (r *Recorder) drop(l chan frame) {
	if _, there := r.listeners[l]; there {
		delete(r.listeners, l)
		close(l)
	}
}

// An event is named by start and number, so that a page which has seen the
// events of an earlier process gets all of this one's.
func (r *Recorder) name(number int64) string { return r.start + "." + strconv.FormatInt(number, 10) }

func (r *Recorder) numberOf(name string) int64 {
	start, number, _ := strings.Cut(name, ".")
	n, err := strconv.ParseInt(number, 10, 64)
	if start != r.start || err != nil {
		return 0
	}
	return n
}
