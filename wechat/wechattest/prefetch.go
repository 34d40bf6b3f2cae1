package wechattest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	prefetchTimeout = 5 * time.Second // assumed: WeChat doesn't say
	maxPrefetch     = 256 << 10       // bytes of an answer that WeChat keeps
)

// PrefetchCall is a start of the mini program that WeChat prepares by its
// pre-fetch (数据预拉取).
type PrefetchCall struct {
	URL   string // what the operator entered in WeChat's console
	Path  string // the page that is opened, its query, and from where
	Query string
	Scene int
	Token string // what the mini program gave to wx.setBackgroundFetchToken: sent in place of a code
	Code  string // empty: a fresh one
}

// PrefetchResult is what the phone finds of it.
type PrefetchResult struct {
	Code   string `json:"code,omitempty"` // the login code that was sent
	Status int    `json:"status"`         // 0: no answer
	Data   string `json:"data"`           // fetchedData of wx.getBackgroundFetchData; empty where WeChat keeps nothing
	Error  string `json:"error,omitempty"`
}

// Prefetch asks an address as WeChat's server does before the user's mini program
// starts. An answer that is no 200, or is larger than 256 KB, is not kept.
func (u *User) Prefetch(ctx context.Context, c PrefetchCall) (PrefetchResult, error) {
	result := PrefetchResult{Code: c.Code}
	if c.Token == "" && result.Code == "" {
		result.Code = u.Code()
	}
	target, err := u.prefetchTarget(c, result.Code)
	if err != nil {
		return PrefetchResult{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, prefetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return PrefetchResult{}, err
	}
	req.Header.Set("User-Agent", "Mozilla/4.0")
	res, err := pushClient.Do(req)
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
		result.Error = "the answer is larger than 256 KB"
	case res.StatusCode == http.StatusOK:
		result.Data = string(body)
	}
	return result, nil
}

func (u *User) prefetchTarget(c PrefetchCall, code string) (string, error) {
	target, err := url.Parse(c.URL)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return "", errors.New("a pre-fetch needs the URL of an http server")
	}
	q := url.Values{"appid": {u.AppID}, "timestamp": {strconv.FormatInt(u.server.now().UnixMilli(), 10)}, "path": {c.Path}, "query": {c.Query},
		"scene": {strconv.Itoa(c.Scene)}, "customMiniprogramVersion": {""}}
	if c.Token != "" {
		q.Set("token", c.Token)
	} else {
		q.Set("code", code)
	}
	if target.RawQuery != "" {
		target.RawQuery += "&"
	}
	target.RawQuery += q.Encode()
	return target.String(), nil
}
