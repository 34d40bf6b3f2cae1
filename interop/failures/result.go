package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// result counts, in one scenario, what clients got and how often each request reached the
// backend.
type result struct {
	mu        sync.Mutex
	responses map[string]int // by status and error code, or "no response"
	arrived   map[string]int // by path, which ends in the request's number
	arrivals  int            // repeats included

	expected bool // the scenario's own condition holds
}

func newResult() *result {
	return &result{responses: map[string]int{}, arrived: map[string]int{}}
}

// recordArrival counts a request at the backend.
func (res *result) recordArrival(r *http.Request) {
	res.mu.Lock()
	defer res.mu.Unlock()
	res.arrived[r.URL.Path]++
	res.arrivals++
}

// countArrivals returns how many requests have reached the backend, repeats included.
func (res *result) countArrivals() int {
	res.mu.Lock()
	defer res.mu.Unlock()
	return res.arrivals
}

// requests returns the number of requests that clients have sent.
func (res *result) requests() (n int) {
	for _, count := range res.responses {
		n += count
	}
	return n
}

// duplicates returns the number of requests that reached the backend more than once.
func (res *result) duplicates() (n int) {
	for _, times := range res.arrived {
		if times > 1 {
			n++
		}
	}
	return n
}

// only reports whether clients got nothing but these.
func (res *result) only(allowed ...string) bool {
	for got := range res.responses {
		if !slices.Contains(allowed, got) {
			return false
		}
	}
	return true
}

func (res *result) String() string {
	var texts []string
	for _, got := range slices.Sorted(maps.Keys(res.responses)) {
		texts = append(texts, fmt.Sprintf("%d × %.60s", res.responses[got], got))
	}
	return strings.Join(texts, ", ")
}

// post sends POST number n and counts its outcome, which it returns.
func (res *result) post(ctx context.Context, base, token string, n int) string {
	got := post(ctx, base, token, n)
	res.mu.Lock()
	defer res.mu.Unlock()
	res.responses[got]++
	return got
}

// post sends POST number n. The outcome is the status, with the gateway's error code, or
// "no response".
func post(ctx context.Context, base, token string, n int) string {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/api/%d", base, n), strings.NewReader("{}"))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		return "no response"
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return fmt.Sprint(response.StatusCode, " truncated")
	}
	return strings.TrimSpace(fmt.Sprint(response.StatusCode, " ", response.Header.Get("X-Gateway-Error")))
}

// concurrently starts n calls at the same time. wait returns after the last one.
func concurrently(n int, call func(int)) (wait func()) {
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { call(i) })
	}
	return running.Wait
}
