package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"wxgate/interop/rig"
)

const (
	parallel = 40 // POSTs at the same time

	// repeatWait is how long a repeated request may take to arrive.
	repeatWait = time.Second
)

// truncatingBackend: the backend announces a longer body than it sends, and closes the
// connection.
func truncatingBackend(ctx context.Context, r *rig.Rig, got *result) error {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.recordArrival(r)
		conn, out, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = out.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		_ = out.Flush()
	}))
	defer backend.Close()
	g, err := startGateway(ctx, r, route(backend.URL))
	if err != nil {
		return err
	}
	base, err := startRepeater(ctx, r, g)
	if err != nil {
		return err
	}
	token, _, err := g.Login(ctx, http.DefaultClient, "alice")
	if err != nil {
		return err
	}
	concurrently(parallel, func(n int) { got.post(ctx, base, token, n) })()
	got.expected = got.only("502 upstream_error", "200 truncated")
	return nil
}

// shortShutdown: one of two gateways stops, and its requests take longer than
// shutdown_timeout.
func shortShutdown(ctx context.Context, r *rig.Rig, got *result) error {
	backend, release := waitingBackend(got)
	defer backend.Close()
	defer release()
	gateways, base, err := startPair(ctx, r, backend.URL)
	if err != nil {
		return err
	}
	token, _, err := gateways[0].Login(ctx, http.DefaultClient, "alice")
	if err != nil {
		return err
	}
	wait := concurrently(parallel, func(n int) { got.post(ctx, base, token, n) })
	if err := gateways[0].Await(ctx, func() bool { return got.countArrivals() >= parallel }); err != nil {
		return err
	}
	if err := gateways[0].Terminate(ctx); err != nil {
		return err
	}
	if err := rig.Pause(ctx, repeatWait); err != nil {
		return err
	}
	release()
	wait()
	got.expected = got.only("200", "502 upstream_error", "503 overloaded") && got.responses["200"] > 0
	return nil
}

// endedSession: users log out while their POSTs are at the backend. A client that gets a
// 401 logs in again and repeats its POST, as the SDK does.
func endedSession(ctx context.Context, r *rig.Rig, got *result) error {
	backend, release := waitingBackend(got)
	defer backend.Close()
	defer release()
	g, err := startGateway(ctx, r, route(backend.URL))
	if err != nil {
		return err
	}
	tokens := make([]string, parallel)
	for n := range tokens {
		if tokens[n], _, err = g.Login(ctx, http.DefaultClient, fmt.Sprint("user", n)); err != nil {
			return err
		}
	}
	var failed atomic.Value
	wait := concurrently(parallel, func(n int) {
		if err := postWithLogin(ctx, g, tokens[n], n, got); err != nil {
			failed.Store(err)
		}
	})
	if err := g.Await(ctx, func() bool { return got.countArrivals() >= parallel }); err != nil {
		return err
	}
	for _, token := range tokens {
		if err := logout(ctx, g, token); err != nil {
			return err
		}
	}
	if err := rig.Pause(ctx, repeatWait); err != nil {
		return err
	}
	release()
	wait()
	got.expected = got.only("200")
	err, _ = failed.Load().(error)
	return err
}

// postWithLogin sends POST number n, and repeats it after a new login when the session has
// ended.
func postWithLogin(ctx context.Context, g *rig.Gateway, token string, n int, got *result) error {
	if got.post(ctx, g.URL(""), token, n) != "401 session_ended" {
		return nil
	}
	token, _, err := g.Login(ctx, http.DefaultClient, fmt.Sprint("user", n))
	if err != nil {
		return err
	}
	post(ctx, g.URL(""), token, n)
	return nil
}

// hungBackend: one of two backends reads requests and never responds. No more clients may
// wait until the route's timeout than it takes to eject the backend.
func hungBackend(ctx context.Context, r *rig.Rig, got *result) error {
	const sent, failures = 60, 3
	healthy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got.recordArrival(r) }))
	defer healthy.Close()
	hung := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // net/http watches for a closed connection only when the body has been read
		<-r.Context().Done()
	}))
	defer hung.Close()
	g, err := startGateway(ctx, r, fmt.Sprintf(
		"routes: [{path: /api/, timeout: 300ms, upstreams: [%q, %q], eject: {failures: %d, for: 1m}}]", healthy.URL, hung.URL, failures))
	if err != nil {
		return err
	}
	token, _, err := g.Login(ctx, http.DefaultClient, "alice")
	if err != nil {
		return err
	}
	for n := range sent {
		got.post(ctx, g.URL(""), token, n)
	}
	got.expected = got.only("200", "504 upstream_timeout") && got.responses["504 upstream_timeout"] == failures
	return nil
}

// waitingBackend responds to no request until release is called.
func waitingBackend(got *result) (*httptest.Server, context.CancelFunc) {
	ctx, release := context.WithCancel(context.Background())
	return httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got.recordArrival(r)
		<-ctx.Done()
	})), release
}

// limits are the settings of all gateways: many logins from one address, a short shutdown.
const limits = "\nlimits: {login_per_ip: 1000/s}\nshutdown_timeout: 1s\n"

func startGateway(ctx context.Context, r *rig.Rig, config string) (*rig.Gateway, error) {
	return r.Gateway(ctx, config+limits, nil)
}

func route(backend string) string {
	return fmt.Sprintf("routes: [{path: /api/, timeout: 20s, upstreams: [%q]}]", backend)
}

// startPair starts two gateways on one Redis with a repeater in front, whose base URL it
// returns.
func startPair(ctx context.Context, r *rig.Rig, backend string) (gateways [2]*rig.Gateway, base string, err error) {
	redis, err := r.Redis(ctx)
	if err != nil {
		return gateways, "", err
	}
	if gateways, err = r.GatewayPair(ctx, fmt.Sprintf("redis: {addrs: [%q]}\n%s%s", redis, route(backend), limits)); err != nil {
		return gateways, "", err
	}
	base, err = startRepeater(ctx, r, gateways[:]...)
	return gateways, base, err
}

func logout(ctx context.Context, g *rig.Gateway, token string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL("/auth/logout"), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		return errors.New("logout: " + res.Status)
	}
	return nil
}
