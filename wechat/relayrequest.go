package wechat

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// relayedHeaders are the only request headers that are sent to WeChat: a backend's
// credentials for the gateway must not be. Wechatmp-… are the request's signature, for
// backends that sign their calls themselves. Accept-Encoding is not sent, so that the errcode of
// a response can be read.
var relayedHeaders = []string{
	"Accept", "Accept-Language", "Content-Type", "Range", "User-Agent",
	"Wechatmp-Appid", "Wechatmp-Timestamp", "Wechatmp-Signature",
}

// relayedRequest returns the request to send to WeChat.
func (c *Client) relayedRequest(in *http.Request, body replayableBody, call apiCall) *http.Request {
	u := *c.current.Load().base
	u.RawPath = u.EscapedPath() + withLeadingSlash(in.URL.EscapedPath())
	u.Path += withLeadingSlash(in.URL.Path)
	u.RawQuery = replaceAccessToken(in.URL.RawQuery, call.query)
	header := http.Header{"User-Agent": {userAgent}}
	for _, name := range relayedHeaders {
		if values := in.Header.Values(name); len(values) > 0 {
			header[name] = values
		}
	}
	out := &http.Request{Method: in.Method, URL: &u, Host: u.Host, Header: header, ContentLength: body.length}
	out.Body = body.reader()
	return out.WithContext(in.Context())
}

func withLeadingSlash(path string) string { return "/" + strings.TrimPrefix(path, "/") }

// replaceAccessToken replaces every access_token in a query, in any case and escaping, and
// every cloudbase_access_token, which WeChat's cloud accepts in its place. All else stays
// as it was sent.
func replaceAccessToken(rawQuery string, token url.Values) string {
	pairs := strings.Split(rawQuery, "&")
	pairs = slices.DeleteFunc(pairs, func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		return pair == "" || err == nil && isTokenName(name)
	})
	return strings.Join(append(pairs, token.Encode()), "&")
}

// queryWithoutTokens returns the parameters of a query other than access tokens.
func queryWithoutTokens(rawQuery string) (url.Values, error) {
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, ErrNotEncryptable
	}
	maps.DeleteFunc(q, func(name string, _ []string) bool { return isTokenName(name) })
	return q, nil
}

func isTokenName(name string) bool {
	name = strings.ToLower(name)
	return name == "access_token" || name == "cloudbase_access_token"
}
