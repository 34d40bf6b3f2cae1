package config

import (
	"slices"
	"strings"
	"testing"
)

func TestRestartKeysAreTheChangedKeysThatNeedARestart(t *testing.T) {
	t.Parallel()
	for part, want := range map[string]string{
		"":                        "",
		"listen: :1":              "listen",
		"redis: {password: x}":    "redis",
		"redis: {addrs: ['r:1']}": "redis",
		"redis: {sentinel_password: x, master_name: m, addrs: ['r:1']}":          "redis",
		"session: {cache_size: 5}":                                               "",
		"session: {cache_ttl: 1s}":                                               "",
		"limits: {max_header: 64KiB}":                                            "limits.max_header",
		"limits: {max_header: 16KiB}":                                            "",
		"limits: {max_connections: 7}":                                           "limits.max_connections",
		"limits: {read_header_timeout: 1s, login_per_ip: 1/s}":                   "limits.read_header_timeout",
		"admin: {listen: '127.0.0.1:1'}":                                         "admin.listen",
		"admin: {tokens: [{name: a, token: 0123456789abcdef, scopes: [admin]}]}": "",
		"log: {format: console, level: warn}":                                    "log.format",
		"log: {access: false}":                                                   "",
		"tracing: {sample: 1}":                                                   "tracing",
		"shutdown_timeout: 1m\nauth_prefix: /a":                                  "",
		"wechat: {timeout: 1s}":                                                  "",
		inRoute("timeout: 1s"):                                                   "",
		"log: {format: console}\nlisten: :1":                                     "listen log.format",
	} {
		running, err := parse(t, withRequiredKeys(""))
		if err != nil {
			t.Fatal(err)
		}
		next, err := parse(t, withRequiredKeys(part))
		if err != nil {
			t.Fatal(err)
		}
		if got := RestartKeys(running, next); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: want %q, got %q", part, want, got)
		}
	}
}
