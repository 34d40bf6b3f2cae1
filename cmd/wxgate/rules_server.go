package main

import (
	"crypto/tls"
	"net/netip"
	"slices"
	"strings"

	"wxgate/wechat"
)

func (r *rules) checkListeners() {
	r.checkAddress("listen", r.Listen, false)
	r.checkAddress("admin.listen", r.Admin.Listen, false)
	if len(r.Admin.Tokens) == 0 && !isLoopback(r.Admin.Listen) {
		r.bad("admin.listen", "%s is not a loopback address: without admin.tokens only those may be listened on", quoted(r.Admin.Listen))
	}
	if sameSocket(r.Listen, r.Admin.Listen) {
		r.bad(r.firstWritten("admin.listen", "listen"), "listen is %s and admin.listen is %s: the private listener wants a port of its own",
			quoted(r.Listen), quoted(r.Admin.Listen))
	}
}

func isLoopback(address string) bool {
	host, _, _ := splitAddress(address)
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// sameSocket says whether the second of two listeners would find its port taken.
// Port 0 is another one each time.
func sameSocket(a, b string) bool {
	hostA, portA, _ := splitAddress(a)
	hostB, portB, _ := splitAddress(b)
	return portA == portB && portA != 0 && (hostA == hostB || isAnyAddress(hostA) || isAnyAddress(hostB))
}

func isAnyAddress(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

func (r *rules) checkTLS() {
	r.checkKeyPair("tls", r.TLS.CertFile, r.TLS.KeyFile)
}

// checkKeyPair wants both files or neither, and that they fit.
func (r *rules) checkKeyPair(key string, cert, private Path) {
	switch {
	case cert == "" && private == "":
	case cert == "":
		r.bad(key+".cert_file", "is empty while %s.key_file is not: give both or neither", key)
	case private == "":
		r.bad(key+".key_file", "is empty while %s.cert_file is not: give both or neither", key)
	default:
		if _, err := tls.LoadX509KeyPair(string(cert), string(private)); err != nil {
			r.bad(key+".cert_file", "can't be used with key_file: %v", err)
		}
	}
}

// reserved is where the gateway publishes the keys of its assertions.
const reserved = "/.well-known/jwks.json"

func (r *rules) checkAuthPrefix() {
	prefix := r.AuthPrefix
	switch what := pathFault(prefix); {
	case what != "":
		r.bad("auth_prefix", "%s %s", quoted(prefix), what)
	case prefix == "/":
		r.bad("auth_prefix", "can't be /: every path would be the gateway's own")
	case strings.HasSuffix(prefix, "/"):
		r.bad("auth_prefix", "%s ends with /: write %s", quoted(prefix), quoted(strings.TrimRight(prefix, "/")))
	case below(reserved, prefix):
		r.bad("auth_prefix", "%s takes in %s, which is the gateway's own", quoted(prefix), reserved)
	}
}

func (r *rules) checkSecrets() {
	nonEmpty(r, "secrets", r.Secrets)
	for i, key := range r.Secrets {
		if first := slices.Index(r.Secrets, key); first < i && key.Raw != "" {
			r.bad(at("secrets", i), "is the same as %s", at("secrets", first))
		}
	}
}

func (r *rules) checkApps() {
	nonEmpty(r, "apps", r.Apps)
	seen := map[string]string{}
	for i, app := range r.Apps {
		key := at("apps", i)
		if first := seen[app.AppID]; first != "" && app.AppID != "" {
			r.bad(key+".appid", "%s is the appid of %s too", quoted(app.AppID), first)
		}
		seen[app.AppID] = key
		r.checkApp(key, app)
	}
}

func (r *rules) checkApp(key string, app App) {
	if !isAppID(app.AppID) {
		r.bad(key+".appid", "%s is not an appid: 1 to 64 letters, digits, - and _", quoted(app.AppID))
	}
	if app.Secret == "" {
		r.bad(key+".secret", "is empty")
	} else if !isAppSecret(app.Secret.Reveal()) {
		r.bad(key+".secret", "is not an AppSecret: at most 256 visible ASCII characters")
	}
	for i, path := range app.Relay {
		app.Relay[i] = r.relayPath(at(key+".relay", i), path)
	}
	distinct(r, key+".relay", app.Relay)
}

// isAppID: WeChat's begin with wx and are 18 characters long; other ones are for
// tests.
func isAppID(text string) bool {
	return text != "" && len(text) <= 64 && only(text, isAlphanumeric, "_-")
}

func isAppSecret(text string) bool {
	return text != "" && len(text) <= 256 && only(text, isVisible, "")
}

// relayPath checks a path of the WeChat API and gives it a leading slash.
func (r *rules) relayPath(key, path string) string {
	path = "/" + strings.TrimPrefix(path, "/")
	exact := strings.TrimSuffix(path, "/*")
	switch what := pathFault(exact); {
	case exact == "" || exact == "/":
		r.bad(key, "names no path of the WeChat API")
	case what != "":
		r.bad(key, "%s %s (a /* at the end takes in all paths below)", quoted(path), what)
	case strings.HasSuffix(exact, "/"):
		r.bad(key, "%s ends with /: write %s, or %s for all below", quoted(path), quoted(strings.TrimRight(exact, "/")), quoted(exact+"*"))
	case exact == "/cgi-bin/token" || exact == "/cgi-bin/stable_token":
		r.bad(key, "%s is never relayed: the gateway answers it with its own token, unlisted", quoted(path))
	case wechat.IsSecretCall(exact):
		r.bad(key, "%s is a call with the AppSecret or for a session key, which is never relayed", quoted(path))
	}
	return path
}

func (r *rules) checkServices() {
	r.checkURL("wechat.api_base", r.WeChat.APIBase, "https", "http")
	r.checkBase("wechat.api_base", r.WeChat.APIBase)
	if base := r.WeChat.APIBase; base.URL != nil && base.Scheme == "http" && !isLoopback(base.Hostname()+":0") {
		r.odd("wechat.api_base", "AppSecret and access token travel over plain http")
	}
	if r.Hooks.Login.URL.URL != nil {
		r.checkURL("hooks.login.url", r.Hooks.Login.URL, "https", "http")
	}
}

func (r *rules) checkAdminTokens() {
	names, tokens := map[string]bool{}, map[string]bool{}
	for i, t := range r.Admin.Tokens {
		key := at("admin.tokens", i)
		r.checkAdminToken(key, t)
		if names[t.Name] {
			r.bad(key+".name", "%s is the name of another token too", quoted(t.Name))
		}
		if tokens[t.Token.Reveal()] {
			r.bad(key+".token", "is the same as another's: who did what could not be told")
		}
		names[t.Name], tokens[t.Token.Reveal()] = true, true
	}
}

func (r *rules) checkAdminToken(key string, t AdminToken) {
	if t.Name == "" || len(t.Name) > 64 || !only(t.Name, isPrintable, "") {
		r.bad(key+".name", "%s is not a name: 1 to 64 printable characters", quoted(t.Name))
	}
	token := t.Token.Reveal()
	if len(token) < 16 && token != "" {
		r.warning(r.line(key+".token"), key+".token", "is short: 16 characters at least are hard to guess")
	}
	if token == "" || len(token) > 512 {
		r.bad(key+".token", "has %d characters, not 1 to 512", len(token))
	} else if !only(token, isAlphanumeric, "-._~+/=") {
		r.bad(key+".token", "has a character that a Bearer token can't have: letters, digits and -._~+/= only")
	}
	nonEmpty(r, key+".scopes", t.Scopes)
	for i, scope := range t.Scopes {
		if scope != ScopeAdmin && scope != ScopeWeChat {
			scopes := []string{string(ScopeAdmin), string(ScopeWeChat)}
			r.bad(at(key+".scopes", i), "%s is not one of admin, wechat%s", quoted(string(scope)), didYouMean(string(scope), scopes))
		}
	}
	distinct(r, key+".scopes", t.Scopes)
}
