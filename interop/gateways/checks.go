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
	spoofed    = "made-up" // value of header fields that a client may not set
)

// checks are run with each balancer in front of wxgate and behind it. A check returns a
// remark for the table, or the error of what is wrong.
var checks = []struct {
	name string
	run  func(context.Context, *caller) (string, error)
}{
	{"protocol of the client", checkProtocol},
	{"identity, and none that a client made up", checkIdentity},
	{"client address, and none that a client made up", checkAddress},
	{"no other forwarding header of a client", checkForwardingHeaders},
	{"WebSocket", checkSocket},
	{"server-sent events as they come", checkEvents},
	{"upload of 32 MiB", checkUpload},
}

// caller is a logged-in user at a base URL.
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

// receivedHeader sends a request with one field and returns the header that the backend
// received, and the protocol of the response.
func (c *caller) receivedHeader(ctx context.Context, name, value string) (http.Header, string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	req, err := c.request(ctx, http.MethodGet, "/headers", nil)
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

// checkProtocol wants HTTP/2 between client and front.
func checkProtocol(ctx context.Context, c *caller) (string, error) {
	_, proto, err := c.receivedHeader(ctx, "X-Test", "1")
	if err == nil && proto != "HTTP/2.0" {
		err = errors.New(proto)
	}
	return proto, err
}

// checkIdentity sends a spoofed X-OpenID. The backend must get the user's own, once.
func checkIdentity(ctx context.Context, c *caller) (string, error) {
	header, _, err := c.receivedHeader(ctx, "X-Openid", "admin")
	if err == nil && (len(header["X-Openid"]) != 1 || header.Get("X-OpenID") != c.openid) {
		err = fmt.Errorf("X-OpenID is %q", header["X-Openid"])
	}
	return "", err
}

// checkAddress sends a spoofed X-Forwarded-For. The backend must get the client's own
// address, alone or followed by that of the proxy.
func checkAddress(ctx context.Context, c *caller) (string, error) {
	header, _, err := c.receivedHeader(ctx, "X-Forwarded-For", "203.0.113.9")
	if err != nil {
		return "", err
	}
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip"} {
		if got := fmt.Sprint(header[name]); got != "[127.0.0.1]" && got != "[127.0.0.1, 127.0.0.1]" {
			return "", fmt.Errorf("%s is %s", name, got)
		}
	}
	if got := fmt.Sprint(header["X-Forwarded-Proto"]); got != "[https]" {
		return "", fmt.Errorf("X-Forwarded-Proto is %s", got)
	}
	return "", nil
}

// checkForwardingHeaders sends fields that the gateway believes from a trusted proxy. A
// balancer in front of the gateway must remove them; one behind it never gets them.
func checkForwardingHeaders(ctx context.Context, c *caller) (string, error) {
	for _, name := range []string{
		"Forwarded", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Uri", "X-Forwarded-Method",
		"X-Forwarded-Ssl", "X-Forwarded-Scheme", "X-Original-Url", "X-Original-Host", "X-Rewrite-Url",
	} {
		header, _, err := c.receivedHeader(ctx, name, spoofed)
		if err != nil {
			return "", err
		}
		if got := fmt.Sprint(header[name]); strings.Contains(got, spoofed) {
			return "", fmt.Errorf("%s is %s", name, got)
		}
	}
	return "", nil
}

// checkSocket sends a WebSocket message and wants it back.
func checkSocket(ctx context.Context, c *caller) (string, error) {
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

// checkEvents reads the first of two events. The backend sends the second one only after
// that, so that a balancer that buffers the stream never forwards one.
func checkEvents(ctx context.Context, c *caller) (string, error) {
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

// checkUpload checks that the backend gets the first byte before the client has sent the
// last one, and that all bytes arrive.
func checkUpload(ctx context.Context, c *caller) (string, error) {
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

// slowBody is a body whose second half waits until the backend has got the first byte. A
// balancer that buffers whole bodies never gets its end.
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
			return 0, errors.New("the balancer buffers the body")
		}
	}
	n := min(len(p), b.left)
	b.left -= n
	return n, nil
}
