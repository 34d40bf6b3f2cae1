package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"wxgate/interop/rig"
)

// caller makes requests to the gateway and to the simulator.
type caller struct {
	base, admin, sim string            // base URLs
	secrets          map[string]string // values that no span may contain, by a name for messages
}

// send makes a request and returns the fields of the response when it is JSON.
func (c *caller) send(ctx context.Context, method, url string, body any, want int, header ...string) (map[string]any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != want {
		err = fmt.Errorf("%s %s: %s, not %d: %.200s", method, req.URL.Path, res.Status, want, raw)
	}
	var fields map[string]any
	_ = json.Unmarshal(raw, &fields) // fields stays nil when the body isn't JSON
	return fields, err
}

// clientTraceparent is a trace context that a client sends.
const clientTraceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// makeRequests makes requests of each kind and records the secrets that they contain.
func (c *caller) makeRequests(ctx context.Context) error {
	code, err := c.send(ctx, "POST", c.sim+"/sim/code", map[string]string{"user": "alice"}, 200)
	if err != nil {
		return err
	}
	login, err := c.send(ctx, "POST", c.base+"/auth/login", map[string]any{"code": code["code"]}, 200)
	if err != nil {
		return err
	}
	token := fmt.Sprint(login["token"])
	c.secrets = map[string]string{
		"token": token, "login code": fmt.Sprint(code["code"]), "openid": fmt.Sprint(code["openid"]), "unionid": fmt.Sprint(code["unionid"]),
		"AppSecret": rig.AppSecret, "query": "hunter2", "cookie": "secret-cookie", "body": "secret-body",
		"forged token": "forged-token",
	}
	bearer := []string{"Authorization", "Bearer " + token, "Traceparent", clientTraceparent}
	if err := c.makeCalls(ctx, bearer); err != nil {
		return err
	}
	if err := c.useTicketAndPhone(ctx, bearer); err != nil {
		return err
	}
	return c.addSessionKeys(ctx)
}

// makeCalls makes calls to routes and endpoints, each with a secret in the query, a header
// or the body.
func (c *caller) makeCalls(ctx context.Context, bearer []string) error {
	for _, call := range []struct {
		method, path string
		body         any
		want         int
		header       []string
	}{
		{"GET", "/api/orders/42?password=hunter2", nil, 200, append(bearer, "Cookie", "sid=secret-cookie")},
		{"POST", "/api/orders", "secret-body", 200, bearer},
		{"PURGE", "/api/orders", nil, 405, bearer},
		{"GET", "/api/fails?password=hunter2", nil, 503, bearer},
		{"GET", "/api/orders", nil, 401, []string{"Authorization", "Bearer forged-token"}},
		{"GET", "/gone/x?password=hunter2", nil, 502, nil},
		{"GET", "/nowhere?password=hunter2", nil, 404, nil},
		{"PUT", "/auth/profile", map[string]string{"nickname": "secret-body"}, 200, bearer},
	} {
		if _, err := c.send(ctx, call.method, c.base+call.path, call.body, call.want, call.header...); err != nil {
			return err
		}
	}
	return nil
}

// useTicketAndPhone uses a web ticket, which is in a URL, and a phone code.
func (c *caller) useTicketAndPhone(ctx context.Context, bearer []string) error {
	ticket, err := c.send(ctx, "POST", c.base+"/auth/ticket", map[string]string{"next": "/h5/x?password=hunter2"}, 200, bearer...)
	if err != nil {
		return err
	}
	c.secrets["ticket"] = fmt.Sprint(ticket["ticket"])
	if _, err := c.send(ctx, "GET", c.base+fmt.Sprint(ticket["path"]), nil, http.StatusSeeOther); err != nil {
		return err
	}
	phone, err := c.send(ctx, "POST", c.sim+"/sim/phone-code", map[string]string{"user": "alice"}, 200)
	if err != nil {
		return err
	}
	c.secrets["phone code"], c.secrets["phone"] = fmt.Sprint(phone["code"]), fmt.Sprint(phone["phone"])
	_, err = c.send(ctx, "POST", c.base+"/auth/phone", map[string]any{"code": phone["code"]}, 200, bearer...)
	return err
}

// addSessionKeys adds the session_keys, which no mini program gets, to the secrets.
func (c *caller) addSessionKeys(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.sim+"/sim/users", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var users []struct {
		SessionKey string `json:"session_key"`
	}
	if err := json.NewDecoder(res.Body).Decode(&users); err != nil {
		return err
	}
	for i, u := range users {
		c.secrets[fmt.Sprint("session_key ", i+1)] = u.SessionKey
	}
	return nil
}

// exportInterval is a little longer than the five seconds between two exports of the SDK.
const exportInterval = 6 * time.Second

// exportedSpans returns the number of spans that the gateway has sent, as soon as the number
// is the same after another export.
func (c *caller) exportedSpans(ctx context.Context) (int, error) {
	for last := 0; ; {
		if err := rig.Pause(ctx, exportInterval); err != nil {
			return 0, err
		}
		n, err := c.spanCounter(ctx)
		if err != nil || n > 0 && n == last {
			return n, err
		}
		last = n
	}
}

var exported = regexp.MustCompile(`(?m)^wxgate_trace_spans_total\{outcome="exported"\} (\d+)$`)

// spanCounter reads the gateway's metric of exported spans.
func (c *caller) spanCounter(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.admin+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	m := exported.FindSubmatch(text)
	if m == nil {
		return 0, errors.New("/metrics has no counter of exported spans")
	}
	return strconv.Atoi(string(m[1]))
}

// leaks returns a message for each secret that the text contains.
func (c *caller) leaks(text string) (found []string) {
	for name, secret := range c.secrets {
		if len(secret) < 5 { // an empty or short value would be found in any text
			found = append(found, "no "+name+" was recorded")
		} else if strings.Contains(text, secret) {
			found = append(found, "the "+name+" is in a span")
		}
	}
	return found
}
