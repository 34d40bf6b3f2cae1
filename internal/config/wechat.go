package config

func (v *validator) checkWeChat() {
	base := v.WeChat.APIBase.URL
	v.checkURL("wechat.api_base", base, "https", "http")
	v.checkBaseURL("wechat.api_base", base)
	if sentInPlainText(base) {
		v.warnf("wechat.api_base", "AppSecret and access token are sent in plain text: write https://")
	}
}
