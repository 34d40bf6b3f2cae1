package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"wxgate/interop/rig"
)

// trial sends requests to the backends, directly and through the gateway.
type trial struct {
	r             *rig.Rig
	g             *rig.Gateway
	backends      []backend
	token, openid string // alice's
}

// checkLegitimate checks that ordinary requests reach the backends with the right identity.
func (t trial) checkLegitimate(ctx context.Context) error {
	for _, b := range t.backends {
		open, err := t.send(ctx, b, t.g.Address, attack{path: "/public/page"})
		if err != nil {
			return err
		}
		own, err := t.send(ctx, b, t.g.Address, attack{path: "/api/me", token: true})
		if err != nil {
			return err
		}
		if open.area != "public" || open.saw != "" || own.area != "public" || own.saw != t.openid {
			return fmt.Errorf("%s responds to legitimate requests with %+v and %+v", b.name, open, own)
		}
	}
	return nil
}

// comparePaths checks that the backends read forwarded paths as the gateway does.
func (t trial) comparePaths(ctx context.Context) error {
	table := rig.NewTable(append([]string{"path"}, t.names()...)...)
	for _, path := range unambiguousPaths {
		cells := []string{path}
		for _, b := range t.backends {
			v, err := t.send(ctx, b, t.g.Address, attack{path: path})
			if err != nil {
				return err
			}
			shown, _ := url.PathUnescape(v.path)
			cells = append(cells, shown+" "+t.r.Check(v.code == "" && decodedPath(v.path) == decodedPath(path)))
		}
		table.Add(cells...)
	}
	table.Print("the path that the backend sees, through the gateway")
	return nil
}

// decodedPath returns a path decoded, without the query and without the parameters of its
// last segment, which a servlet container removes.
func decodedPath(path string) string {
	path, _, _ = strings.Cut(path, "?")
	path, _, _ = strings.Cut(path, ";")
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return path
	}
	before, _, _ := strings.Cut(decoded, ";")
	return before
}

func (t trial) names() []string {
	var names []string
	for _, b := range t.backends {
		names = append(names, b.name)
	}
	return names
}

// runAttacks sends each attack to each backend, directly and through the gateway, and prints a
// table. At each backend at least one must succeed directly, and through the gateway none
// may have a wrong result.
func (t trial) runAttacks(ctx context.Context, title string, attacks []attack, succeeded func(result) bool, wrong func(attack, result) bool) error {
	table := rig.NewTable(append([]string{"attack"}, t.names()...)...)
	successes := make([]int, len(t.backends))
	for _, a := range attacks {
		cells := []string{a.name}
		for i, b := range t.backends {
			direct, err := t.send(ctx, b, b.address, a)
			if err != nil {
				return err
			}
			if succeeded(direct) {
				successes[i]++
			}
			through, err := t.send(ctx, b, t.g.Address, a)
			if err != nil {
				return err
			}
			cell := t.cell(direct) + " → " + t.cell(through)
			if wrong(a, through) {
				cell += " " + t.r.Check(false)
			}
			cells = append(cells, cell)
		}
		table.Add(cells...)
	}
	last := []string{"attacks that succeed directly"}
	for _, n := range successes {
		last = append(last, fmt.Sprintf("%d: %s", n, t.r.Check(n > 0)))
	}
	table.Add(last...)
	table.Print(title)
	return nil
}

// send sends the attack's bytes and reads one response. The zero result stands for a
// connection that was closed without a response.
func (t trial) send(ctx context.Context, b backend, address string, a attack) (result, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return result{}, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, t.encode(b, a)); err != nil {
		return result{}, nil
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return result{}, fmt.Errorf("%s: no response from %s", a.name, b.name)
	}
	if err != nil {
		return result{}, nil
	}
	defer res.Body.Close()
	return readResult(res), nil
}

// encode returns the bytes of the request.
func (t trial) encode(b backend, a attack) string {
	method, body := "GET", ""
	header := a.header
	if a.trailer != "" {
		method, body = "POST", "4\r\nbody\r\n0\r\n"+a.trailer+"\r\n"
		header += "Transfer-Encoding: chunked\r\n"
	}
	if a.token {
		header += "Authorization: Bearer " + t.token + "\r\n"
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%sConnection: close%s\r\n\r\n%s", method, strings.Replace(a.path, "HOST", b.host(), 1), b.host(), header, a.connection, body)
}
