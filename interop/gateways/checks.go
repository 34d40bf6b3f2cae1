package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"wxgate/interop/rig"
)

const (
	checkLimit = 20 * time.Second
	uploadSize = 32 << 20
	madeUp     = "made-up"
)

// checks are tried through each arrangement.
var checks = []struct {
	name string
	try  func(context.Context, *caller) (string, error)
}{
	{"protocol of the client", protocol},
	{"identity, and none that a client made up", identity},
	{"client address, and none that a client made up", address},
	{"nothing else that a client says of the way", family},
	{"WebSocket", socket},
	{"server-sent events as they come", events},
	{"upload of 32 MiB", upload},
}

// caller is a user at the base URL of an arrangement.
type caller struct {
	*trial
	base          string
	client        *http.Client
	token, openid string
}

func (c *caller) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	return req, nil
}

// seen asks the backend which headers it got, with one of the client's own.
func (c *caller) seen(ctx context.Context, name, value string) (http.Header, string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	req, err := c.request(ctx, http.MethodGet, "/seen", nil)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set(name, value)
	res, err := c.client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	var header http.Header
	if err := json.NewDecoder(res.Body).Decode(&header); err != nil {
		return nil, "", fmt.Errorf("%s: %w", res.Status, err)
	}
	return header, res.Proto, nil
}

func protocol(ctx context.Context, c *caller) (string, error) {
	_, proto, err := c.seen(ctx, "X-Test", "1")
	if err == nil && proto != "HTTP/2.0" {
		err = errors.New(proto)
	}
	return proto, err
}

func identity(ctx context.Context, c *caller) (string, error) {
	header, _, err := c.seen(ctx, "X-Openid", "admin")
	if err == nil && (len(header["X-Openid"]) != 1 || header.Get("X-OpenID") != c.openid) {
		err = fmt.Errorf("X-OpenID is %q", header["X-Openid"])
	}
	return "", err
}

// address wants the client's own address, with the addresses of those on the way behind it
// where they add them, and never what the client made up.
func address(ctx context.Context, c *caller) (string, error) {
	header, _, err := c.seen(ctx, "X-Forwarded-For", "203.0.113.9")
	if err != nil {
		return "", err
	}
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip"} {
		if got := strings.ReplaceAll(fmt.Sprint(header[name]), "127.0.0.1", "ours"); got != "[ours]" && got != "[ours, ours]" {
			return "", fmt.Errorf("%s is %s", name, got)
		}
	}
	if got := fmt.Sprint(header["X-Forwarded-Proto"]); got != "[https]" {
		return "", fmt.Errorf("X-Forwarded-Proto is %s", got)
	}
	return "", nil
}

// family sends what the gateway believes of a trusted balancer only. One before the
// gateway must take it off; one behind the gateway never sees it.
func family(ctx context.Context, c *caller) (string, error) {
	for _, name := range []string{
		"Forwarded", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Uri", "X-Forwarded-Method",
		"X-Forwarded-Ssl", "X-Forwarded-Scheme", "X-Original-Url", "X-Original-Host", "X-Rewrite-Url",
	} {
		header, _, err := c.seen(ctx, name, madeUp)
		if err != nil {
			return "", err
		}
		if got := fmt.Sprint(header[name]); strings.Contains(got, madeUp) {
			return "", fmt.Errorf("%s is %s", name, got)
		}
	}
	return "", nil
}

func socket(ctx context.Context, c *caller) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, c.base+"/socket", &websocket.DialOptions{
		HTTPClient: c.client, HTTPHeader: http.Header{"Authorization": {"Bearer " + c.token}},
	})
	if err != nil {
		return "", err
	}
	defer conn.CloseNow()
	if err := conn.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		return "", err
	}
	_, message, err := conn.Read(ctx)
	if err == nil && string(message) != "hello" {
		err = fmt.Errorf("got %q back", message)
	}
	return "", err
}

// events confirms the first event before there is a second: a balancer that collects
// them would never pass one on.
func events(ctx context.Context, c *caller) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	req, err := c.request(ctx, http.MethodGet, "/events", nil)
	if err != nil {
		return "", err
	}
	res, err := c.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for _, want := range []string{"data: 1", "", "data: 2"} {
		if !lines.Scan() || lines.Text() != want {
			return "", fmt.Errorf("%s: %q instead of %q: %w", res.Status, lines.Text(), want, errors.Join(lines.Err()))
		}
		if want == "data: 1" {
			c.backend.confirmed <- struct{}{}
		}
	}
	return "", nil
}

// upload says whether the backend has the first byte before the client has sent the last.
func upload(ctx context.Context, c *caller) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	body := &slowBody{left: uploadSize, arrived: c.backend.arrived, done: ctx.Done()}
	req, err := c.request(ctx, http.MethodPost, "/upload", body)
	if err != nil {
		return "", err
	}
	req.ContentLength = uploadSize
	res, err := c.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(io.LimitReader(res.Body, 1000))
	if err == nil && string(got) != fmt.Sprint(uploadSize) {
		err = fmt.Errorf("%s: %s of %d bytes arrived", res.Status, got, uploadSize)
	}
	return "streamed, " + rig.MiB(uploadSize) + " MiB", err
}

// slowBody holds its second half back until the backend has the first byte. With a
// balancer that collects whole bodies it never ends.
type slowBody struct {
	left    int
	arrived <-chan struct{}
	done    <-chan struct{}
	waited  bool
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if !b.waited && b.left <= uploadSize/2 {
		select {
		case <-b.arrived:
			b.waited = true
		case <-b.done:
			return 0, errors.New("the body is collected before it is passed on")
		}
	}
	n := min(len(p), b.left)
	b.left -= n
	return n, nil
}
