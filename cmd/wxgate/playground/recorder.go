// Package playground serves the page of `wxgate dev`: a simulated phone, and beside it
// the live sequence of each of its calls, through the gateway to WeChat, Redis and
// the backend and back. Only `wxgate dev` uses it: everybody who can open the page
// sees all requests and can switch faults on.
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

// Recorder records the steps of each call for the open pages, and keeps a history
// for pages that are opened later. It is safe for concurrent use.
type Recorder struct {
	// Inspect reads the records of a user from the store; see session.Store. It must be
	// set before the first call. nil: the store isn't shown.
	Inspect func(ctx context.Context, appid, openid string) ([]session.Entry, error)

	start  string // identifies this process, so that a page notices a restart
	closed chan struct{}
	close  sync.Once

	mu          sync.Mutex
	events      int64
	calls       int64
	history     []frame
	subscribers map[chan frame]struct{}
	open        []*call // oldest first
	ended       []*call // the last ended calls, oldest first: the backend's part of a WebSocket is reported later
	credentials credentials

	inspections inspections
}

// historyLength is the number of events kept for pages that are opened later.
const historyLength = 400

// maxEndedCalls is the number of calls kept after their end.
const maxEndedCalls = 32

// subscriberQueue is the number of events that wait for a slow page. When it is full, the
// page's stream is closed; the page reads the missed events from the history when it reconnects.
const subscriberQueue = 256

// frame is an encoded event.
type frame struct {
	id   int64
	data []byte
}

// event is one step of a call.
type event struct {
	Call   int64     `json:"call"` // the number of the call; 0: none, such as for a request to WeChat for the private listener
	Kind   kind      `json:"kind"`
	Time   time.Time `json:"time"`
	Detail any       `json:"detail"`
}

// kind is the type of an event's detail.
type kind string

const (
	kindRequest  kind = "request"  // request: sent to the gateway, or to WeChat's app
	kindWeChat   kind = "wechat"   // wechattest.Call: from the gateway to WeChat
	kindBackend  kind = "backend"  // backendCall: from the gateway to the backend
	kindResponse kind = "response" // response: to the request
	kindStore    kind = "store"    // snapshot: the user's data in Redis after the call, if it has changed
	kindAdmin    kind = "admin"    // AdminCall: an operator's call of the private listener
	kindFault    kind = "fault"    // faultChange: a change of a switch
)

// NewRecorder returns a Recorder. Close ends its streams.
func NewRecorder() *Recorder {
	return &Recorder{
		start: strconv.FormatInt(time.Now().UnixNano(), 36), closed: make(chan struct{}),
		subscribers: map[chan frame]struct{}{},
	}
}

// Close ends the event streams, so that a server with open pages can stop.
func (r *Recorder) Close() { r.close.Do(func() { close(r.closed) }) }

// WeChat records a completed call to WeChat; it is the callback for
// wechattest.Options.OnCall.
func (r *Recorder) WeChat(c wechattest.Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.emit(r.causeOf(c), kindWeChat, c)
}

// causeOf returns the call that caused a request to WeChat: the one that sent its
// code, else the latest, which may need an access token.
func (r *Recorder) causeOf(toWeChat wechattest.Call) int64 {
	for _, c := range r.open {
		if c.sentCode(toWeChat) {
			return c.number
		}
	}
	return r.latest()
}

// latest returns the newest open call that isn't a stream, or 0.
func (r *Recorder) latest() int64 {
	for _, c := range slices.Backward(r.open) {
		if !c.streaming {
			return c.number
		}
	}
	return 0
}

// simulatedPush returns the open call that makes the simulator push a message, or 0.
// The caller holds r.mu.
func (r *Recorder) simulatedPush() int64 {
	for _, c := range slices.Backward(r.open) {
		if c.request.URL.Path == "/sim/push" {
			return c.number
		}
	}
	return 0
}

// callOf returns the call with the request id that the backend received. If the
// client's id was invalid, the gateway has replaced it, and the latest call is returned.
func (r *Recorder) callOf(requestID string) int64 {
	for _, list := range [][]*call{r.open, r.ended} {
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
		return // can't happen: all details can be encoded
	}
	r.events++
	f := frame{r.events, data}
	if len(r.history) == historyLength {
		r.history = slices.Delete(r.history, 0, 1)
	}
	r.history = append(r.history, f)
	for l := range r.subscribers {
		select {
		case l <- f:
		default:
			r.remove(l)
		}
	}
}

// subscribe returns the events after the given one, and a channel of later events. The
// channel is closed when its reader is too slow.
func (r *Recorder) subscribe(lastID string) (past []frame, next chan frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next = make(chan frame, subscriberQueue)
	r.subscribers[next] = struct{}{}
	after := r.numberOf(lastID)
	for i, f := range r.history {
		if f.id > after {
			return slices.Clone(r.history[i:]), next
		}
	}
	return nil, next
}

func (r *Recorder) unsubscribe(l chan frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(l)
}

func (r *Recorder) remove(l chan frame) {
	if _, there := r.subscribers[l]; there {
		delete(r.subscribers, l)
		close(l)
	}
}

// eventID returns the id of an event: start and number. So a page that has the events
// of an earlier process gets all events of this one.
func (r *Recorder) eventID(number int64) string { return r.start + "." + strconv.FormatInt(number, 10) }

func (r *Recorder) numberOf(id string) int64 {
	start, number, _ := strings.Cut(id, ".")
	n, err := strconv.ParseInt(number, 10, 64)
	if start != r.start || err != nil {
		return 0
	}
	return n
}
