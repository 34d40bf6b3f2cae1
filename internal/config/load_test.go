package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

// shippedEnvironment is what the shipped config.yaml asks for.
func shippedEnvironment() func(string) (string, bool) {
	return environment(map[string]string{
		"WXGATE_SECRET": goodSecret,
		"WECHAT_APPID":  "wx0123456789abcdef",
		"WECHAT_SECRET": "0123456789abcdef0123456789abcdef",
	})
}

const shipped = "../../config.yaml"

func TestTheShippedConfigHasTheDefaults(t *testing.T) {
	t.Parallel()
	got, err := Load(shipped, shippedEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	var warned []string
	for _, w := range got.Warnings {
		warned = append(warned, w.Key)
	}
	if want := []string{"listen", "redis.addrs"}; !slices.Equal(warned, want) {
		t.Errorf("want warnings of %v, got %v", want, got.Warnings)
	}
	least, err := Parse(shipped, []byte("secrets: ['${WXGATE_SECRET}']\n"+
		"apps: [{appid: '${WECHAT_APPID}', secret: '${WECHAT_SECRET}'}]\n"+
		"routes: [{path: /api/, upstreams: ['http://127.0.0.1:3000']}]\n"), shippedEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	if got, least := effective(t, got), effective(t, least); got != least {
		t.Errorf("the shipped config comes to\n%s\nand one without any option to\n%s", got, least)
	}
}

func effective(t *testing.T, c *Config) string {
	t.Helper()
	var b strings.Builder
	if err := WriteEffective(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTheShippedConfigNamesEveryKey(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(shipped)
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

func TestTheShippedConfigSaysWhichVariablesItWants(t *testing.T) {
	t.Parallel()
	_, err := Load(shipped, environment(nil))
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

func TestDefaultsAreThoseOfTheReference(t *testing.T) {
	t.Parallel()
	c, err := parse(t, around(""))
	if err != nil {
		t.Fatal(err)
	}
	route := c.Routes[0]
	for name, ok := range map[string]bool{
		"listen":                     c.Listen == ":8080",
		"auth_prefix":                c.AuthPrefix == "/auth",
		"shutdown_timeout":           c.ShutdownTimeout.Std() == 30*time.Second,
		"wechat":                     c.WeChat.APIBase.String() == "https://api.weixin.qq.com" && c.WeChat.Timeout.Std() == 5*time.Second,
		"redis":                      len(c.Redis.Addrs) == 0 && c.Redis.KeyPrefix == "wxgate:",
		"session.idle_timeout":       c.Session.IdleTimeout.Std() == 168*time.Hour,
		"session.max_lifetime":       c.Session.MaxLifetime.Std() == 2160*time.Hour,
		"session.cache_ttl":          c.Session.CacheTTL.Std() == 5*time.Second,
		"session.stale_if_error":     c.Session.StaleIfError.Std() == 5*time.Minute,
		"token":                      c.Token == Token{"jwt", "wxgate", Duration(2 * time.Hour), Duration(30 * time.Minute)},
		"identity.headers":           c.Identity.Headers == IdentityHeaders{"X-OpenID", "X-UnionID", "X-AppID", "X-User-ID", "X-User-Roles", ""},
		"identity.assertion":         c.Identity.Assertion == Assertion{"", Duration(time.Minute)},
		"hooks.login":                c.Hooks.Login == LoginHook{MaskedURL{}, Duration(2 * time.Second), "deny"},
		"limits":                     c.Limits == Limits{Rate{30, time.Minute}, Rate{60, time.Minute}, 0, 32 << 10, 10 << 20, Duration(10 * time.Second)},
		"admin.listen":               c.Admin.Listen == "127.0.0.1:9090",
		"shutdown_delay":             c.ShutdownDelay == 0,
		"session.cache_size":         c.Session.CacheSize == 100_000,
		"web":                        c.Web.Cookie == "" && c.Web.MaxAge.Std() == 12*time.Hour && len(c.Web.Origins)+len(c.PublicOrigins) == 0,
		"tracing":                    c.Tracing.Endpoint.URL == nil && c.Tracing.Protocol == "http/protobuf" && c.Tracing.Sample == 0.01,
		"apps[0].push":               c.Apps[0].Push == Push{Mode: "aes", Timeout: Duration(4 * time.Second)},
		"apps[0].api_security":       len(c.Apps[0].APISecurity.Paths) == 0 && c.Apps[0].APISecurity.Algorithms == "aes256_gcm+rsa",
		"routes[0].credentials":      slices.Equal(route.Credentials, []string{"bearer"}),
		"routes[0].proof":            route.Proof == "off" && !route.UnsignedUploads,
		"routes[0].redirects":        route.Redirects == "rewrite",
		"log":                        c.Log == Log{"info", "json", true},
		"routes[0].name":             route.Name == "/api/",
		"routes[0].auth":             route.Auth == "required",
		"routes[0].upstreams":        len(route.Upstreams) == 1 && route.Upstreams[0].Weight == 1 && route.Upstreams[0].URL.Host == "127.0.0.1:3000",
		"routes[0].balance":          route.Balance == "round_robin",
		"routes[0].timeout":          route.Timeout.Std() == 30*time.Second,
		"routes[0].retries":          route.Retries == 1,
		"routes[0].health":           route.Health == Health{"", Duration(5 * time.Second), Duration(2 * time.Second), 2, 2},
		"routes[0].eject":            route.Eject == Eject{5, Duration(10 * time.Second)},
		"routes[0].cookies":          route.Cookies == "pass",
		"routes[0].websocket":        route.WebSocket,
		"routes[0].max_body":         route.MaxBody == 0,
		"routes[0].rate_limit":       route.RateLimit == Rate{},
		"routes[0].method_override":  !route.MethodOverride && !route.PreserveHost,
		"routes[0].request_headers":  len(route.RequestHeaders.Set)+len(route.RequestHeaders.Remove) == 0,
		"routes[0].response_headers": len(route.ResponseHeaders.Set)+len(route.ResponseHeaders.Remove) == 0,
	} {
		if !ok {
			t.Errorf("the default of %s is another", name)
		}
	}
}

// A default that would contradict what the file says gives way.
func TestDefaultsGiveWay(t *testing.T) {
	t.Parallel()
	c, err := parse(t, around("token: {ttl: 20m}\nsession: {max_lifetime: 1h}"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Token.RenewBefore.Std() != 5*time.Minute || c.Session.IdleTimeout.Std() != time.Hour {
		t.Errorf("renew_before %v, idle_timeout %v", c.Token.RenewBefore, c.Session.IdleTimeout)
	}
}

// A stop is announced to balancers. Where nobody stands in front, no more connections
// are accepted at once.
func TestAStopIsAnnouncedWhereProxiesAreInFront(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"":                              0,
		"trusted_proxies: [10.0.0.0/8]": 3 * time.Second,
		"trusted_proxies: [10.0.0.0/8]\nshutdown_delay: 1s": time.Second,
		"shutdown_delay: 2s": 2 * time.Second,
	} {
		c, err := parse(t, around(text))
		if err != nil || c.ShutdownDelay.Std() != want {
			t.Errorf("%q: %v, %v", text, c.ShutdownDelay, err)
		}
	}
}

func TestGoodValuesAreTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, part := range []string{
		"listen: 127.0.0.1:0",
		"shutdown_delay: 0",
		"apps:\n- appid: wx1\n  secret: x\n  push:\n    " + strings.ReplaceAll(goodPush, "\n", "\n    ") + "timeout: 5s",
		"apps:\n- appid: wx1\n  secret: x\n  prefetch: {key: " + strings.Repeat("aZ-_", 6) + "}",
		"apps:\n- appid: wx1\n  secret: x\n  push: {upstream: 'https://127.0.0.1/wx', token: abc, mode: plain}",
		"apps:\n- appid: wx1\n  secret: x\n  api_security:\n    " + strings.ReplaceAll(goodSecurity(), "\n", "\n    "),
		"apps:\n- appid: wx1\n  secret: x\n  api_security:\n    " + strings.ReplaceAll(without(goodSecurity(), "paths: [wxa/business/*, /wxa/a]\n"), "\n", "\n    "),
		"apps:\n- appid: wx1\n  secret: x\n  api_security:\n    " + strings.ReplaceAll(without(goodSecurity(), "algorithms: sm4_gcm+sm2\nkey: AAECAwQFBgcICQoLDA0ODw==\n"), "\n", "\n    "),
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
		"secrets: ['" + strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(goodSecret), "=") + "']",
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
		if err := os.WriteFile(file, []byte(around(part)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file, environment(nil)); err != nil {
			t.Errorf("%v in\n%s", err, part)
		}
	}
}

// What check prints is a config file again, and one that means the same.
func TestTheEffectiveConfigurationLoadsAgain(t *testing.T) {
	t.Parallel()
	c, err := Load(shipped, shippedEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	c.Routes[0].RequestHeaders.Remove = []string{"Accept-Language"}
	c.TrustedProxies = []Network{{}}
	if err := c.TrustedProxies[0].UnmarshalText([]byte("10.1.2.3/8")); err != nil {
		t.Fatal(err)
	}
	printed := effective(t, c)
	again, err := Parse("printed", []byte(strings.Replace(printed, `"[redacted]"`, goodSecret, 1)), environment(nil))
	if err != nil {
		t.Fatalf("%v in\n%s", err, printed)
	}
	if second := effective(t, again); second != printed {
		t.Errorf("printed\n%s\nthen\n%s", printed, second)
	}
}

func TestAFileThatIsNotThereIsABadConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for file, want := range map[string]string{
		filepath.Join(dir, "nope.yaml"): "nope.yaml: no such file or directory",
		dir:                             "is not a regular file",
		"":                              "--config: names no file",
	} {
		_, err := Load(file, environment(nil))
		var bad Error
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestFilesAreThoseToWatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "key"), goodSecret+"\n", 0o600)
	file := filepath.Join(dir, "config.yaml")
	write(t, file, around("secrets: ['${file:key}']"), 0o600)
	c, err := Load(file, environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{file, filepath.Join(dir, "key")}; !slices.Equal(c.Files, want) {
		t.Errorf("want %v, got %v", want, c.Files)
	}
}

func write(t *testing.T, file, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestRisksAreWarnedOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "key"), goodSecret, 0o644)
	const token = "[{name: a, token: 0123456789abcdef, scopes: [admin]}]"
	for part, want := range map[string]string{
		"":              "",
		"listen: :8080": "listen: tokens travel in plain text: set tls, or serve HTTPS by a proxy in front and name it in trusted_proxies",
		"listen: 0.0.0.0:8080\ntrusted_proxies: [10.0.0.1]":                                                "",
		"secrets: ['${file:key}']":                                                                         "secrets[0]: the file " + dir + "/key can be read by every user",
		"wechat: {api_base: 'http://wx.local'}":                                                            "wechat.api_base: AppSecret and access token travel in plain text",
		"wechat: {api_base: 'http://127.0.0.1:8081'}":                                                      "",
		"hooks: {login: {url: 'http://users.internal/hook'}}":                                              "hooks.login.url: who logs in, and what the hook answers, travels in plain text",
		"hooks: {login: {url: 'https://users.internal/hook'}}":                                             "",
		"hooks: {login: {url: 'http://localhost:3000/hook'}}":                                              "",
		"redis: {addrs: []}":                                                                               "redis.addrs: is empty: sessions live in this process",
		"redis: {addrs: ['10.0.0.1:6379', '10.0.0.2:6379'], cluster: true}":                                "redis.addrs[0]: the password and the users' data travel to 10.0.0.1:6379 in plain text",
		"redis: {addrs: ['10.0.0.1:6379'], tls: true}":                                                     "",
		"admin: {listen: '0.0.0.0:9090', tokens: " + token + "}":                                           "admin.listen: admin.tokens travel in plain text",
		"token: {ttl: 1h, renew_before: 1h}":                                                               "token.renew_before: 1h is not less than token.ttl",
		"shutdown_timeout: 10s":                                                                            "shutdown_timeout: 10s is not more than routes[0].timeout, 30s",
		"shutdown_timeout: 60s\n" + inRoute("timeout: 1m"):                                                 "shutdown_timeout: 1m is not more than routes[0].timeout, 1m",
		"shutdown_timeout: 61s\n" + inRoute("timeout: 1m"):                                                 "",
		inRoute("require: {roles: [admin]}"):                                                               "routes[0].require.roles: nobody has a role",
		"web: {cookie: __Host-x}":                                                                          "web.cookie: no route takes it",
		"web: {cookie: __Host-x}\n" + inRoute("credentials: [bearer, cookie]"):                             "routes[0].credentials: cookies: pass leaves the backend's own cookies in the browser",
		"web: {cookie: __Host-x}\n" + inRoute("credentials: [bearer, cookie]\ncookies: jar"):               "",
		"apps: [{appid: wx1, secret: x, push: {upstream: 'http://127.0.0.1:1', token: abc, mode: plain}}]": "apps[0].push.mode: plain: the signature covers no body",
	} {
		quiet := "listen: 127.0.0.1:8080\nredis: {addrs: ['127.0.0.1:6379']}\n"
		c, err := Parse(filepath.Join(dir, "config.yaml"), []byte(around(without(quiet, part))), environment(nil))
		if err != nil {
			t.Errorf("%v in %s", err, part)
			continue
		}
		if want == "" && len(c.Warnings) == 0 {
			continue
		}
		if len(c.Warnings) != 1 || want == "" || !strings.Contains(c.Warnings[0].Error(), want) {
			t.Errorf("%s: want %q, got %v", part, want, c.Warnings)
		}
	}
}

// A proof covers bodies up to 1 MiB; a route that leaves max_body out gets that.
func TestAProofBoundsTheBody(t *testing.T) {
	t.Parallel()
	for part, want := range map[string]Size{
		inRoute("proof: sign"):                                mib,
		inRoute("proof: report"):                              mib,
		inRoute("proof: off"):                                 0,
		inRoute("proof: sign\nmax_body: 10KiB"):               10 * kib,
		"limits: {max_body: 0}\n" + inRoute("proof: sign"):    mib,
		"limits: {max_body: 9KiB}\n" + inRoute("proof: sign"): 0, // the limit of all routes is lower
	} {
		c, err := parse(t, around(part))
		if err != nil || c.Routes[0].MaxBody != want {
			t.Errorf("%s: want %v, got %v, %v", part, want, c, err)
		}
	}
}

// The path of a web hook or a collector is often its password.
func TestAURLThatMayHoldACredentialIsShownWithoutItsPath(t *testing.T) {
	t.Parallel()
	c, err := parse(t, around("hooks: {login: {url: 'https://users.internal/hooks/hunter2?k=hunter2'}}\n"+
		"tracing: {endpoint: 'https://collector.internal/hunter2/v1/traces'}\n"+
		"apps: [{appid: wx1, secret: x, push: {upstream: 'https://push.internal/hunter2', token: abc, mode: plain}}]"))
	if err != nil {
		t.Fatal(err)
	}
	shown := effective(t, c)
	for _, host := range []string{"https://users.internal/", "https://collector.internal/", "https://push.internal/"} {
		if !strings.Contains(shown, host) {
			t.Errorf("%s is not in\n%s", host, shown)
		}
	}
	if strings.Contains(shown, "hunter2") {
		t.Errorf("a credential is in\n%s", shown)
	}
}

func TestRoutesAreNamedByHostAndPath(t *testing.T) {
	t.Parallel()
	c, err := parse(t, around(`
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
	c, err := parse(t, around("apps: [{appid: wx1, secret: x, relay: [wxa/a, /wxa/b/*]}]"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"/wxa/a", "/wxa/b/*"}; !slices.Equal(c.Apps[0].Relay, want) {
		t.Errorf("want %q, got %q", want, c.Apps[0].Relay)
	}
}

// Words that YAML has ideas about.
func TestWhatIsPrintedReadsBackAsItWas(t *testing.T) {
	t.Parallel()
	roles := []string{"yes", "null", "~", "true", "0x1", "1e3", "012", "1.5", "2024-01-01", "a: b", "#c", "a #c", "'q'", `"dq"`, `back\slash`,
		"- x", "*x", "&x", "!x", "%x", "@x", "`x", "{a}", "[a]", "a,b", "?", ":", "-", "|", ">", "=", "<<", "店", " a ", "$${x}"}
	c, err := parse(t, around(inRoute("require: {roles: []}")))
	if err != nil {
		t.Fatal(err)
	}
	c.Routes[0].Require.Roles = roles
	again, err := parse(t, strings.Replace(effective(t, c), `"[redacted]"`, goodSecret, 1))
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Routes[0].Require.Roles; got[len(got)-1] != "${x}" || !slices.Equal(got[:len(got)-1], roles[:len(roles)-1]) {
		t.Errorf("want %q, got %q", roles, got)
	}
}

func TestHeadersArePrintedInOrder(t *testing.T) {
	t.Parallel()
	c, err := parse(t, around(inRoute("request_headers: {set: {X-E: a, X-D: a, X-C: a, X-B: a, X-A: a}}")))
	if err != nil {
		t.Fatal(err)
	}
	printed := regexp.MustCompile(`X-[A-E]:`).FindAllString(effective(t, c), -1)
	if !slices.IsSorted(printed) || len(printed) != 5 {
		t.Errorf("got %v", printed)
	}
}

// Certificates are tried, so that a wrong one is found before the start.
func TestCertificateFilesMustFit(t *testing.T) {
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
		c, err := Parse(file, []byte(around(part)), environment(nil))
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
