package wechattest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Content or an image's file name that contains risky is refused, with the label of
// advertising.
const (
	risky      = "risky"
	riskyLabel = 10001
	passLabel  = 100
)

// contentCheck are the parameters of msg_sec_check and media_check_async.
type contentCheck struct {
	Version  int    `json:"version"`
	OpenID   string `json:"openid"`
	Scene    int    `json:"scene"` // 1 to 4
	Content  string `json:"content"`
	MediaURL string `json:"media_url"`
	Type     int    `json:"media_type"` // 1: audio, 2: image
}

// check checks the parameters of version 2. If ok is false, res is the error.
func (c contentCheck) check(a *app) (res response, ok bool) {
	switch {
	case c.Version == 2 && (c.Scene < 1 || c.Scene > 4):
		return failure(40129, "invalid scene"), false
	case c.Version == 2 && a.userByOpenID(c.OpenID) == nil:
		return failure(40003, "invalid openid"), false
	}
	return response{}, true
}

// checkText handles msg_sec_check. Version 1 responds to risky content with 87014,
// version 2 in its result.
func (s *Server) checkText(r *request) response {
	var params contentCheck
	if json.Unmarshal(r.body, &params) != nil {
		return failure(47001, "data format error")
	}
	if params.Content == "" {
		return failure(44004, "empty content")
	}
	if res, ok := params.check(r.app); !ok {
		return res
	}
	suggest, label := "pass", passLabel
	if strings.Contains(params.Content, risky) {
		suggest, label = risky, riskyLabel
	}
	if params.Version != 2 {
		if suggest != "pass" {
			return failure(87014, "risky content")
		}
		return success()
	}
	return succeed(map[string]any{
		"errcode": 0, "errmsg": "ok", "trace_id": newTraceID(),
		"result": map[string]any{"suggest": suggest, "label": label},
		"detail": []any{map[string]any{"strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90}},
	})
}

// checkMedia handles media_check_async. WeChat would push the result.
func (s *Server) checkMedia(r *request) response {
	var params contentCheck
	if json.Unmarshal(r.body, &params) != nil {
		return failure(47001, "data format error")
	}
	switch {
	case params.MediaURL == "":
		return failure(41030, "invalid media_url")
	case params.Type != 1 && params.Type != 2:
		return failure(40004, "invalid media type")
	}
	if res, ok := params.check(r.app); !ok {
		return res
	}
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "trace_id": newTraceID()})
}

func newTraceID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// maxCheckedImage is the maximum size of an image, in bytes.
const maxCheckedImage = 1 << 20

// checkImage handles img_sec_check. An image is risky if its file name contains risky.
func (s *Server) checkImage(r *request) response {
	up, res, ok := readUpload(r)
	switch {
	case !ok:
		return res
	case up.size > maxCheckedImage:
		return failure(40006, "invalid media size")
	case strings.Contains(up.name, risky):
		return failure(87014, "risky content")
	}
	return success()
}
