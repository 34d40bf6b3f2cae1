package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"wxgate/interop/rig"
)

// serveBare is a proxy as the standard library has it, with what any use of it
// in earnest would set: enough kept-alive connections, and a pool of buffers.
func serveBare(backend string) {
	target, err := url.Parse(backend)
	if err != nil {
		fail(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	fmt.Println("listening on", ln.Addr())
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(target); r.SetXForwarded() },
		Transport:  &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
		BufferPool: &buffers{},
	}}
	fail(server.Serve(ln))
}

func fail(err error) {
	fmt.Println(err)
	os.Exit(1)
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if buf, ok := b.pool.Get().(*[]byte); ok {
		return *buf
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(buf []byte) { b.pool.Put(&buf) }

// What an nginx does with a request: answer it, or forward it with the headers
// that a proxy sets.
const answer = `
  server { listen 127.0.0.1:%d; keepalive_requests 1000000000;
    location / { default_type application/json; return 200 '{"items":[1,2,3],"page":2,"total":3}'; }
  }`

func forwardTo(backend string) string {
	return strings.ReplaceAll(`
  upstream backend { server BACKEND; keepalive 256; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:%d; keepalive_requests 1000000000;
    location / {
      proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host;
    }
  }`, "BACKEND", strings.TrimPrefix(backend, "http://"))
}

// startNginx starts an nginx with a configuration of its own.
func startNginx(ctx context.Context, r *rig.Rig, name, log, server string) (*subject, error) {
	port, err := r.Port()
	if err != nil {
		return nil, err
	}
	prefix := fmt.Sprintf("nginx-%d", port.Number)
	file, err := r.Write(prefix+"/nginx.conf", fmt.Sprintf(`daemon off; worker_processes 2; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 1024; }
http { client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi; %[2]s`, r.Path(prefix), log)+fmt.Sprintf(server, port.Number)+"\n}\n")
	if err != nil {
		return nil, err
	}
	p, err := r.Start(prefix, exec.Command("nginx", "-p", r.Path(prefix), "-e", r.Path(prefix+"/error.log"), "-c", file))
	if err != nil {
		return nil, err
	}
	address := port.Addr()
	return &subject{name: name, url: "http://" + address, p: p}, p.Listening(ctx, "tcp", address)
}
