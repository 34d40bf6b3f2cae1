package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// caller is a mini program, a backend and an operator.
type caller struct {
	base, admin, sim string
	secrets          map[string]string // what no span may hold, by what it is
}

// send makes a request and gives the fields of a JSON answer.
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
	_ = json.Unmarshal(raw, &fields) // nil: not JSON
	return fields, err
}

// clientTraceparent is what a client makes up.
const clientTraceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// requests makes one of each kind, and notes every secret in them.
func (c *caller) requests(ctx context.Context) error {
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
		"AppSecret": "interop-app-secret", "query": "hunter2", "cookie": "secret-cookie", "body": "secret-body",
		"forged token": "forged-token",
	}
	bearer := []string{"Authorization", "Bearer " + token, "Traceparent", clientTraceparent}
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
	if err := c.ticketAndPhone(ctx, bearer); err != nil {
		return err
	}
	return c.simSecrets(ctx)
}

// ticketAndPhone uses what stands in an address or in a body once.
func (c *caller) ticketAndPhone(ctx context.Context, bearer []string) error {
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

// simSecrets are those that a mini program never sees.
func (c *caller) simSecrets(ctx context.Context) error {
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

var exported = regexp.MustCompile(`(?m)^wxgate_trace_spans_total\{outcome="exported"\} (\d+)$`)

// counted is how many spans the gateway says that it has sent, once the number rests:
// the SDK sends every five seconds.
func (c *caller) counted(ctx context.Context) (int, error) {
	last := 0
	for {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(6 * time.Second):
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.admin+"/metrics", nil)
		if err != nil {
			return 0, err
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return 0, err
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		m := exported.FindSubmatch(text)
		if err != nil || m == nil {
			return 0, fmt.Errorf("no count of spans: %v", err)
		}
		n, _ := strconv.Atoi(string(m[1])) // digits
		if n > 0 && n == last {
			return n, nil
		}
		last = n
	}
}

// leaks names the secrets that the text holds.
func (c *caller) leaks(text string) (found []string) {
	for name, secret := range c.secrets {
		if len(secret) < 5 { // would be found in anything
			found = append(found, "no "+name+" is known")
		} else if strings.Contains(text, secret) {
			found = append(found, "the "+name+" is in a span")
		}
	}
	return found
}
