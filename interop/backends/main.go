// Command backends puts real servers, from the system's packages and set as
// permissively as they can be, behind the gateway, and sends them requests that try
// to impersonate a user or to reach a forbidden path. The same bytes go
// directly to the servers too: an attack that succeeds nowhere shows nothing.
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

func main() { rig.Main(4*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	backends, err := startAll(ctx, r)
	if err != nil {
		return err
	}
	g, err := r.Gateway(ctx, routes(backends), nil)
	if err != nil {
		return err
	}
	t := attackRun{r: r, g: g, backends: backends}
	if t.token, t.openid, err = g.Login(ctx, http.DefaultClient, "alice"); err != nil {
		return err
	}
	if err := t.legitimate(ctx); err != nil {
		return err
	}
	if err := t.paths(ctx); err != nil {
		return err
	}
	if err := t.try(ctx, "whose identity it sees: directly → through the gateway", identityRequests(), t.spoofed, t.impersonated); err != nil {
		return err
	}
	return t.try(ctx, "where it gets to: directly → through the gateway", pathAttacks, reachedAdmin, t.reachedForbidden)
}

// routes gives every backend an open route, one for users, and one for those
// who have a role that nobody has.
func routes(backends []backend) string {
	var b strings.Builder
	b.WriteString("routes:\n")
	for _, x := range backends {
		for _, rule := range []string{"path: /public/, auth: none", "path: /api/", "path: /api/admin/, require: {roles: [admin]}"} {
			fmt.Fprintf(&b, "  - {host: %s, %s, upstreams: [\"http://%s\"]}\n", x.host(), rule, x.address)
		}
	}
	return b.String()
}

// attackRun sends the attacks.
type attackRun struct {
	r             *rig.Rig
	g             *rig.Gateway
	backends      []backend
	token, openid string // alice's
}

// result is what came back for a request.
type result struct {
	status int
	code   string // the gateway's, where it refused
	area   string // admin or public, where the backend answered 200
	saw    string // the identity there
	path   string // there, percent-encoded
}

// legitimate checks that ordinary requests pass.
func (t attackRun) legitimate(ctx context.Context) error {
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
			return fmt.Errorf("%s answers legitimate requests with %+v and %+v", b.name, open, own)
		}
	}
	return nil
}

// paths shows what the backends make of odd paths that pass.
func (t attackRun) paths(ctx context.Context) error {
	table := rig.NewTable(append([]string{"path"}, t.names()...)...)
	for _, path := range oddPaths {
		cells := []string{path}
		for _, b := range t.backends {
			v, err := t.send(ctx, b, t.g.Address, attack{path: path})
			if err != nil {
				return err
			}
			shown, _ := url.PathUnescape(v.path)
			cells = append(cells, shown+" "+t.r.Check(v.code == "" && meant(v.path) == meant(path)))
		}
		table.Add(cells...)
	}
	table.Print("the path it sees, through the gateway")
	return nil
}

// meant is a path decoded, without query and without the parameters of its last
// segment, which a servlet container takes off.
func meant(path string) string {
	path, _, _ = strings.Cut(path, "?")
	path, _, _ = strings.Cut(path, ";")
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return path
	}
	before, _, _ := strings.Cut(decoded, ";")
	return before
}

func (t attackRun) names() []string {
	var names []string
	for _, b := range t.backends {
		names = append(names, b.name)
	}
	return names
}

// try sends each attack to each backend, direct and through the gateway, and
// prints a table. At least one must succeed directly at each backend.
func (t attackRun) try(ctx context.Context, title string, attacks []attack, succeeded func(result) bool, wrong func(attack, result) bool) error {
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

func (t attackRun) spoofed(v result) bool { return strings.Contains(v.saw, admin) }

// impersonated reports whether a backend saw another identity than the sender's.
func (t attackRun) impersonated(a attack, v result) bool {
	if v.area == "" {
		return false
	}
	want := ""
	if a.token {
		want = t.openid
	}
	return v.saw != want
}

func reachedAdmin(v result) bool { return v.area == "admin" }

func (t attackRun) reachedForbidden(a attack, v result) bool {
	return reachedAdmin(v) || t.impersonated(a, v)
}

func (t attackRun) cell(v result) string {
	switch {
	case v.code != "":
		return fmt.Sprintf("%d %s", v.status, v.code)
	case v.status == 0:
		return "cut off"
	case v.area == "":
		return fmt.Sprint(v.status)
	case v.saw == "":
		return v.area + ", nobody"
	}
	return v.area + ", " + strings.ReplaceAll(v.saw, t.openid, "alice")
}

// send sends the attack's bytes and reads one answer. A connection that is cut
// without one is an answer too.
func (t attackRun) send(ctx context.Context, b backend, address string, a attack) (result, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return result{}, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, t.bytes(b, a)); err != nil {
		return result{}, nil
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return result{}, fmt.Errorf("%s: no answer from %s", a.name, b.name)
	}
	if err != nil {
		return result{}, nil
	}
	defer res.Body.Close()
	return readResult(res), nil
}

func (t attackRun) bytes(b backend, a attack) string {
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

func readResult(res *http.Response) result {
	v := result{status: res.StatusCode, code: res.Header.Get("X-Gateway-Error"), path: res.Header.Get("X-Path")}
	body, err := io.ReadAll(io.LimitReader(res.Body, 64))
	if v.code == "" && v.status == http.StatusOK && err == nil {
		v.area, v.saw = string(body), res.Header.Get("X-Saw")
	}
	return v
}
