// Command http11 sends the cases of Http11Probe to the gateway, to a bare
// net/http server, to HAProxy and to nginx. A case that the gateway fails fails
// the program.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"wxgate/interop/http11/probe"
	"wxgate/interop/rig"
)

// wait is how long an answer may take, and far less than what any of the
// servers gives a request.
const wait = 2 * time.Second

func main() { rig.Main(4*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	bare, err := startBare()
	if err != nil {
		return err
	}
	defer bare.Close()
	backend := bare.Addr().String()
	g, err := r.Gateway(ctx, fmt.Sprintf("limits: {max_body: 0}\nroutes: [{path: /, auth: none, upstreams: [%q]}]", "http://"+backend), nil)
	if err != nil {
		return err
	}
	haproxy, err := startHAProxy(ctx, r, backend)
	if err != nil {
		return err
	}
	nginx, err := startNginx(ctx, r, backend)
	if err != nil {
		return err
	}
	servers := []server{{"wxgate", g.Address}, {"net/http", backend}, {"HAProxy", haproxy}, {"nginx", nginx}}
	results, err := probeAll(servers)
	if err != nil {
		return err
	}
	report(r, servers, results)
	return nil
}

type server struct{ name, address string }

// startBare serves what a team's backend might: it says what it was sent.
func startBare() (net.Listener, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(echo), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0), DisableGeneralOptionsHandler: true}
	go server.Serve(ln)
	return ln, nil
}

// echo takes GET, HEAD, POST and OPTIONS.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
	if !slices.Contains([]string{"GET", "HEAD", "POST", "OPTIONS"}, r.Method) {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write(body)
}

const haproxyConfig = `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend public
  bind %s
  default_backend backend
backend backend
  server one %s
`

func startHAProxy(ctx context.Context, r *rig.Rig, backend string) (string, error) {
	port, err := r.Port()
	if err != nil {
		return "", err
	}
	file, err := r.Write("haproxy.cfg", fmt.Sprintf(haproxyConfig, port.Addr(), backend))
	if err != nil {
		return "", err
	}
	p, err := r.Start("haproxy", exec.Command("haproxy", "-db", "-f", file))
	if err != nil {
		return "", err
	}
	return port.Addr(), p.Listening(ctx, "tcp", port.Addr())
}

const nginxConfig = `
daemon off;
pid %[1]s/nginx.pid;
error_log %[1]s/nginx-error.log;
events {}
http {
  access_log off;
  client_max_body_size 0;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  upstream backend { server %[3]s; keepalive 4; }
  server {
    listen %[2]s;
    location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`

func startNginx(ctx context.Context, r *rig.Rig, backend string) (string, error) {
	port, err := r.Port()
	if err != nil {
		return "", err
	}
	file, err := r.Write("nginx.conf", fmt.Sprintf(nginxConfig, r.Dir, port.Addr(), backend))
	if err != nil {
		return "", err
	}
	p, err := r.Start("nginx", exec.Command("nginx", "-e", r.Path("nginx-start.log"), "-c", file))
	if err != nil {
		return "", err
	}
	return port.Addr(), p.Listening(ctx, "tcp", port.Addr())
}

// result is how one server did in one case.
type result struct {
	outcome probe.Outcome
	verdict probe.Verdict
	err     error
}

// probeAll runs the cases, a few at a time.
func probeAll(servers []server) ([][]result, error) {
	cases := probe.Cases()
	results := make([][]result, len(cases))
	var all sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i, c := range cases {
		results[i] = make([]result, len(servers))
		for j, s := range servers {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				got := &results[i][j]
				got.outcome, got.err = probe.Run(s.address, c, wait)
				got.verdict = c.Judge(got.outcome)
			})
		}
	}
	all.Wait()
	for _, row := range results {
		for _, got := range row {
			if got.err != nil {
				return nil, got.err
			}
		}
	}
	return results, nil
}

func report(r *rig.Rig, servers []server, results [][]result) {
	columns := []string{"case"}
	for _, s := range servers {
		columns = append(columns, s.name)
	}
	warned := rig.NewTable("case", servers[0].name, "right")
	differing, totals := rig.NewTable(append(columns, "right")...), rig.NewTable(append([]string{"suite"}, columns[1:]...)...)
	for i, c := range probe.Cases() {
		row, anyFailed := []string{c.ID + map[bool]string{true: "*"}[c.Unscored]}, false
		for _, got := range results[i] {
			anyFailed = anyFailed || got.verdict == probe.Failed
			row = append(row, cell(got))
		}
		if anyFailed {
			differing.Add(append(row, c.Pass)...)
		}
		switch ours := results[i][0]; {
		case c.Unscored:
		case ours.verdict == probe.Failed:
			r.Check(false)
		case ours.verdict == probe.Warned:
			warned.Add(c.ID, ours.outcome.String(), c.Pass)
		}
	}
	for _, suite := range []string{"RFC COMP", "MAL", "NORM", "SMUG"} {
		totals.Add(append([]string{suite}, counts(suite, results, len(servers))...)...)
	}
	totals.Print("Http11Probe's scored cases: passed, warned of, failed")
	warned.Print("scored cases that the suite warns of at the gateway")
	differing.Print("cases that some server fails (*: not scored)")
}

func cell(got result) string {
	return []string{"FAILED: ", "warned: ", ""}[got.verdict] + got.outcome.String()
}

func counts(suite string, results [][]result, servers int) []string {
	cells := make([]string, servers)
	for j := range servers {
		var n [3]int
		for i, c := range probe.Cases() {
			if !c.Unscored && slices.ContainsFunc(strings.Fields(suite), func(p string) bool { return strings.HasPrefix(c.ID, p) }) {
				n[results[i][j].verdict]++
			}
		}
		cells[j] = fmt.Sprintf("%d, %d, %d", n[probe.Passed], n[probe.Warned], n[probe.Failed])
	}
	return cells
}
