package main

import (
	"net/http"
	"net/url"
)

// relayTransport sends the calls to api.weixin.qq.com to the gateway.
type relayTransport struct {
	base  *url.URL // http://10.0.0.2:9090/wx/wx0123456789abcdef
	token string   // of admin.tokens
}

func (t relayTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "api.weixin.qq.com" {
		return http.DefaultTransport.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	r.URL = t.base.JoinPath(r.URL.Path).ResolveReference(&url.URL{RawQuery: r.URL.RawQuery})
	r.Host = ""
	r.Header.Set("Authorization", "Bearer "+t.token)
	return http.DefaultTransport.RoundTrip(r)
}

// tokenTransport gets only the access token from the gateway, and calls WeChat directly.
type tokenTransport struct {
	gateway http.RoundTripper // a relayTransport
	wechat  http.RoundTripper // here to the simulator
}

func (t tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/cgi-bin/token" || r.URL.Path == "/cgi-bin/stable_token" {
		return t.gateway.RoundTrip(r)
	}
	return t.wechat.RoundTrip(r)
}
