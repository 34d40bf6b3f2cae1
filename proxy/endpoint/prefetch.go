package endpoint

import (
	"context"
	"net/http"
	"strings"

	"wxgate/apierror"
	"wxgate/session"
	"wxgate/wechat"
)

// WeChat's pre-fetch (数据预拉取): before a mini program starts, WeChat's own server
// GETs an address of the developer's, with a login code that it made itself, and
// the mini program finds the answer on the phone
// (https://developers.weixin.qq.com/miniprogram/dev/framework/ability/pre-fetch.html).
//
// WeChat signs nothing. The address is {prefix}/prefetch/{appid}/{key}: whoever
// doesn't know the key finds nothing there, so that login_per_ip, which WeChat's
// few addresses would soon use up, needs not apply.

const prefetchPath = "/prefetch/"

// LoggedPath is a request's path as logs and traces may have it: without the key
// of a pre-fetch, whatever stands before it.
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

// prefetchEndpoint is the endpoint at the path, where the app's pre-fetch is on and
// the key is its own.
func (h *Handler) prefetchEndpoint(c *compiled, path string) (endpoint, bool) {
	rest, ok := strings.CutPrefix(path, c.Prefix+prefetchPath)
	appid, key, _ := strings.Cut(rest, "/")
	if want, on := c.Prefetches[appid]; !ok || !on || !want.Equal(key) {
		return endpoint{}, false
	}
	return endpoint{method: http.MethodGet, noHead: true, serve: func(r *Request) error { return h.prefetch(r, appid) }}, true
}

// prefetch answers a GET of WeChat's with what POST {prefix}/login answers. The
// same code makes one call to WeChat, whichever of the two comes first, and how
// often WeChat asks.
func (h *Handler) prefetch(r *Request, appid string) error {
	r.Name = strings.TrimPrefix(r.config.Prefix, "/") + prefetchPath + appid
	answer, err := h.prefetchLogin(r, appid)
	h.countPrefetchOutcome(appid, err)
	if err != nil {
		return err
	}
	writeRawJSON(r, answer)
	return nil
}

func (h *Handler) prefetchLogin(r *Request, appid string) ([]byte, error) {
	code, err := prefetchCode(r.HTTP, appid)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.HTTP.Context()), loginTime)
	defer cancel()
	use := session.CodeUse{AppID: appid, Code: code, PrefetchOn: true, Prefetch: true}
	return h.Sessions.UseCodeOnce(ctx, use, func(ctx context.Context) ([]byte, error) {
		return h.createSession(ctx, r, loginRequest{Code: code, AppID: appid})
	})
}

// prefetchCode reads the query. WeChat sends code or token, never both: token is
// what the mini program gave to wx.setBackgroundFetchToken. The rest (timestamp,
// path, query, scene) is signed by nobody and decides nothing.
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

func (h *Handler) countPrefetchOutcome(appid string, err error) {
	outcome := "ok"
	if err != nil {
		outcome = string(apierror.From(err).Code)
	}
	h.Prefetches.WithLabelValues(appid, outcome).Inc()
}
