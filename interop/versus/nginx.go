package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
)

// backendConfig makes nginx the backend: it responds with 300 bytes, or at /whoami with the
// X-OpenID that it received.
var backendConfig = `location / { default_type application/json; return 200 '` + strings.Repeat("x", 300) + `'; }
  location = /whoami { default_type text/plain; return 200 $http_x_openid; }`

// nginx is the configuration of one nginx.
type nginx struct {
	name    string
	modules string // load_module lines
	http    string // of the http block
	server  string // of the server block
	logs    bool
}

// proxyLocation makes nginx a plain proxy that sets the usual headers.
const proxyLocation = `location / {
      %s
      proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host;
    }`

// upstreamBlock is the backend as an nginx upstream with keep-alive connections.
func (c *comparison) upstreamBlock() string {
	return fmt.Sprintf("upstream backend { server %s; keepalive 256; keepalive_requests 1000000000; }", c.backend)
}

// startNginx starts an nginx, and adds it to the peers.
func (c *comparison) startNginx(ctx context.Context, n nginx) (*peer, error) {
	port, err := c.rig.Port()
	if err != nil {
		return nil, err
	}
	prefix := fmt.Sprintf("nginx-%d", port.Number)
	log := "access_log off;"
	if n.logs {
		log = "access_log " + c.rig.Path(prefix+"-access.log") + " combined buffer=64k;"
	}
	file, err := c.rig.Write(prefix+"/nginx.conf", fmt.Sprintf(`%[6]s
daemon off; worker_processes 2; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 1024; }
http { client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi; %[2]s
  %[3]s
  server { listen %[4]s; keepalive_requests 1000000000; %[5]s }
}
`, c.rig.Path(prefix), log, n.http, port.Addr(), n.server, n.modules))
	if err != nil {
		return nil, err
	}
	p := &peer{name: n.name, address: port.Addr(), logs: n.logs}
	started, err := c.rig.Start(prefix, exec.Command("nginx", "-p", c.rig.Path(prefix), "-e", c.rig.Path(prefix+"/error.log"), "-c", file))
	if err != nil {
		return nil, err
	}
	p.processes = append(p.processes, started)
	c.peers = append(c.peers, p)
	return p, started.Listening(ctx, "tcp", p.address)
}

func (c *comparison) startPlainNginx(ctx context.Context) error {
	for _, logs := range []bool{false, true} {
		name := withLog("nginx, plain proxy", logs)
		if !c.wanted(name) {
			continue
		}
		p, err := c.startNginx(ctx, nginx{name: name, http: c.upstreamBlock(), server: fmt.Sprintf(proxyLocation, ""), logs: logs})
		if err != nil {
			return err
		}
		p.token = c.jwt()
	}
	return nil
}

func withLog(name string, logs bool) string {
	if logs {
		return name + ", access log"
	}
	return name
}

// luaLookup looks the token up in Redis, as a gateway written for one application does: the
// key's value is the user; without the key, the response is 401.
const luaLookup = `access_by_lua_block {
        local header = ngx.var.http_authorization
        if not header or header:sub(1, 7) ~= "Bearer " then return ngx.exit(401) end
        local redis = require("nginx.redis"):new()
        redis:set_timeout(1000)
        if not redis:connect("127.0.0.1", %d) then return ngx.exit(503) end
        local openid, err = redis:get("session:" .. header:sub(8))
        if err then return ngx.exit(503) end
        redis:set_keepalive(60000, 256)
        if openid == ngx.null then return ngx.exit(401) end
        ngx.req.set_header("X-OpenID", openid)
        ngx.req.clear_header("Authorization")
      }`

func (c *comparison) startLua(ctx context.Context) error {
	const name = "nginx + Lua + Redis"
	if !c.wanted(name) {
		return nil
	}
	redis, port, err := c.startRedis(ctx)
	if err != nil {
		return err
	}
	p, err := c.startNginx(ctx, nginx{
		name:    name,
		modules: "load_module /usr/lib/nginx/modules/ndk_http_module.so; load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;",
		http:    `lua_package_path "/usr/share/lua/5.1/?.lua;;"; ` + c.upstreamBlock(),
		server:  fmt.Sprintf(proxyLocation, fmt.Sprintf(luaLookup, port)),
	})
	if err != nil {
		return err
	}
	p.token, p.authenticates, p.identifies = "f3b0c44298fc1c149afbf4c8996fb924", true, true
	p.processes = append(p.processes, redis)
	return setKey(fmt.Sprintf("127.0.0.1:%d", port), "session:"+p.token, "alice")
}

// setKey stores a string in Redis.
func setKey(address, key, value string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "SET %s %s\r\n", key, value); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "+OK") {
		return fmt.Errorf("redis: %s", line)
	}
	return err
}
