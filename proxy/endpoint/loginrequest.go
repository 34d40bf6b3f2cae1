package endpoint

import (
	"net/url"
	"slices"
	"strings"

	"wxgate/apierror"
	"wxgate/wechat"
)

// loginRequest is the body of POST {auth}/login.
type loginRequest struct {
	Code      string `json:"code"`
	AppID     string `json:"appid"`
	PhoneCode string `json:"phone_code"`
}

// readLogin reads a login and its idempotency key, and checks all that can be checked
// without WeChat.
func readLogin(r *Request) (req loginRequest, key string, err error) {
	if err := readJSON(r, &req); err != nil {
		return req, "", err
	}
	if !wechat.ValidCode(req.Code) || req.PhoneCode != "" && !wechat.ValidCode(req.PhoneCode) {
		return req, "", apierror.New(apierror.BadRequest, "code is missing, or is no code of wx.login")
	}
	if req.AppID, err = r.config.selectApp(req.AppID, r.HTTP.Header.Get("Referer")); err != nil {
		return req, "", err
	}
	key, err = idempotencyKey(r.HTTP.Header["Idempotency-Key"])
	return req, key, err
}

// selectApp returns the appid of a login: the one in the body, else the one that the
// WeChat client's Referer names, else the only one configured.
func (c *Config) selectApp(named, referer string) (string, error) {
	hinted := appFromReferer(referer)
	switch {
	case named != "" && !slices.Contains(c.Apps, named):
		return "", apierror.New(apierror.BadRequest, "this appid is not served here")
	case named != "" && hinted != "" && hinted != named:
		return "", apierror.New(apierror.BadRequest, "appid and Referer name different apps")
	case named != "":
		return named, nil
	case slices.Contains(c.Apps, hinted):
		return hinted, nil
	case len(c.Apps) == 1:
		return c.Apps[0], nil
	}
	return "", apierror.New(apierror.BadRequest, "appid is missing")
}

// appFromReferer returns the appid in the Referer that the WeChat client sends,
// https://servicewechat.com/{appid}/{version}/page-frame.html, else "". It is a hint
// only: anyone can send such a Referer.
func appFromReferer(referer string) string {
	u, err := url.Parse(referer)
	if err != nil || u.Scheme != "https" || u.Host != "servicewechat.com" {
		return ""
	}
	app, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return app
}

// idempotencyKey returns the Idempotency-Key header, "" if there is none. It has
// 16 to 128 printable characters.
func idempotencyKey(values []string) (string, error) {
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	valid := len(values) == 1 && len(key) >= 16 && len(key) <= 128 &&
		!strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c >= 0x7f })
	if !valid {
		return "", apierror.New(apierror.BadRequest, "Idempotency-Key must be 16 to 128 printable characters")
	}
	return key, nil
}
