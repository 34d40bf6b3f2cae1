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

// The kinds of requests, by whether the instance has served the session within
// stale_if_error.
const (
	known   = "session that the instance knows"
	unknown = "session that it doesn't know"
	login   = "login"
)

// kinds is the mix, in this order.
var kinds = []string{known, unknown, known, unknown, known, login, known, unknown, known, known}

const (
	knownSessions = 1000
	clientTimeout = 10 * time.Second
)

// sent is a request with its outcome.
type sent struct {
	kind    string
	due     time.Time
	latency time.Duration // from due to the end of the response
	outcome string        // "200", or status and error code, or the client's error
	token   string        // of a login
}

// end is when the response ended.
func (s sent) end() time.Time { return s.due.Add(s.latency) }

// load sends requests at a constant rate to two gateways.
type load struct {
	gateways [2]*rig.Gateway
	sim      string
	tokens   []string // of sessions; the first knownSessions are the known ones
	client   *http.Client

	mu   sync.Mutex
	done []sent
}

func newLoad(gateways [2]*rig.Gateway, sim string, tokens []string) *load {
	return &load{gateways: gateways, sim: sim, tokens: tokens, client: &http.Client{
		Timeout: clientTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 256},
	}}
}

// warm sends a request for each known session to each gateway.
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

// start sends requests until stop, which waits for the last response and returns the
// outcomes.
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
			running.Go(func() { l.send(i, due) })
		}
	})
	return func() []sent {
		cancel()
		running.Wait()
		return l.done
	}
}

// send sends the request with this number and records its outcome.
func (l *load) send(i int, due time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), clientTimeout)
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
		s.due = time.Now() // the latency doesn't include the simulator
		s.outcome, s.token = l.login(ctx, g, fmt.Sprint(code["code"]))
	}
	s.latency = time.Since(s.due)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = append(l.done, s)
}

// login exchanges a code for a token.
func (l *load) login(ctx context.Context, g *rig.Gateway, code string) (outcome, token string) {
	fields, err := l.post(ctx, g.URL("/auth/login"), fmt.Sprintf(`{"code":%q}`, code))
	if err != nil {
		return err.Error(), ""
	}
	token, _ = fields["token"].(string)
	return "200", token
}

// get sends a request with a token and returns its outcome.
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

// do returns the body of a 200, or an error with status and error code.
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
