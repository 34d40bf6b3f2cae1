package wechattest

import (
	"errors"
	"net/http"
	"net/url"
)

// callbackClient sends the requests that WeChat's servers make: pushes and pre-fetches. Like
// WeChat, it doesn't follow redirects.
var callbackClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// addQuery adds parameters to the query of an http or https URL.
func addQuery(address string, q url.Values) (string, error) {
	target, err := url.Parse(address)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return "", errors.New("the URL must be http://… or https://…")
	}
	if target.RawQuery != "" {
		target.RawQuery += "&"
	}
	target.RawQuery += q.Encode()
	return target.String(), nil
}
