package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"wxgate/interop/rig"
)

// The kinds of requests. An instance knows a session that it served within stale_if_error.
const (
	known   = "session that the instance knows"
	unknown = "session that it doesn't know"
	login   = "login"
)

// kinds is the mix, in turns.
var kinds = []string{known, unknown, known, unknown, known, login, known, unknown, known, known}

const (
	knownSessions = 1000
	patience      = 10 * time.Second // of a client
)

// sent is a request with its outcome.
type sent struct {
	kind    string
	due     time.Time
	latency time.Duration // from the time at which it was due
	outcome string        // "200", or status and error code, or the client's error
	token   string        // what a login gave
}

// load sends requests at a constant rate, to the gateways in turns.
type load struct {
	gateways [2]*rig.Gateway
	sim      string
	tokens   []string // of sessions; the first are the known ones
	client   *http.Client

	mu   sync.Mutex
	done []sent
}

func newLoad(gateways [2]*rig.Gateway, sim string, tokens []string) *load {
	return &load{gateways: gateways, sim: sim, tokens: tokens, client: &http.Client{
		Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 256},
	}}
}

// warm makes the known sessions known.
func (l *load) warm(ctx context.Context) error {
	for _, g := range l.gateways {
		err := inParallel(ctx, knownSessions, func(i int) error {
			if got := l.get(ctx, g, l.tokens[i]); got != "200" {
				return fmt.Errorf("a known session: %s", got)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// start sends until stop is called, which waits for the last answer.
func (l *load) start(ctx context.Context) (stop func() []sent) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	begin := time.Now()
	running.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			due := begin.Add(time.Duration(i) * time.Second / time.Duration(*rate))
			if rig.Pause(ctx, time.Until(due)) != nil {
				return
			}
			running.Go(func() { l.one(i, due) })
		}
	})
	return func() []sent {
		cancel()
		running.Wait()
		return l.done
	}
}

// one sends the request with this number.
func (l *load) one(i int, due time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s := sent{kind: kinds[i%len(kinds)], due: due}
	g := l.gateways[i/len(kinds)%2]
	switch s.kind {
	case known:
		s.outcome = l.get(ctx, g, l.tokens[i%knownSessions])
	case unknown:
		s.outcome = l.get(ctx, g, l.tokens[len(l.tokens)/2+i%(len(l.tokens)/2)])
	case login:
		code, err := l.post(ctx, l.sim+"/sim/code", fmt.Sprintf(`{"user":"late-%d"}`, i))
		if err != nil {
			s.outcome = err.Error()
			break
		}
		due = time.Now() // the simulator's time doesn't count
		answer, err := l.post(ctx, g.URL("/auth/login"), fmt.Sprintf(`{"code":%q}`, code["code"]))
		if s.outcome = "200"; err != nil {
			s.outcome = err.Error()
		}
		s.token, _ = answer["token"].(string)
	}
	s.latency = time.Since(due)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = append(l.done, s)
}

func (l *load) get(ctx context.Context, g *rig.Gateway, token string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.URL("/api/x"), nil)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+token)
	_, err = l.do(req)
	if err != nil {
		return err.Error()
	}
	return "200"
}

func (l *load) post(ctx context.Context, url, body string) (map[string]any, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	raw, err := l.do(req)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	return fields, json.Unmarshal(raw, &fields)
}

// do gives the body of a 200, or an error with status and error code.
func (l *load) do(req *http.Request) ([]byte, error) {
	res, err := l.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s", strings.ReplaceAll(err.Error(), req.URL.String(), ""))
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", res.StatusCode, res.Header.Get("X-Gateway-Error"))
	}
	return raw, err
}
