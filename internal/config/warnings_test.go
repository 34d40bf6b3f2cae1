package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInsecureSettingsAreWarnedAbout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "key"), validSecret, 0o644)
	const token = "[{name: a, token: 0123456789abcdef, scopes: [admin]}]"
	for part, want := range map[string]string{
		"":              "",
		"listen: :8080": "listen: tokens are sent in plain text: set tls, or terminate TLS in a proxy and list it in trusted_proxies",
		"listen: 0.0.0.0:8080\ntrusted_proxies: [10.0.0.1]":                                                "",
		"secrets: ['${file:key}']":                                                                         "secrets[0]: the file " + dir + "/key can be read by every user",
		"wechat: {api_base: 'http://wx.local'}":                                                            "wechat.api_base: AppSecret and access token are sent in plain text",
		"wechat: {api_base: 'http://127.0.0.1:8081'}":                                                      "",
		"hooks: {login: {url: 'http://users.internal/hook'}}":                                              "hooks.login.url: who logs in, and what the hook responds, is sent in plain text",
		"hooks: {login: {url: 'https://users.internal/hook'}}":                                             "",
		"hooks: {login: {url: 'http://localhost:3000/hook'}}":                                              "",
		"redis: {addrs: []}":                                                                               "redis.addrs: is empty: sessions are stored in this process",
		"redis: {addrs: ['10.0.0.1:6379', '10.0.0.2:6379'], cluster: true}":                                "redis.addrs[0]: the password and the users' data are sent to 10.0.0.1:6379 in plain text",
		"redis: {addrs: ['10.0.0.1:6379'], tls: true}":                                                     "",
		"admin: {listen: '0.0.0.0:9090', tokens: " + token + "}":                                           "admin.listen: admin.tokens are sent in plain text",
		"token: {ttl: 1h, renew_before: 1h}":                                                               "token.renew_before: 1h is not less than token.ttl",
		"shutdown_timeout: 10s":                                                                            "shutdown_timeout: 10s is not more than routes[0].timeout, 30s",
		"shutdown_timeout: 60s\n" + inRoute("timeout: 1m"):                                                 "shutdown_timeout: 1m is not more than routes[0].timeout, 1m",
		"shutdown_timeout: 61s\n" + inRoute("timeout: 1m"):                                                 "",
		inRoute("require: {roles: [admin]}"):                                                               "routes[0].require.roles: no user has a role",
		"web: {cookie: __Host-x}":                                                                          "web.cookie: no route accepts it",
		"web: {cookie: __Host-x}\n" + inRoute("credentials: [bearer, cookie]"):                             "routes[0].credentials: cookies: pass stores the backend's own cookies in the browser",
		"web: {cookie: __Host-x}\n" + inRoute("credentials: [bearer, cookie]\ncookies: jar"):               "",
		"apps: [{appid: wx1, secret: x, push: {upstream: 'http://127.0.0.1:1', token: abc, mode: plain}}]": "apps[0].push.mode: plain: the signature does not cover the body",
	} {
		quiet := "listen: 127.0.0.1:8080\nredis: {addrs: ['127.0.0.1:6379']}\n"
		c, err := Parse(filepath.Join(dir, "config.yaml"), []byte(withRequiredKeys(replaceLines(quiet, part))), environmentOf(nil))
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

func TestSecretsInAWorldReadableFileAreWarnedAbout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "secret"), validSecret, 0o600)
	fromOutside := "secrets: ['${file:secret}']\napps: [{appid: wx1, secret: '${S}'}]\n"
	for _, c := range []struct {
		part string
		mode os.FileMode
		want string
	}{
		{"redis: {addrs: ['127.0.0.1:1'], password: x}", 0o644, "holds secrets (apps[0].secret, redis.password, secrets[0]) and can be read by every user of this machine: chmod o-r, or ${file:…}"},
		{"redis: {addrs: ['127.0.0.1:1'], password: x}", 0o640, ""},
		{fromOutside + "redis: {addrs: ['127.0.0.1:1'], password: x}", 0o644, "(redis.password)"},
		{fromOutside + "redis: {addrs: ['127.0.0.1:1']}", 0o644, ""},
	} {
		file := filepath.Join(dir, "config.yaml")
		writeFile(t, file, withRequiredKeys("listen: 127.0.0.1:1\n"+c.part), 0o600)
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		loaded, err := Load(file, environmentOf(map[string]string{"S": "x"}))
		if err != nil {
			t.Fatal(err)
		}
		if c.want == "" && len(loaded.Warnings) > 0 || c.want != "" && (len(loaded.Warnings) != 1 || !strings.Contains(loaded.Warnings[0].Error(), c.want)) {
			t.Errorf("%s, mode %o: want %q, got %v", c.part, c.mode, c.want, loaded.Warnings)
		}
	}
}
