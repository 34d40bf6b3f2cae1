package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// invalidValue is a part of a config file with one mistake. The line that the
// error must name ends with "# here".
type invalidValue struct {
	key  string // that the error must name
	part string
	what string // a substring of the message
}

func invalidValues(dir string) []invalidValue {
	inApp := func(lines string) string { return "apps:\n  - " + strings.ReplaceAll(lines, "\n", "\n    ") + "\n" }
	inPush := func(lines string) string {
		return inApp("appid: wx1\nsecret: x\npush:\n  " + strings.ReplaceAll(replaceLines(validPush, lines), "\n", "\n  "))
	}
	inSecurity := func(lines string) string {
		return inApp("appid: wx1\nsecret: x\napi_security:\n  " + strings.ReplaceAll(replaceLines(validAPISecurity(), lines), "\n", "\n  "))
	}
	empty := filepath.Join(dir, "empty")
	return []invalidValue{
		{"listen", "listen: nonsense # here", `write "nonsense:8080"`},
		{"listen", "listen: 8080 # here", `write ":8080"`},
		{"listen", "listen: ':99999' # here", "not an address"},
		{"listen", "listen: 'a b:80' # here", "no valid host"},
		{"listen", "listen: '::1:80' # here", "brackets go around an IPv6 host"},
		{"listen", "listen: [a] # here", "must be text, not a list"},
		{"listen", "listen: # here", "has no value"},
		{"tls", "tls: none # here", "must be a mapping, not text"},
		{"tls", "tls: # here\nadmin: {}", "has no value"},
		{"tls.key_file", "tls: {cert_file: a.pem} # here", "set both or neither"},
		{"tls.cert_file", "tls: {key_file: a.pem} # here", "set both or neither"},
		{"tls.cert_file", "tls:\n  cert_file: nope.pem # here\n  key_file: nope.key", "no such file"},
		{"trusted_proxies", "trusted_proxies: 10.0.0.0/8 # here", "must be a list"},
		{"trusted_proxies[0]", "trusted_proxies: [10.0.0.0/99] # here", "not a network"},
		{"trusted_proxies[0]", "trusted_proxies: [proxy.local] # here", "not a network"},
		{"trusted_proxies[1]", "trusted_proxies:\n  - 10.0.0.0/8\n  - 0.0.0.0/0 # here", "would trust clients too"},
		{"trusted_proxies[0]", "trusted_proxies: ['::/0'] # here", "would trust clients too"},
		{"trusted_proxies[0]", "trusted_proxies: [0.0.0.0/1] # here", "would trust clients too"},
		{"trusted_proxies[0]", "trusted_proxies: ['::ffff:0:0/96'] # here", "write an IPv4 network as such"},
		{"auth_prefix", "auth_prefix: auth # here", "doesn't begin with /"},
		{"auth_prefix", "auth_prefix: / # here", "can't be /"},
		{"auth_prefix", "auth_prefix: /auth/ # here", `write "/auth"`},
		{"auth_prefix", "auth_prefix: /a/../b # here", "dot segment"},
		{"auth_prefix", "auth_prefix: /.well-known # here", "reserved for the gateway's keys"},
		{"shutdown_delay", "shutdown_delay: 10m # here", "more than 5m"},
		{"shutdown_timeout", "shutdown_timeout: soon # here", "not a duration"},
		{"shutdown_timeout", "shutdown_timeout: 30 # here", "not a duration"},
		{"shutdown_timeout", "shutdown_timeout: -1s # here", "can't be negative"},
		{"shutdown_timeout", "shutdown_timeout: 2h # here", "more than 1h"},
		{"shutdown_timeout", "shutdown_timeout: {s: 1} # here", "must be a duration, not a mapping"},

		{"secrets", "secrets: [] # here", "at least one"},
		{"secrets", "secrets: " + validSecret + " # here", "must be a list"},
		{"secrets[0]", "secrets: [''] # here", "is empty"},
		{"secrets[0]", "secrets: [AAECAwQFBgc=] # here", "holds 8 bytes"},
		{"secrets[0]", "secrets: [changeme] # here", "holds 6 bytes"},
		{"secrets[0]", "secrets: ['not base64!'] # here", "not base64"},
		{"secrets[0]", "secrets: [Y2hhbmdlbWVjaGFuZ2VtZWNoYW5nZW1lY2hhbmdlbWU=] # here", "not random"},
		{"secrets[1]", "secrets:\n  - " + validSecret + "\n  - " + validSecret + " # here", "same as secrets[0]"},
		{"secrets[0]", "secrets: ['${NOT_SET}'] # here", "environment variable NOT_SET is not set"},
		{"secrets[0]", "secrets: ['${file:nope}'] # here", "nope: no such file"},
		{"secrets[0]", "secrets: ['${file:" + empty + "}'] # here", "is empty"},
		{"secrets[0]", "secrets: ['${file:" + dir + "}'] # here", "not a regular file"},

		{"apps", "apps: [] # here", "at least one"},
		{"apps[0]", "apps: [wx1] # here", "must be a mapping"},
		{"apps[0].appid", inApp("appid: wx 1 # here\nsecret: x"), "not an appid"},
		{"apps[0].appid", inApp("appid: '' # here\nsecret: x"), "not an appid"},
		{"apps[0].appid", inApp("secret: x # here"), "is required"},
		{"apps[1].appid", "apps:\n  - {appid: wx1, secret: x}\n  - {appid: wx1, secret: y} # here", "also the appid of apps[0]"},
		{"apps[0].secret", inApp("appid: wx1 # here"), "is required"},
		{"apps[0].secret", inApp("appid: wx1\nsecret: '' # here"), "is empty"},
		{"apps[0].secret", inApp("appid: wx1\nsecret: a b # here"), "not an AppSecret"},
		{"apps[0].secret", inApp("appid: wx1\nsecret: 12345 # here"), "put it in quotes"},
		{"apps[0].relay", inApp("appid: wx1\nsecret: x\nrelay: wxa/x # here"), "must be a list"},
		{"apps[0].relay[0]", inApp("appid: wx1\nsecret: x\nrelay: [/cgi-bin/../token] # here"), "dot segment"},
		{"apps[0].relay[0]", inApp("appid: wx1\nsecret: x\nrelay: ['/*'] # here"), "names no path"},
		{"apps[0].relay[0]", inApp("appid: wx1\nsecret: x\nrelay: ['wxa/*/x'] # here"), "character other than"},
		{"apps[0].relay[0]", inApp("appid: wx1\nsecret: x\nrelay: [wxa/x/] # here"), "ends with /"},
		{"apps[0].relay[0]", inApp("appid: wx1\nsecret: x\nrelay: [//wxa/x] # here"), "empty segment"},
		{"apps[0].relay[0]", inApp("appid: wx1\nsecret: x\nrelay: [sns/jscode2session] # here"), "never relayed"},
		{"apps[0].relay[0]", inApp("appid: wx1\nsecret: x\nrelay: [/cgi-bin/stable_token] # here"), "with its own token"},
		{"apps[0].relay[0]", inApp("appid: wx1\nsecret: x\nrelay: [cgi-bin/component/*] # here"), "never relayed"},
		{"apps[0].relay[1]", inApp("appid: wx1\nsecret: x\nrelay:\n  - wxa/x\n  - /wxa/x # here"), "same as apps[0].relay[0]"},

		{"apps[0].prefetch.key", inApp("appid: wx1\nsecret: x\nprefetch: {key: tooshorttobearealkey1} # here"), "22 to 128 random letters"},
		{"apps[0].prefetch.key", inApp("appid: wx1\nsecret: x\nprefetch: {key: 'a/b/c/d/e/f/g/h/i/j/k/l/m'} # here"), "22 to 128 random letters"},
		{"apps[0].prefetch.key", inApp("appid: wx1\nsecret: x\nprefetch: {key: " + strings.Repeat("k", 129) + "} # here"), "22 to 128 random letters"},
		{"apps[0].push", inApp("appid: wx1\nsecret: x\npush: on # here"), "must be a mapping"},
		{"apps[0].push.token", inPush("token: 'a b' # here"), "not a token of WeChat's console"},
		{"apps[0].push.token", inPush("token: '' # here"), "not a token of WeChat's console"},
		{"apps[0].push.aes_key", inPush("aes_key: short # here"), "43 letters and digits"},
		{"apps[0].push.mode", inPush("mode: compatible # here"), "not one of aes, plain"},
		{"apps[0].push.upstream", inPush("upstream: ftp://x # here"), "begins with http:// or https://"},
		{"apps[0].push.upstream", inPush("upstream: '' # here"), "is empty while"},
		{"apps[0].push.upstream", inPush("upstream: 'http://x?a=b' # here"), "can't have a query"},
		{"apps[0].push.timeout", inPush("timeout: 6s # here"), "more than 5s"},

		{"apps[0].api_security.paths[0]", inSecurity("paths: [wxa/*/a] # here"), "character other than"},
		{"apps[0].api_security.paths[0]", inSecurity("paths: [/wxa/] # here"), "write it in full"},
		{"apps[0].api_security.paths[0]", inSecurity("paths: ['/*'] # here"), "write it in full"},
		{"apps[0].api_security.paths[1]", inSecurity("paths: [wxa/a, /wxa/a] # here"), "same as"},
		{"apps[0].api_security.algorithms", inSecurity("algorithms: rsa # here"), "not one of"},
		{"apps[0].api_security.key_sn", inSecurity("key_sn: '' # here"), "not a number from WeChat's console"},
		{"apps[0].api_security.key", inSecurity("key: AAECAwQFBgc= # here"), "base64 of 32 bytes"},
		{"apps[0].api_security.key", inSecurity("algorithms: sm4_gcm+sm2\nkey: q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA= # here"), "base64 of 16 bytes"},
		{"apps[0].api_security.cert_sn", inSecurity("cert_sn: a b # here"), "not a number"},
		{"apps[0].api_security.private_key", inSecurity("private_key: x # here"), "not an RSA private key"},
		{"apps[0].api_security.platform_certs", inSecurity("platform_certs: [] # here"), "at least one"},
		{"apps[0].api_security.platform_certs[0].sn", inSecurity("platform_certs: [{sn: '', cert: \"-----BEGIN CERTIFICATE-----\\nMAA=\\n-----END CERTIFICATE-----\"}] # here"), "not a number"},
		{"apps[0].api_security.platform_certs[0].cert", inSecurity("platform_certs: [{sn: '1', cert: x}] # here"), "not a certificate in PEM"},

		{"wechat.api_base", "wechat: {api_base: api.weixin.qq.com} # here", "write http://api.weixin.qq.com or https://api.weixin.qq.com"},
		{"wechat.api_base", "wechat: {api_base: ''} # here", "is empty"},
		{"wechat.api_base", "wechat: {api_base: 'https://x?y=1'} # here", "can't have a query"},
		{"wechat.api_base", "wechat: {api_base: 'https://u:p@x'} # here", "user or password"},
		{"wechat.timeout", "wechat: {timeout: 0} # here", "less than 1ms"},
		{"wechat.timeout", "wechat: {timeout: 1h} # here", "more than 1m"},

		{"redis.addrs", "redis: {addrs: 'localhost:6379'} # here", "must be a list"},
		{"redis.addrs[0]", "redis: {addrs: [localhost]} # here", `write "localhost:6379"`},
		{"redis.addrs[0]", "redis: {addrs: [':6379']} # here", "not an address"},
		{"redis.addrs", "redis: {addrs: ['a:1', 'b:1']} # here", "more than one address"},
		{"redis.addrs[1]", "redis: {cluster: true, addrs: ['a:1', 'a:1']} # here", "same as"},
		{"redis.username", `redis: {username: "a\nb", password: x} # here`, "control characters"},
		{"redis.password", "redis: {username: a} # here", "is empty while"},
		{"redis.password", "redis: {password: 1234} # here", "put it in quotes"},
		{"redis.db", "redis: {db: zero} # here", `must be a whole number, not text ("zero")`},
		{"redis.db", "redis: {db: '0'} # here", "must be a whole number"},
		{"redis.db", "redis: {db: -1} # here", "less than 0"},
		{"redis.db", "redis: {db: 0x10} # here", "not a whole number"},
		{"redis.db", "redis: {db: 9999999999} # here", "not a whole number"},
		{"redis.db", "redis: {db: 1, cluster: true, addrs: ['a:1']} # here", "can only be 0"},
		{"redis.master_name", "redis: {master_name: m} # here", "redis.addrs is empty"},
		{"redis.master_name", "redis: {master_name: 'a b', addrs: ['a:1']} # here", "not a name"},
		{"redis.sentinel_username", `redis: {sentinel_username: "a\nb", sentinel_password: x, master_name: m, addrs: ['a:1']} # here`, "control characters"},
		{"redis.sentinel_password", "redis: {sentinel_username: a, master_name: m, addrs: ['a:1']} # here", "is empty while"},
		{"redis.sentinel_password", "redis: {sentinel_password: a, addrs: ['a:1']} # here", "no Sentinels are used"},
		{"redis.cluster", "redis: {cluster: yes} # here", "must be true or false"},
		{"redis.cluster", "redis: {cluster: true} # here", "redis.addrs is empty"},
		{"redis.cluster", "redis: {cluster: true, master_name: m, addrs: ['a:1']} # here", "use either Cluster or Sentinel"},
		{"redis.tls", "redis: {tls: 1} # here", "must be true or false"},
		{"redis.key_prefix", "redis: {key_prefix: '{x}'} # here", "characters other than letters"},

		{"session.idle_timeout", "session: {idle_timeout: 0s} # here", "less than 1s"},
		{"session.idle_timeout", "session: {idle_timeout: 3h, max_lifetime: 2h} # here", "more than session.max_lifetime"},
		{"session.max_lifetime", "session: {max_lifetime: 99999h} # here", "more than 87600h"},
		{"session.max_per_user", "session: {max_per_user: -1} # here", "less than 0"},
		{"session.max_per_user", "session: {max_per_user: 1.5} # here", "must be a whole number, not a number"},
		{"session.cache_size", "session: {cache_size: 0} # here", "less than 1"},
		{"session.cache_ttl", "session: {cache_ttl: 5} # here", "not a duration"},
		{"session.stale_if_error", "session: {stale_if_error: 1y} # here", "not a duration"},

		{"token.format", "token: {format: JWT} # here", "not one of jwt, opaque (did you mean jwt?)"},
		{"token.renew_before", "token: {renew_before: soon} # here", "not a duration"},
		{"token.issuer", "token: {issuer: ''} # here", "not a name"},
		{"token.ttl", "token: {ttl: 500ms} # here", "less than 1s"},

		{"identity.headers.openid", "identity: {headers: {openid: X_OpenID}} # here", "not a header name"},
		{"identity.headers.openid", "identity: {headers: {openid: Authorization}} # here", "already has a meaning in HTTP"},
		{"identity.headers.unionid", "identity: {headers: {unionid: x-openid}} # here", "same header as identity.headers.openid"},
		{"identity.headers.appid", "identity: {headers: {appid: Host}} # here", "already has a meaning in HTTP"},
		{"identity.headers.user_id", "identity: {headers: {user_id: X-Forwarded-Port}} # here", "reserved for the gateway"},
		{"identity.headers.roles", "identity: {headers: {roles: Connection}} # here", "header of the connection"},
		{"identity.headers.phone", `identity: {headers: {phone: "X-Phone\r\nX: y"}} # here`, "not a header name"},
		{"identity.headers.phone", "identity: {headers: {phone: X-WX-PHONE}, wxcloudrun: true} # here", "already set by identity.wxcloudrun"},
		{"identity.wxcloudrun", "identity: {wxcloudrun: 'true'} # here", "must be true or false"},
		{"identity.assertion.header", "identity: {assertion: {header: Content-Type}} # here", "already has a meaning in HTTP"},
		{"identity.assertion.ttl", "identity: {assertion: {ttl: 0}} # here", "less than 1s"},

		{"public_origins[0]", "public_origins: ['https://x/'] # here", "not an origin"},
		{"public_origins[1]", "public_origins: ['https://x', 'https://X:443'] # here", "same as"},
		{"web.cookie", "web: {cookie: wxgate} # here", `write "__Host-wxgate"`},
		{"web.cookie", "web: {cookie: __Host-} # here", "not a cookie name"},
		{"web.cookie", "web: {cookie: __Host-a;b} # here", "not a cookie name"},
		{"web.max_age", "web: {max_age: 0} # here", "less than 1s"},
		{"web.origins[0]", "web: {origins: ['*']} # here", "not an origin"},
		{"tracing.endpoint", "tracing: {endpoint: 'grpc://x'} # here", "begins with http:// or https://"},
		{"tracing.protocol", "tracing: {protocol: thrift} # here", "not one of http/protobuf"},
		{"tracing.sample", "tracing: {sample: 1.5} # here", "not a number between 0 and 1"},
		{"tracing.sample", "tracing: {sample: .nan} # here", "not a number between 0 and 1"},
		{"tracing.headers.X A", "tracing: {headers: {X A: x}} # here", "not a header name"},
		{"tracing.headers.X-A", `tracing: {headers: {X-A: "a\nb"}} # here`, "control characters"},

		{"hooks.login.url", "hooks: {login: {url: 'ftp://x'}} # here", "begins with https:// or http://"},
		{"hooks.login.url", "hooks: {login: {url: 'http://'}} # here", "no valid host"},
		{"hooks.login.url", "hooks: {login: {url: 'http://x#y'}} # here", "fragment"},
		{"hooks.login.url", "hooks: {login: {url: 'http://x:%zz'}} # here", "is not a URL"},
		{"hooks.login.timeout", "hooks: {login: {timeout: 0}} # here", "less than 1ms"},
		{"hooks.login.on_error", "hooks: {login: {on_error: permit}} # here", "not one of deny, allow"},

		{"limits.login_per_ip", "limits: {login_per_ip: 30} # here", "not a rate"},
		{"limits.login_per_ip", "limits: {login_per_ip: 30/d} # here", "not a rate"},
		{"limits.login_per_ip", "limits: {login_per_ip: 0/s} # here", "not between 1"},
		{"limits.auth_per_user", "limits: {auth_per_user: 60} # here", "not a rate"},
		{"limits.max_connections", "limits: {max_connections: -1} # here", "less than 0"},
		{"limits.max_header", "limits: {max_header: 10B} # here", "less than 1KiB"},
		{"limits.max_header", "limits: {max_header: 32KB} # here", "write 32KiB"},
		{"limits.max_body", "limits: {max_body: 10} # here", "has no unit: write 10B, 10KiB"},
		{"limits.max_body", "limits: {max_body: lots} # here", "not a size"},
		{"limits.max_body", "limits: {max_body: -1MiB} # here", "not a size"},
		{"limits.max_body", "limits: {max_body: 99999999999GiB} # here", "too large"},
		{"limits.read_header_timeout", "limits: {read_header_timeout: 0s} # here", "less than 1ms"},

		{"admin.listen", "admin: {listen: ':9090'} # here", "not a loopback address"},
		{"admin.listen", "admin: {listen: '0.0.0.0:9090'} # here", "not a loopback address"},
		{"admin.listen", "admin: {listen: 'localhost:8080'} # here", "a port of its own"},
		{"listen", "listen: ':9090' # here", "a port of its own"},
		{"admin.listen", "admin: {listen: ''} # here", "not an address"},
		{"admin.tls.key_file", "admin: {tls: {cert_file: a.pem}} # here", "set both or neither"},
		{"admin.tls.cert_file", "admin: {tls: {key_file: a.pem}} # here", "set both or neither"},
		{"admin.tokens", "admin: {tokens: x} # here", "must be a list"},
		{"admin.tokens[0].name", "admin: {tokens: [{token: 0123456789abcdefg, scopes: [admin]}]} # here", "is required"},
		{"admin.tokens[0].name", "admin: {tokens: [{name: '', token: 0123456789abcdefg, scopes: [admin]}]} # here", "not a name"},
		{"admin.tokens[1].name", "admin:\n  tokens:\n  - {name: a, token: 0123456789abcdefg, scopes: [admin]}\n  - {name: a, token: 0123456789abcdefh, scopes: [admin]} # here", "also the name of another"},
		{"admin.tokens[0].token", "admin: {tokens: [{name: a, token: '', scopes: [admin]}]} # here", "has 0 characters"},
		{"admin.tokens[0].token", "admin: {tokens: [{name: a, token: '0123456789abcdef 0', scopes: [admin]}]} # here", "Bearer token can't have"},
		{"admin.tokens[0].token", "admin: {tokens: [{name: a, scopes: [admin]}]} # here", "is required"},
		{"admin.tokens[1].token", "admin:\n  tokens:\n  - {name: a, token: 0123456789abcdefg, scopes: [admin]}\n  - {name: b, token: 0123456789abcdefg, scopes: [admin]} # here", "same as another's"},
		{"admin.tokens[0].scopes", "admin: {tokens: [{name: a, token: 0123456789abcdefg, scopes: []}]} # here", "at least one"},
		{"admin.tokens[0].scopes", "admin: {tokens: [{name: a, token: 0123456789abcdefg}]} # here", "is required"},
		{"admin.tokens[0].scopes[0]", "admin: {tokens: [{name: a, token: 0123456789abcdefg, scopes: [amdin]}]} # here", "did you mean admin?"},
		{"admin.tokens[0].scopes[1]", "admin: {tokens: [{name: a, token: 0123456789abcdefg, scopes: [admin, admin]}]} # here", "same as"},

		{"admin.tokens[0].apps", "admin: {tokens: [{name: a, token: 0123456789abcdefg, scopes: [admin], apps: []}]} # here", "at least one"},
		{"admin.tokens[0].apps[0]", "admin: {tokens: [{name: a, token: 0123456789abcdefg, scopes: [admin], apps: [wx2]}]} # here", "not an appid of apps"},
		{"admin.tokens[0].token", "admin: {tokens: [{name: a, token: 0123456789, scopes: [admin]}]} # here", "has 10 characters, not 16 to 512"},
		{"admin.tokens[0].token", "admin: {tokens: [{name: a, token: aaaaaaaaaaaaaaaaaaaa, scopes: [admin]}]} # here", "can be guessed"},

		{"log.level", "log: {level: loud} # here", "not one of debug, info, warn, error"},
		{"log.access", "log: {access: 'false'} # here", "must be true or false"},
		{"log.format", "log: {format: text} # here", "not one of json, console"},

		{"routes", "routes: [] # here", "at least one"},
		{"routes[0].path", "routes:\n  - upstreams: ['http://x'] # here", "is required"},
		{"routes[0].path", inRoute("path: api # here"), "doesn't begin with /"},
		{"routes[0].path", inRoute("path: /api/* # here"), "has a *"},
		{"routes[0].path", inRoute("path: /a/../b # here"), "dot segment"},
		{"routes[0].path", inRoute("path: /a/. # here"), "dot segment"},
		{"routes[0].path", inRoute("path: /a//b # here"), "empty segment"},
		{"routes[0].path", inRoute("path: /a%2fb # here"), "character other than"},
		{"routes[0].path", inRoute("path: /a;b # here"), "character other than"},
		{"routes[0].path", inRoute(`path: /a\b # here`), "character other than"},
		{"routes[0].path", inRoute("path: ^/public # here"), "doesn't begin with /"},
		{"routes[0].path", inRoute("path: '' # here"), "doesn't begin with /"},
		{"routes[0].path", inRoute("path: /auth # here"), "below auth_prefix"},
		{"routes[0].path", inRoute("path: /auth/x # here"), "below auth_prefix"},
		{"routes[0].path", inRoute("path: /.well-known/jwks.json # here"), "served by the gateway"},
		{"routes[0].name", inRoute(`name: "a\nb" # here`), "not a name"},
		{"routes[0].name", inRoute("name: push # here"), "reserved"},
		{"routes[1].name", "routes:\n  - {path: /a, name: x, upstreams: ['http://x']}\n  - {path: /b, name: x, upstreams: ['http://x']} # here", "also the name of routes[0]"},
		{"routes[0].host", inRoute("host: https://x # here"), "not a host"},
		{"routes[0].host", inRoute("host: 'x:80' # here"), "not a host"},
		{"routes[0].host", inRoute("host: 'a.*.com' # here"), "not a host"},
		{"routes[0].methods", inRoute("methods: GET # here"), "must be a list"},
		{"routes[0].methods[0]", inRoute("methods: [get] # here"), "written in capitals"},
		{"routes[0].methods[0]", inRoute("methods: [CONNECT] # here"), "never forwarded"},
		{"routes[0].methods[1]", inRoute("methods: [GET, GET] # here"), "same as"},
		{"routes[0].auth", inRoute("auth: requried # here"), "did you mean required?"},
		{"routes[0].auth", inRoute("auth: false # here"), "not one of required, optional, none"},
		{"routes[0].upstreams", "routes:\n  - path: /api/ # here", "is required"},
		{"routes[0].upstreams", inRoute("upstreams: [] # here"), "at least one"},
		{"routes[0].upstreams", inRoute("upstreams: 'http://x' # here"), "must be a list"},
		{"routes[0].upstreams[0]", inRoute("upstreams: ['x:80'] # here"), "write http://x:80 or https://x:80"},
		{"routes[0].upstreams[0]", inRoute("upstreams: ['ftp://x'] # here"), "begins with http://"},
		{"routes[0].upstreams[0]", inRoute("upstreams: ['http:///x'] # here"), "no valid host"},
		{"routes[0].upstreams[0]", inRoute("upstreams: ['http://x:'] # here"), "no valid host"},
		{"routes[0].upstreams[0]", inRoute("upstreams: ['http://x:0'] # here"), "no valid host"},
		{"routes[0].upstreams[0]", inRoute("upstreams: ['http://u:hush@x'] # here"), "user or password"},
		{"routes[0].upstreams[0]", inRoute("upstreams: ['http://x/?a=b'] # here"), "query"},
		{"routes[0].upstreams[0]", inRoute("upstreams: ['http://x/a%2fb'] # here"), "character other than"},
		{"routes[0].upstreams[1]", inRoute("upstreams: ['http://x', 'http://x/'] # here"), "set a weight there"},
		{"routes[0].upstreams[0]", inRoute("upstreams: [[x]] # here"), "must be a mapping"},
		{"routes[0].upstreams[0].url", inRoute("upstreams: [{weight: 2}] # here"), "is required"},
		{"routes[0].upstreams[0].url", inRoute("upstreams: [{url: x}] # here"), "write http://x or https://x"},
		{"routes[0].upstreams[0].weight", inRoute("upstreams: [{url: 'http://x', weight: 0}] # here"), "less than 1"},
		{"routes[0].websocket", inRoute("upstreams: ['http://x', 'h2c://y']\nwebsocket: true # here"), "does not support WebSocket"},
		{"routes[0].upstreams[0].ca_file", inRoute("upstreams: [{url: 'http://x', ca_file: " + empty + "}] # here"), "https upstreams only"},
		{"routes[0].upstreams[0].ca_file", inRoute("upstreams: [{url: 'https://x', ca_file: " + empty + "}] # here"), "no certificate"},
		{"routes[0].upstreams[0].ca_file", inRoute("upstreams: [{url: 'https://x', ca_file: nope}] # here"), "no such file"},
		{"routes[0].upstreams[0].cert_file", inRoute("upstreams: [{url: 'https://x', key_file: nope}] # here"), "both or neither"},
		{"routes[0].upstreams[0].key_file", inRoute("upstreams: [{url: 'https://x', cert_file: nope}] # here"), "both or neither"},
		{"routes[0].upstreams[0].server_name", inRoute("upstreams: [{url: 'https://x', server_name: 'a b'}] # here"), "not a host name"},
		{"routes[0].balance", inRoute("balance: random # here"), "not one of round_robin"},
		{"routes[0].balance", inRoute("auth: none\nbalance: hash_openid # here"), "needs auth"},
		{"routes[0].strip_prefix", inRoute("strip_prefix: /app # here"), "not the beginning of the path"},
		{"routes[0].strip_prefix", inRoute("strip_prefix: /ap # here"), "not the beginning of the path"},
		{"routes[0].strip_prefix", inRoute("strip_prefix: api # here"), "doesn't begin with /"},
		{"routes[0].add_prefix", inRoute("add_prefix: /v2/../x # here"), "dot segment"},
		{"routes[0].add_prefix", inRoute("add_prefix: / # here"), "changes nothing"},
		{"routes[0].preserve_host", inRoute("preserve_host: maybe # here"), "must be true or false"},
		{"routes[0].timeout", inRoute("timeout: 0 # here"), "less than 1ms"},
		{"routes[0].max_body", inRoute("max_body: big # here"), "not a size"},
		{"routes[0].retries", inRoute("retries: 11 # here"), "more than 10"},
		{"routes[0].retries", inRoute("retries: -1 # here"), "less than 0"},
		{"routes[0].health", inRoute("health: /healthz # here"), "must be a mapping"},
		{"routes[0].health.path", inRoute("health: {path: healthz} # here"), "doesn't begin with /"},
		{"routes[0].health.path", inRoute("health: {path: '/h?a b'} # here"), "no valid query"},
		{"routes[0].health.interval", inRoute("health: {interval: 0} # here"), "less than 10ms"},
		{"routes[0].health.timeout", inRoute("health: {timeout: 2} # here"), "not a duration"},
		{"routes[0].health.healthy", inRoute("health: {healthy: 0} # here"), "less than 1"},
		{"routes[0].health.unhealthy", inRoute("health: {unhealthy: two} # here"), "must be a whole number"},
		{"routes[0].eject.failures", inRoute("eject: {failures: -1} # here"), "less than 0"},
		{"routes[0].eject.for", inRoute("eject: {for: 0} # here"), "less than 1ms"},
		{"routes[0].request_headers.set", inRoute("request_headers: {set: [X]} # here"), "must be a mapping"},
		{"routes[0].request_headers.set.X A", inRoute("request_headers: {set: {X A: y}} # here"), "not a header name"},
		{"routes[0].request_headers.set.X_A", inRoute("request_headers: {set: {X_A: y}} # here"), "not a header name"},
		{"routes[0].request_headers.set.X-A", inRoute("request_headers: {set: {X-A: 5}} # here"), "put it in quotes"},
		{"routes[0].request_headers.set.X-A", inRoute(`request_headers: {set: {X-A: "a\r\nX-OpenID: x"}} # here`), "control characters"},
		{"routes[0].request_headers.set.x-openid", inRoute("request_headers: {set: {x-openid: y}} # here"), "is an identity header"},
		{"routes[0].request_headers.set.X-WX-OPENID", inRoute("request_headers: {set: {X-WX-OPENID: y}} # here"), "is an identity header"},
		{"routes[0].request_headers.set.X-Session-Token", inRoute("request_headers: {set: {X-Session-Token: y}} # here"), "reserved for the gateway"},
		{"routes[0].request_headers.set.x-a", inRoute("request_headers: {set: {X-A: y, x-a: z}} # here"), "same header as"},
		{"routes[0].request_headers.set.X-A", inRoute("request_headers:\n  set:\n    X-A: y\n    X-A: z # here"), "duplicate key"},
		{"routes[0].request_headers.remove[0]", inRoute("request_headers: {remove: [X-OpenID]} # here"), "is an identity header"},
		{"routes[0].request_headers.remove[0]", inRoute("request_headers: {remove: [Transfer-Encoding]} # here"), "header of the connection"},
		{"routes[0].request_headers.remove[0]", inRoute("request_headers: {set: {X-A: y}, remove: [x-a]} # here"), "same header as"},
		{"routes[0].response_headers.set.X-Session-Token", inRoute("response_headers: {set: {X-Session-Token: y}} # here"), "reserved for the gateway"},
		{"routes[0].response_headers.remove[0]", inRoute("response_headers: {remove: [X-Gateway-Error]} # here"), "reserved for the gateway"},
		{"routes[0].response_headers.remove[0]", inRoute("response_headers: {remove: [Set-Cookie]} # here"), "controlled by cookies"},
		{"routes[0].response_headers.set.Access-Control-Max-Age", inRoute("cors: {origins: ['*']}\nresponse_headers: {set: {Access-Control-Max-Age: '1'}} # here"), "set by cors"},
		{"routes[0].rate_limit", inRoute("rate_limit: fast # here"), "not a rate"},
		{"routes[0].require", inRoute("auth: optional\nrequire: {phone: true} # here"), "needs auth: required"},
		{"routes[0].require.roles", inRoute("require: {roles: admin} # here"), "must be a list"},
		{"routes[0].require.roles[0]", inRoute("require: {roles: ['']} # here"), "not a role"},
		{"routes[0].require.phone", inRoute("require: {phone: 1} # here"), "must be true or false"},
		{"routes[0].cookies", inRoute("cookies: keep # here"), "not one of pass, jar, drop"},
		{"routes[0].cookies", inRoute("auth: none\ncookies: jar # here"), "needs auth"},
		{"routes[0].method_override", inRoute("method_override: on # here"), "must be true or false"},
		{"routes[0].websocket", inRoute("websocket: 'no' # here"), "must be true or false"},
		{"routes[0].credentials", inRoute("credentials: cookie # here"), "must be a list"},
		{"routes[0].credentials", inRoute("credentials: [] # here"), "lacks bearer"},
		{"routes[0].credentials", inRoute("credentials: [cookie] # here"), "lacks bearer"},
		{"routes[0].credentials[1]", inRoute("credentials: [bearer, cookies] # here"), "did you mean cookie?"},
		{"routes[0].credentials", inRoute("credentials: [bearer, cookie] # here"), "needs web.cookie"},
		{"routes[0].credentials", inRoute("auth: none\ncredentials: [bearer, cookie] # here") + "\nweb: {cookie: __Host-x}", "needs auth"},
		{"routes[0].proof", inRoute("proof: true # here"), "not one of off, sign, report"},
		{"routes[0].proof", inRoute("auth: optional\nproof: sign # here"), "needs auth: required"},
		{"routes[0].proof", inRoute("auth: none\nproof: report # here"), "needs auth: required"},
		{"routes[0].proof", inRoute("cookies: jar\ncredentials: [bearer, cookie]\nproof: sign # here") + "\nweb: {cookie: __Host-x}", "web pages have no key"},
		{"routes[0].max_body", inRoute("proof: sign\nmax_body: 2MiB # here"), "more than 1MiB"},
		{"routes[0].unsigned_uploads", inRoute("unsigned_uploads: true # here"), "needs proof"},
		{"routes[0].redirects", inRoute("redirects: follow # here"), "not one of rewrite, pass"},
		{"routes[0].cors.origins", inRoute("cors: {origins: '*'} # here"), "must be a list"},
		{"routes[0].cors.origins[0]", inRoute("cors: {origins: ['https://x/']} # here"), "not an origin"},
		{"routes[0].cors.origins[0]", inRoute("cors: {origins: [x.com]} # here"), "not an origin"},
		{"routes[0].cors.origins[0]", inRoute("cors: {origins: ['null']} # here"), "not an origin"},
		{"routes[0].cors.origins[1]", inRoute("cors: {origins: ['https://x', '*']} # here"), "must be the only entry"},
	}
}

func TestEachInvalidValueIsAnErrorWithKeyAndLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "empty"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range invalidValues(dir) {
		text := withRequiredKeys(c.part)
		_, err := Parse("config.yaml", []byte(text), environmentOf(map[string]string{"EMPTY": ""}))
		var bad Error
		if !errors.As(err, &bad) || len(bad) != 1 {
			t.Errorf("want one problem with %s, got %v in\n%s", c.key, err, text)
			continue
		}
		got, line := bad[0], 1+strings.Count(text[:strings.Index(text, "# here")], "\n")
		if got.File != "config.yaml" || got.Line != line || got.Key != strings.ReplaceAll(c.key, "X A", `"X A"`) || !strings.Contains(got.What, c.what) {
			t.Errorf("want config.yaml:%d: %s: …%s…\ngot  %v\nin\n%s", line, c.key, c.what, got, text)
		}
		if strings.Contains(got.Error(), "\n") || strings.Contains(got.Error(), "hush") {
			t.Errorf("an error of one line without secrets, got %q", got.Error())
		}
	}
}

// A key that is added to the schema needs an invalid value in the table above.
func TestEveryKeyHasAnInvalidValueInTheTable(t *testing.T) {
	t.Parallel()
	indexes := regexp.MustCompile(`\[\d+\]`)
	tried := map[string]bool{}
	for _, c := range invalidValues(t.TempDir()) {
		key := indexes.ReplaceAllString(c.key, "[]")
		for key != "" {
			tried[strings.TrimSuffix(key, "[]")] = true
			key = key[:max(0, strings.LastIndexAny(key, ".["))]
		}
	}
	for _, key := range allKeys(reflect.TypeFor[Config](), "") {
		if !tried[key] {
			t.Errorf("the table has no invalid value of %s", key)
		}
	}
}

func TestAllProblemsAreReportedAtOnceInLineOrder(t *testing.T) {
	t.Parallel()
	_, err := parse(t, "lissten: ':1'\nlog: {level: loud, format: xml}\nroutes:\n  - path: api\n    autth: required\n")
	want := []string{
		"config.yaml:1: lissten: unknown key (did you mean listen?)",
		"config.yaml:1: secrets: is required",
		"config.yaml:1: apps: is required",
		`config.yaml:2: log.level: "loud" is not one of debug, info, warn, error`,
		`config.yaml:2: log.format: "xml" is not one of json, console`,
		"config.yaml:4: routes[0].upstreams: is required",
		`config.yaml:4: routes[0].path: "api" doesn't begin with /`,
		"config.yaml:5: routes[0].autth: unknown key (did you mean auth?)",
	}
	if err == nil || !slices.Equal(strings.Split(err.Error(), "\n"), want) {
		t.Errorf("want\n%s\ngot\n%v", strings.Join(want, "\n"), err)
	}
}

func TestTheNumberOfReportedProblemsIsBounded(t *testing.T) {
	t.Parallel()
	_, err := parse(t, withRequiredKeys("secrets:\n"+strings.Repeat("- x\n", 5000)))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if last := lines[len(lines)-1]; len(lines) != maxProblems+1 || last != "config.yaml: and 4900 more" {
		t.Errorf("%d lines, the last %q", len(lines), last)
	}
}

func TestAnUnknownKeyHasAHint(t *testing.T) {
	t.Parallel()
	for part, want := range map[string]string{
		"rediss: {}":              "rediss: unknown key (did you mean redis?)",
		"Listen: x":               "Listen: unknown key (did you mean listen?)",
		"token: {issuer_: x}":     "token.issuer_: unknown key (did you mean issuer?)",
		"api_base: x":             "api_base: unknown key (did you mean wechat.api_base?)",
		"session: {ttl: 2h}":      "session.ttl: unknown key (did you mean token.ttl or identity.assertion.ttl?)",
		"quux: x":                 "quux: unknown key",
		inRoute("autth: none"):    "routes[0].autth: unknown key (did you mean auth?)",
		inRoute("upstream: x"):    "routes[0].upstream: unknown key (did you mean upstreams?)",
		inRoute("cache_ttl: 1s"):  "routes[0].cache_ttl: unknown key (did you mean session.cache_ttl?)",
		"\"a\\nb\": x":            `"a\nb": unknown key`,
		"health: {path: /}":       "health: unknown key (did you mean routes[].health?)",
		"listen: ':1'\nlisten: x": "listen: is a duplicate key, first on line 1",
	} {
		_, err := parse(t, withRequiredKeys(part))
		if err == nil || !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("want %s, got %v", want, err)
		}
	}
}

func TestTwoRoutesThatCannotBeToldApartAreAnError(t *testing.T) {
	t.Parallel()
	route := func(keys string) string { return "  - {upstreams: ['http://x'], " + keys + "}\n" }
	ambiguous := [][2]string{
		{"path: /api", "path: /api/"},
		{"path: /api, host: a.com", "path: /api, host: A.com"},
		{"path: /api, methods: [GET]", "path: /api, name: x"},
		{"path: /api, methods: [GET, PUT]", "path: /api, methods: [PUT, POST]"},
	}
	for _, pair := range ambiguous {
		_, err := parse(t, withRequiredKeys("routes:\n"+route(pair[0])+route(pair[1])))
		if err == nil || !strings.Contains(err.Error(), "config.yaml:3: routes[1]: can't be told apart from routes[0] on line 2") {
			t.Errorf("%v: want an error that names both lines, got %v", pair, err)
		}
	}
	distinguishable := [][2]string{
		{"path: /api", "path: /API"},
		{"path: /api", "path: /apis"},
		{"path: /api, host: a.com", "path: /api"},
		{"path: /api, host: a.com", "path: /api, host: '*.a.com'"},
		{"path: /api, methods: [GET]", "path: /api, methods: [POST]"},
	}
	for _, pair := range distinguishable {
		if _, err := parse(t, withRequiredKeys("routes:\n"+route(pair[0])+route(pair[1]))); err != nil {
			t.Errorf("%v: %v", pair, err)
		}
	}
}
