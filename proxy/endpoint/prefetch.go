package endpoint

import (
	"context"
	"net/http"
	"strings"

	"wxgate/apierror"
	"wxgate/session"
	"wxgate/wechat"
)

// WeChat's pre-fetch (数据预拉取): before a mini program starts, WeChat's server sends a
// GET to a URL of the developer's, with a login code that WeChat made, and stores
// the response on the phone for the mini program
// (https://developers.weixin.qq.com/miniprogram/dev/framework/ability/pre-fetch.html).
//
// WeChat doesn't sign the request. The path is {prefix}/prefetch/{appid}/{key}, and
// without the right key there is no endpoint. So login_per_ip doesn't apply here:
// WeChat sends from few addresses, which would soon exceed it.

const prefetchPath = "/prefetch/"

// LoggedPath returns a request's path in the form for logs and traces: the key of a
// pre-fetch is redacted, at whatever prefix it was sent.
func (c *Config) LoggedPath(path string) string {
	if len(c.Prefetches) == 0 {
		return path
	}
	before, rest, ok := strings.Cut(path, prefetchPath)
	appid, _, keyed := strings.Cut(rest, "/")
	if _, on := c.Prefetches[appid]; !ok || !keyed || !on {
		return path
	}
	return before + prefetchPath + appid + "/[redacted]"
}

// prefetchEndpoint returns the endpoint at the path, if the path is that of a pre-fetch
// with the app's key.
func (h *Handler) prefetchEndpoint(c *compiledConfig, path string) (endpoint, bool) {
	rest, ok := strings.CutPrefix(path, c.Prefix+prefetchPath)
	appid, key, _ := strings.Cut(rest, "/")
	if want, on := c.Prefetches[appid]; !ok || !on || !want.Equal(key) {
		return endpoint{}, false
	}
	return endpoint{method: http.MethodGet, noHead: true, serve: func(r *Request) error { return h.prefetch(r, appid) }}, true
}

// prefetch serves WeChat's GET with the response of POST {prefix}/login. A code is
// exchanged with WeChat once, whether login or pre-fetch comes first, and however often
// WeChat sends the GET.
func (h *Handler) prefetch(r *Request, appid string) error {
	r.Name = strings.TrimPrefix(r.config.Prefix, "/") + prefetchPath + appid
	response, err := h.prefetchLogin(r, appid)
	h.Prefetches.WithLabelValues(appid, outcome(err)).Inc()
	if err != nil {
		return err
	}
	writeRawJSON(r, response)
	return nil
}

func (h *Handler) prefetchLogin(r *Request, appid string) ([]byte, error) {
	code, err := prefetchCode(r.HTTP, appid)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.HTTP.Context()), loginTimeout)
	defer cancel()
	use := session.CodeUse{AppID: appid, Code: code, PrefetchOn: true, Prefetch: true}
	return h.Sessions.UseCodeOnce(ctx, use, func(ctx context.Context) ([]byte, error) {
		return h.createSession(ctx, r, loginRequest{Code: code, AppID: appid})
	})
}

// prefetchCode returns the login code in the query. WeChat sends either code or token,
// which is what the mini program passed to wx.setBackgroundFetchToken. The other
// parameters (timestamp, path, query, scene) are not signed and are ignored.
func prefetchCode(r *http.Request, appid string) (string, error) {
	q := r.URL.Query()
	codes, named := q["code"], q["appid"]
	switch {
	case len(named) > 1 || len(named) == 1 && named[0] != appid:
		return "", apierror.New(apierror.BadRequest, "appid is not that of the address")
	case len(codes) == 0 && len(q["token"]) > 0:
		return "", apierror.New(apierror.BadRequest, "WeChat sends no code while the mini program has set a token by wx.setBackgroundFetchToken")
	case len(codes) != 1 || !wechat.ValidCode(codes[0]):
		return "", apierror.New(apierror.BadRequest, "code is missing, or is no login code")
	}
	return codes[0], nil
}
