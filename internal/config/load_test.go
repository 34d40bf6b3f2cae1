package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"wxgate/internal/testkit"
)

func TestTheShippedConfigNamesEveryKey(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(shippedConfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range allKeys(reflect.TypeFor[Config](), "") {
		name := key[strings.LastIndexByte(key, '.')+1:]
		if !strings.Contains(string(text), " "+name+":") && !strings.Contains(string(text), "{"+name+":") && !strings.Contains(string(text), "\n"+name+":") {
			t.Errorf("%s is not in config.yaml", key)
		}
	}
}

func TestTheShippedConfigNamesItsUnsetVariables(t *testing.T) {
	t.Parallel()
	_, err := Load(shippedConfig, environmentOf(nil))
	var bad Error
	if !errors.As(err, &bad) || len(bad) != 3 {
		t.Fatalf("want three unset variables, got %v", err)
	}
	for i, name := range []string{"WXGATE_SECRET", "WECHAT_APPID", "WECHAT_SECRET"} {
		if !strings.Contains(bad[i].What, name) || bad[i].Line == 0 || bad[i].Key == "" {
			t.Errorf("want an error of %s with key and line, got %v", name, bad[i])
		}
	}
}

func TestValidValuesAreAccepted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, part := range []string{
		"listen: 127.0.0.1:0",
		"shutdown_delay: 0",
		"apps:\n- appid: wx1\n  secret: x\n  push:\n    " + strings.ReplaceAll(validPush, "\n", "\n    ") + "timeout: 5s",
		"apps:\n- appid: wx1\n  secret: x\n  prefetch: {key: " + strings.Repeat("aZ-_", 6) + "}",
		"apps:\n- appid: wx1\n  secret: x\n  push: {upstream: 'https://127.0.0.1/wx', token: abc, mode: plain}",
		"apps:\n- appid: wx1\n  secret: x\n  api_security:\n    " + strings.ReplaceAll(validAPISecurity(), "\n", "\n    "),
		"apps:\n- appid: wx1\n  secret: x\n  api_security:\n    " + strings.ReplaceAll(replaceLines(validAPISecurity(), "paths: [wxa/business/*, /wxa/a]\n"), "\n", "\n    "),
		"apps:\n- appid: wx1\n  secret: x\n  api_security:\n    " + strings.ReplaceAll(replaceLines(validAPISecurity(), "algorithms: sm4_gcm+sm2\nkey: AAECAwQFBgcICQoLDA0ODw==\n"), "\n", "\n    "),
		"redis: {addrs: ['a:1'], master_name: m, sentinel_username: u, sentinel_password: p}",
		"session: {cache_size: 1}",
		"public_origins: ['https://API.example.com:443', 'http://localhost:8080']\nweb: {cookie: __Host-wxgate, origins: ['https://h5.example.com']}",
		"tracing: {endpoint: 'http://127.0.0.1:4318/v1/traces', sample: 1, headers: {Authorization: Bearer x}}",
		"tracing: {sample: '${SHARE:-0}'}",
		"limits: {auth_per_user: '', max_connections: 10}",
		"admin: {tokens: [{name: a, token: 0123456789abcdef, scopes: [token, wechat], apps: [wx1]}]}",
		"log: {access: false}",
		"web: {cookie: __Host-x}\n" + inRoute("credentials: [cookie, bearer]\nauth: optional\ncookies: drop"),
		inRoute("proof: sign\nmax_body: 1MiB\nunsigned_uploads: true"),
		inRoute("proof: report"),
		inRoute("proof: off\nredirects: pass\ncredentials: [bearer]"),
		"listen: '[::1]:8080'",
		"trusted_proxies: [10.0.0.0/8, 192.168.1.7, 'fd00::/8', '::1']",
		"auth_prefix: /gateway/auth",
		"shutdown_timeout: 0s",
		"secrets: ['" + strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(validSecret), "=") + "']",
		"apps:\n- {appid: wx1, secret: x, relay: [wxa/getwxacodeunlimit, /wxa/business/*]}\n- {appid: wx2, secret: x}",
		"wechat: {api_base: 'http://127.0.0.1:8081/', timeout: 300ms}",
		"redis: {addrs: ['localhost:6379'], username: u, password: p, db: 15, tls: true, key_prefix: ''}",
		"redis: {addrs: ['a:1', 'b:2'], cluster: true}",
		"redis: {addrs: ['a:1', '[::1]:2'], master_name: mymaster}",
		"session: {cache_ttl: 0, stale_if_error: 0, max_per_user: 3}",
		"token: {format: opaque, ttl: 3s, renew_before: 0}",
		"identity: {headers: {openid: '', phone: X-Phone}, wxcloudrun: true, assertion: {header: X-Identity-Assertion}}",
		"identity: {headers: {openid: X-WX-OPENID}}",
		"hooks: {login: {url: 'https://user:1/hook?a=b', on_error: allow}}",
		"limits: {login_per_ip: '', max_body: 0}",
		"admin: {listen: ':9090', tokens: [{name: ops, token: 0123456789abcdef, scopes: [admin, wechat]}]}",
		"admin: {listen: localhost:9090}",
		"log: {level: debug, format: console}",
		inRoute("path: /"),
		inRoute("path: /authors/"),
		inRoute("path: /.well-known/"),
		inRoute("host: '*.Example.com'\nmethods: [GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS]"),
		inRoute("upstreams: ['http://10.0.0.5:8080', {url: 'h2c://x/base/', weight: 2}, 'https://[::1]:8443']\nbalance: least_conn"),
		inRoute("path: /api/v1/\nstrip_prefix: /api/\nadd_prefix: /v2"),
		inRoute("retries: 0\nmax_body: 1GiB\nrate_limit: 20/s\neject: {failures: 0}"),
		inRoute("health: {path: '/healthz?deep=1', interval: 50ms}"),
		inRoute("auth: optional\ncookies: jar\nbalance: hash_openid"),
		inRoute("request_headers: {set: {Authorization: Basic x, X-Tenant: '店'}, remove: [Accept-Language]}"),
		inRoute("response_headers: {set: {Strict-Transport-Security: max-age=1}, remove: [Server]}"),
		inRoute("cors: {origins: ['https://x.com', 'http://localhost:5173']}"),
		inRoute("cors: {origins: ['*']}"),
		"---\nlisten: ':1'",
		"listen: ':1' # a comment\r\nlog:\r\n  level: warn\r\n",
		"log:\n  level: |-\n    warn\n  format: >-\n    console",
	} {
		file := filepath.Join(dir, "config.yaml")
		if err := os.WriteFile(file, []byte(withRequiredKeys(part)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file, environmentOf(nil)); err != nil {
			t.Errorf("%v in\n%s", err, part)
		}
	}
}

func TestAConfigFileThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for file, want := range map[string]string{
		filepath.Join(dir, "nope.yaml"): "nope.yaml: no such file or directory",
		dir:                             "is not a regular file",
		"":                              "--config: names no file",
	} {
		_, err := Load(file, environmentOf(nil))
		var bad Error
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestFilesListsTheConfigFileAndTheIncludedFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "key"), validSecret+"\n", 0o600)
	file := filepath.Join(dir, "config.yaml")
	writeFile(t, file, withRequiredKeys("secrets: ['${file:key}']"), 0o600)
	c, err := Load(file, environmentOf(nil))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{file, filepath.Join(dir, "key")}; !slices.Equal(c.Files, want) {
		t.Errorf("want %v, got %v", want, c.Files)
	}
}

// A signed body is at most 1 MiB: a route without max_body gets that limit.
func TestProofLimitsTheBody(t *testing.T) {
	t.Parallel()
	for part, want := range map[string]Size{
		inRoute("proof: sign"):                                mib,
		inRoute("proof: report"):                              mib,
		inRoute("proof: off"):                                 0,
		inRoute("proof: sign\nmax_body: 10KiB"):               10 * kib,
		"limits: {max_body: 0}\n" + inRoute("proof: sign"):    mib,
		"limits: {max_body: 9KiB}\n" + inRoute("proof: sign"): 0, // the limit of all routes is lower
	} {
		c, err := parse(t, withRequiredKeys(part))
		if err != nil || c.Routes[0].MaxBody != want {
			t.Errorf("%s: want %v, got %v, %v", part, want, c, err)
		}
	}
}

func TestRoutesAreNamedByHostAndPath(t *testing.T) {
	t.Parallel()
	c, err := parse(t, withRequiredKeys(`
routes:
  - {path: /api/, upstreams: ['http://x'], methods: [GET]}
  - {path: /api/, upstreams: ['http://x'], methods: [POST, PUT]}
  - {path: /api/, upstreams: ['http://x'], host: a.com}
  - {path: /x, upstreams: ['http://x'], name: mine}`))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range c.Routes {
		names = append(names, r.Name)
	}
	if want := []string{"/api/ GET", "/api/ POST,PUT", "a.com/api/", "mine"}; !slices.Equal(names, want) {
		t.Errorf("want %q, got %q", want, names)
	}
}

func TestRelayPathsHaveALeadingSlash(t *testing.T) {
	t.Parallel()
	c, err := parse(t, withRequiredKeys("apps: [{appid: wx1, secret: x, relay: [wxa/a, /wxa/b/*]}]"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"/wxa/a", "/wxa/b/*"}; !slices.Equal(c.Apps[0].Relay, want) {
		t.Errorf("want %q, got %q", want, c.Apps[0].Relay)
	}
}

// Certificates are loaded, so that a mismatch is found before the start.
func TestCertificateAndKeyMustMatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testkit.MustCertificate(t, testkit.CertificateOptions{}).MustWrite(t, dir, "a")
	testkit.MustCertificate(t, testkit.CertificateOptions{}).MustWrite(t, dir, "b")
	file := filepath.Join(dir, "config.yaml")
	for part, want := range map[string]string{
		"tls: {cert_file: a.crt, key_file: a.key}": "",
		"tls: {cert_file: a.crt, key_file: b.key}": "tls.cert_file: can't be used with key_file",
		inRoute("upstreams: [{url: 'https://x', ca_file: a.crt, cert_file: b.crt, key_file: b.key, server_name: y}]"): "",
		inRoute("upstreams: [{url: 'https://x', cert_file: a.crt, key_file: b.key}]"):                                 "routes[0].upstreams[0].cert_file: can't be used",
		inRoute("upstreams: [{url: 'https://x', ca_file: a.key}]"):                                                    "ca_file: the file " + dir + "/a.key holds no certificate",
	} {
		c, err := Parse(file, []byte(withRequiredKeys(part)), environmentOf(nil))
		switch {
		case want == "" && err != nil:
			t.Errorf("%v in %s", err, part)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("want %q, got %v", want, err)
		case want == "" && c.TLS.CertFile != "" && string(c.TLS.CertFile) != filepath.Join(dir, "a.crt"):
			t.Errorf("cert_file is %s", c.TLS.CertFile)
		}
	}
}
