package rig

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Load is a run of requests, each with a number of its own, and the backend
// that answers them with it.
type Load struct {
	Base  string // the URL of what is asked, without a path
	Token string

	sent atomic.Int64

	mu       sync.Mutex
	failures map[string]int // what the client got instead of an answer, how often
	arrived  map[string]int // how often the backend saw each request
}

// NewLoad makes a load that has sent nothing yet.
func NewLoad() *Load {
	return &Load{failures: map[string]int{}, arrived: map[string]int{}}
}

// Start has each client send GETs and POSTs, so many of each at once, until
// stop, which waits for the last answer.
func (l *Load) Start(ctx context.Context, workers int, clients ...*http.Client) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, client := range clients {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for range workers {
				running.Go(func() { l.sendOn(ctx, client, method) })
			}
		}
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// sendOn sends one request after the other, each counted as lost that gets
// anything but the backend's answer.
func (l *Load) sendOn(ctx context.Context, client *http.Client, method string) {
	for ctx.Err() == nil {
		id := fmt.Sprint(l.sent.Add(1))
		if got := l.send(client, method, id); got != "200 "+id {
			l.mu.Lock()
			l.failures[method+" "+got]++
			l.mu.Unlock()
		}
		time.Sleep(2 * time.Millisecond) // so that the machine isn't the bottleneck
	}
}

// send gives status and body of the answer, or the error.
func (l *Load) send(client *http.Client, method, id string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	body := io.Reader(nil)
	if method == http.MethodPost {
		body = strings.NewReader(id) // net/http sends it again only where HTTP/2 says that nothing was done
	}
	req, err := http.NewRequestWithContext(ctx, method, l.Base+"/api/"+id, body)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+l.Token)
	res, err := client.Do(req)
	if err != nil {
		return strings.ReplaceAll(err.Error(), req.URL.String(), "")
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 200))
	if err != nil {
		return err.Error()
	}
	if code := res.Header.Get("X-Gateway-Error"); code != "" {
		return fmt.Sprint(res.StatusCode, " ", code)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Sprint(res.StatusCode, ", not the gateway's")
	}
	return fmt.Sprint(res.StatusCode, " ", string(answer))
}

// ServeHTTP is the backend. It takes a few milliseconds, so that requests are
// under way when a gateway stops.
func (l *Load) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimPrefix(r.URL.Path, "/api/")
	l.mu.Lock()
	l.arrived[id]++
	l.mu.Unlock()
	_, _ = io.Copy(io.Discard, r.Body)
	time.Sleep(5 * time.Millisecond)
	_, _ = io.WriteString(w, id)
}

// Sent is how many requests were sent.
func (l *Load) Sent() int64 { return l.sent.Load() }

// Lossless reports, of a load that has stopped, whether each request was
// answered and none reached the backend twice.
func (l *Load) Lossless() bool { return len(l.failures) == 0 && l.Doubled() == 0 }

// Lost are the failures of a load that has stopped, with their number.
func (l *Load) Lost() string {
	if len(l.failures) == 0 {
		return "0"
	}
	var texts []string
	for _, what := range slices.Sorted(maps.Keys(l.failures)) {
		texts = append(texts, fmt.Sprintf("%d %.80s", l.failures[what], what))
	}
	return strings.Join(texts, "; ")
}

// Doubled is how many requests the backend saw more than once. A GET that was
// sent again because a connection broke counts too, though it does no harm.
func (l *Load) Doubled() int {
	n := 0
	for _, times := range l.arrived {
		if times > 1 {
			n++
		}
	}
	return n
}
