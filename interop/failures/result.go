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

// result counts, of one scenario, what clients got and how often each request
// reached the backend.
type result struct {
	mu       sync.Mutex
	answers  map[string]int
	arrived  map[string]int
	arrivals int

	expected bool // the scenario's own condition holds
}

func newResult() *result {
	return &result{answers: map[string]int{}, arrived: map[string]int{}}
}

// arrive counts a request at the backend. Its path ends in its number.
func (res *result) arrive(r *http.Request) {
	res.mu.Lock()
	defer res.mu.Unlock()
	res.arrived[r.URL.Path]++
	res.arrivals++
}

// seen is how many requests have reached the backend, repeats included.
func (res *result) seen() int {
	res.mu.Lock()
	defer res.mu.Unlock()
	return res.arrivals
}

func (res *result) requests() (n int) {
	for _, count := range res.answers {
		n += count
	}
	return n
}

func (res *result) doubled() (n int) {
	for _, times := range res.arrived {
		if times > 1 {
			n++
		}
	}
	return n
}

// only reports whether clients got nothing but these.
func (res *result) only(allowed ...string) bool {
	for got := range res.answers {
		if !slices.Contains(allowed, got) {
			return false
		}
	}
	return true
}

func (res *result) String() string {
	var texts []string
	for _, got := range slices.Sorted(maps.Keys(res.answers)) {
		texts = append(texts, fmt.Sprintf("%d × %.60s", res.answers[got], got))
	}
	return strings.Join(texts, ", ")
}

// post sends request n with a body and counts what comes: the status, with the
// gateway's error code, or "no answer".
func (res *result) post(ctx context.Context, base, token string, n int) string {
	got := post(ctx, base, token, n)
	res.mu.Lock()
	defer res.mu.Unlock()
	res.answers[got]++
	return got
}

func post(ctx context.Context, base, token string, n int) string {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/api/%d", base, n), strings.NewReader("{}"))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return "no answer"
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return fmt.Sprint(answer.StatusCode, " broken off")
	}
	return strings.TrimSpace(fmt.Sprint(answer.StatusCode, " ", answer.Header.Get("X-Gateway-Error")))
}

// each runs n calls at once and waits for all.
func each(n int, call func(int)) (wait func()) {
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { call(i) })
	}
	return running.Wait
}
