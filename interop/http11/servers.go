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
	"time"

	"wxgate/interop/rig"
)

// server is a server under test.
type server struct{ name, address string }

// startBare starts net/http with an application that echoes bodies. It is also the backend
// of the other servers.
func startBare() (net.Listener, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(echo), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0), DisableGeneralOptionsHandler: true}
	go server.Serve(ln)
	return ln, nil
}

// echo responds to GET, HEAD, POST and OPTIONS with the request's body.
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
