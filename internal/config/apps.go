package config

import "wxgate/internal/httprule"

func (v *validator) checkApps() {
	nonEmpty(v, "apps", v.Apps)
	seen := map[string]string{}
	for i, app := range v.Apps {
		key := at("apps", i)
		if first := seen[app.AppID]; first != "" && app.AppID != "" {
			v.errorf(key+".appid", "%s is also the appid of %s", Quote(app.AppID), first)
		}
		seen[app.AppID] = key
		v.checkApp(key, app)
	}
}

func (v *validator) checkApp(key string, app App) {
	if !httprule.ValidAppID(app.AppID) {
		v.errorf(key+".appid", "%s is not an appid: 1 to 64 letters, digits, - and _", Quote(app.AppID))
	}
	if app.Secret == "" {
		v.errorf(key+".secret", "is empty")
	} else if !IsAppSecret(app.Secret.Reveal()) {
		v.errorf(key+".secret", "is not an AppSecret: at most 256 visible ASCII characters")
	}
	for i, path := range app.Relay {
		app.Relay[i] = v.checkRelayPath(at(key+".relay", i), path)
	}
	distinct(v, key+".relay", app.Relay)
	v.checkPush(key+".push", app.Push)
	v.checkPrefetch(key+".prefetch", app.Prefetch)
	v.checkAPISecurity(key+".api_security", app.APISecurity)
}

// IsAppSecret accepts 1 to 256 visible ASCII characters.
func IsAppSecret(text string) bool {
	return text != "" && len(text) <= 256 && only(text, isVisible, "")
}
