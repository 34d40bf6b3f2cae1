package config

import (
	"slices"
	"strings"

	"wxgate/internal/httprule"
)

func (v *validator) checkSecrets() {
	nonEmpty(v, "secrets", v.Secrets)
	for i, key := range v.Secrets {
		if first := slices.Index(v.Secrets, key); first < i && key.Raw != "" {
			v.errorf(at("secrets", i), "is the same as %s", at("secrets", first))
		}
	}
}

func (v *validator) checkApps() {
	nonEmpty(v, "apps", v.Apps)
	seen := map[string]string{}
	for i, app := range v.Apps {
		key := at("apps", i)
		if first := seen[app.AppID]; first != "" && app.AppID != "" {
			v.errorf(key+".appid", "%s is the appid of %s too", Quote(app.AppID), first)
		}
		seen[app.AppID] = key
		v.checkApp(key, app)
	}
}

func (v *validator) checkApp(key string, app App) {
	if !IsAppID(app.AppID) {
		v.errorf(key+".appid", "%s is not an appid: 1 to 64 letters, digits, - and _", Quote(app.AppID))
	}
	if app.Secret == "" {
		v.errorf(key+".secret", "is empty")
	} else if !IsAppSecret(app.Secret.Reveal()) {
		v.errorf(key+".secret", "is not an AppSecret: at most 256 visible ASCII characters")
	}
	for i, path := range app.Relay {
		app.Relay[i] = v.relayPath(at(key+".relay", i), path)
	}
	distinct(v, key+".relay", app.Relay)
	v.checkPush(key+".push", app.Push)
	v.checkPrefetch(key+".prefetch", app.Prefetch)
	v.checkAPISecurity(key+".api_security", app.APISecurity)
}

// IsAppID: WeChat's begin with wx and are 18 characters long; other ones are for
// tests.
func IsAppID(text string) bool {
	return text != "" && len(text) <= 64 && only(text, isAlphanumeric, "_-")
}

func IsAppSecret(text string) bool {
	return text != "" && len(text) <= 256 && only(text, isVisible, "")
}

// relayPath checks a path of the WeChat API and gives it a leading slash.
func (v *validator) relayPath(key, path string) string {
	path = "/" + strings.TrimPrefix(path, "/")
	exact := strings.TrimSuffix(path, "/*")
	switch err := httprule.CheckConfigPath(exact); {
	case exact == "" || exact == "/":
		v.errorf(key, "names no path of the WeChat API")
	case err != nil:
		v.errorf(key, "%s %v (a /* at the end takes in all paths below)", Quote(path), err)
	case strings.HasSuffix(exact, "/"):
		v.errorf(key, "%s ends with /: write %s, or %s for all below", Quote(path), Quote(strings.TrimRight(exact, "/")), Quote(exact+"*"))
	case exact == "/cgi-bin/token" || exact == "/cgi-bin/stable_token":
		v.errorf(key, "%s is never relayed: the gateway answers it with its own token, unlisted", Quote(path))
	case httprule.NeverRelayed(exact):
		v.errorf(key, "%s is a call with the AppSecret or for a session key, which is never relayed", Quote(path))
	}
	return path
}
