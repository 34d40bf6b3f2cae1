package config

func (v *validator) checkLoginHook() {
	hook := v.Hooks.Login.URL.URL
	if hook == nil {
		return
	}
	v.checkURL("hooks.login.url", hook, "https", "http")
	if sentInPlainText(hook) {
		v.warnf("hooks.login.url", "who logs in, and what the hook responds, is sent in plain text: write https://")
	}
}
