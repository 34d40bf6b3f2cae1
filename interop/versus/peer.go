package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"wxgate/internal/testkit/process"
)

// peer is a proxy under measurement.
type peer struct {
	name          string
	address       string // host:port
	token         string // sent with each request
	authenticates bool   // refuses a request without a token
	identifies    bool   // sends the user to the backend, in X-OpenID
	logs          bool   // writes an access log: measured with GET only

	processes []*process.Process // their processor time is the peer's
	results   map[string]*result // by load
}

// result holds a peer's measurements under one load, one for each round.
type result struct {
	costs []float64       // processor time per request, in µs
	rates []float64       // requests per second
	p99   []time.Duration // latency at a constant rate, one for each run
}

func (p *peer) result(load string) *result {
	if p.results == nil {
		p.results = map[string]*result{}
	}
	if p.results[load] == nil {
		p.results[load] = &result{}
	}
	return p.results[load]
}

// cpu is the processor time that the peer's processes have used.
func (p *peer) cpu() (time.Duration, error) {
	total := time.Duration(0)
	for _, proc := range p.processes {
		used, err := proc.CPU()
		if err != nil {
			return 0, err
		}
		total += used
	}
	return total, nil
}

// memory is the sum of the peak resident memory of the peer's processes, in bytes.
func (p *peer) memory() (int64, error) {
	total := int64(0)
	for _, proc := range p.processes {
		peak, err := proc.Memory("VmHWM")
		if err != nil {
			return 0, err
		}
		total += peak
	}
	return total, nil
}

// verify checks that the peer authenticates requests and identifies the user.
func (p *peer) verify(ctx context.Context) error {
	status, openid, err := p.whoami(ctx, p.token)
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return fmt.Errorf("a valid token got status %d", status)
	case p.identifies && openid == "":
		return errors.New("the backend received no X-OpenID")
	}
	status, _, err = p.whoami(ctx, p.token[:max(0, len(p.token)-4)]+"AAAA")
	if err != nil {
		return err
	}
	if p.authenticates && status != http.StatusUnauthorized && status != http.StatusForbidden {
		return fmt.Errorf("the response to an invalid token has status %d", status)
	}
	return nil
}

// whoami sends a request with a token. It returns the response's status, and the X-OpenID
// that the backend received.
func (p *peer) whoami(ctx context.Context, token string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+"/whoami", nil)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("X-OpenID", "") // the client's own value must not reach the backend
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	return res.StatusCode, string(body), err
}
