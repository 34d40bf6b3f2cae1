package wechattest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	prefetchTimeout = 5 * time.Second // assumed, not documented
	maxPrefetch     = 256 << 10       // bytes of a response that WeChat caches
)

// PrefetchCall is a call of WeChat's pre-fetch (数据预拉取) at the start of a mini program.
type PrefetchCall struct {
	URL   string // the URL set in WeChat's console
	Path  string // the page of the start, with its query and scene
	Query string
	Scene int
	Token string // the argument of wx.setBackgroundFetchToken; it replaces the code
	Code  string // empty: a new one
}

// PrefetchResult is the result of a pre-fetch on the phone.
type PrefetchResult struct {
	Code   string `json:"code,omitempty"` // the login code that was sent
	Status int    `json:"status"`         // 0: no response
	Data   string `json:"data"`           // fetchedData of wx.getBackgroundFetchData; empty if the response is not cached
	Error  string `json:"error,omitempty"`
}

// Prefetch calls the URL as WeChat's server does at the start of the mini program. A
// response with a status other than 200 or of more than 256 KB is not cached.
func (u *User) Prefetch(ctx context.Context, c PrefetchCall) (PrefetchResult, error) {
	result := PrefetchResult{Code: c.Code}
	if c.Token == "" && result.Code == "" {
		result.Code = u.Code()
	}
	target, err := addQuery(c.URL, u.prefetchQuery(c, result.Code))
	if err != nil {
		return PrefetchResult{}, fmt.Errorf("pre-fetch: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, prefetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return PrefetchResult{}, err
	}
	req.Header.Set("User-Agent", "Mozilla/4.0")
	res, err := callbackClient.Do(req)
	if err != nil {
		result.Error = err.Error()
		return result, nil
	}
	defer res.Body.Close()
	result.Status = res.StatusCode
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPrefetch+1))
	switch {
	case err != nil:
		result.Error = err.Error()
	case len(body) > maxPrefetch:
		result.Error = "the response is larger than 256 KB"
	case res.StatusCode == http.StatusOK:
		result.Data = string(body)
	}
	return result, nil
}

func (u *User) prefetchQuery(c PrefetchCall, code string) url.Values {
	q := url.Values{"appid": {u.AppID}, "timestamp": {strconv.FormatInt(u.server.now().UnixMilli(), 10)}, "path": {c.Path}, "query": {c.Query},
		"scene": {strconv.Itoa(c.Scene)}, "customMiniprogramVersion": {""}}
	if c.Token != "" {
		q.Set("token", c.Token)
	} else {
		q.Set("code", code)
	}
	return q
}
