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

// Load sends requests, each with a number of its own, and is also the backend that
// responds to each with its number. It counts requests that failed and requests that
// reached the backend more than once. Make it with NewLoad.
type Load struct {
	Base  string // base URL of the gateway or of what is in front of it
	Token string // bearer token

	sent atomic.Int64

	mu       sync.Mutex
	failures map[string]int // how often, by method and what the client got instead of the response
	arrived  map[string]int // how often the backend received a request, by number
}

// NewLoad returns a load that has not started.
func NewLoad() *Load {
	return &Load{failures: map[string]int{}, arrived: map[string]int{}}
}

// Start starts, for each client, workers senders of GETs and as many of POSTs. stop ends
// them and waits for the last response.
func (l *Load) Start(ctx context.Context, workers int, clients ...*http.Client) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, client := range clients {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for range workers {
				running.Go(func() { l.sendUntil(ctx, client, method) })
			}
		}
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// sendUntil sends one request after another until ctx ends. Any other response than the
// backend's counts as a failure.
func (l *Load) sendUntil(ctx context.Context, client *http.Client, method string) {
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

// send returns the response's status and body, or the error, as text.
func (l *Load) send(client *http.Client, method, id string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	body := io.Reader(nil)
	if method == http.MethodPost {
		body = strings.NewReader(id) // net/http repeats a POST only when HTTP/2 says that the server hasn't processed it
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
	got, err := io.ReadAll(io.LimitReader(res.Body, 200))
	if err != nil {
		return err.Error()
	}
	if code := res.Header.Get("X-Gateway-Error"); code != "" {
		return fmt.Sprint(res.StatusCode, " ", code)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Sprint(res.StatusCode, ", not the gateway's")
	}
	return fmt.Sprint(res.StatusCode, " ", string(got))
}

// ServeHTTP is the backend. It waits five milliseconds, so that requests are in flight
// whenever a gateway stops.
func (l *Load) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimPrefix(r.URL.Path, "/api/")
	l.mu.Lock()
	l.arrived[id]++
	l.mu.Unlock()
	_, _ = io.Copy(io.Discard, r.Body)
	time.Sleep(5 * time.Millisecond)
	_, _ = io.WriteString(w, id)
}

// Sent returns the number of requests sent so far.
func (l *Load) Sent() int64 { return l.sent.Load() }

// Lossless reports whether every request got the backend's response and none reached the
// backend twice. Call it after stop.
func (l *Load) Lossless() bool { return len(l.failures) == 0 && l.Duplicates() == 0 }

// Failures describes the failures and how often each occurred. Call it after stop.
func (l *Load) Failures() string {
	if len(l.failures) == 0 {
		return "0"
	}
	var texts []string
	for _, what := range slices.Sorted(maps.Keys(l.failures)) {
		texts = append(texts, fmt.Sprintf("%d %.80s", l.failures[what], what))
	}
	return strings.Join(texts, "; ")
}

// Duplicates returns the number of requests that reached the backend more than once. It
// counts a GET that was repeated on a new connection too, which does no harm. Call it
// after stop.
func (l *Load) Duplicates() int {
	n := 0
	for _, times := range l.arrived {
		if times > 1 {
			n++
		}
	}
	return n
}
