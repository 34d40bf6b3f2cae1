package wechattest

import (
	"encoding/json"
	"strings"
	"time"
)

// linkExpiry is the expiry of a link to a mini program: a time or a number of days.
type linkExpiry struct {
	Expires  bool  `json:"is_expire"`
	Type     int   `json:"expire_type"` // 0: until expire_time, 1: for expire_interval days
	Time     int64 `json:"expire_time"`
	Interval int   `json:"expire_interval"`
}

// maxLinkDays is the longest lifetime of a link.
const maxLinkDays = 30

func (e linkExpiry) valid(now int64) bool {
	if e.Type == 1 {
		return e.Interval >= 1 && e.Interval <= maxLinkDays
	}
	return !e.Expires || e.Time > now && e.Time <= now+maxLinkDays*24*3600
}

// scheme handles generatescheme.
func (s *Server) scheme(r *request) response {
	var params struct {
		linkExpiry
		Jump struct {
			Path  string `json:"path"`
			Query string `json:"query"`
		} `json:"jump_wxa"`
	}
	if json.Unmarshal(r.body, &params) != nil {
		return failure(47001, "data format error")
	}
	if res, ok := checkLink(s.now(), params.Jump.Path, params.Jump.Query, params.linkExpiry); !ok {
		return res
	}
	link := "weixin://dl/business/?t=" + derivedID("scheme", r.app.ID, params.Jump.Path, params.Jump.Query)
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "openlink": link})
}

// urlLink handles generate_urllink.
func (s *Server) urlLink(r *request) response {
	var params struct {
		linkExpiry
		Path  string `json:"path"`
		Query string `json:"query"`
	}
	if json.Unmarshal(r.body, &params) != nil {
		return failure(47001, "data format error")
	}
	if res, ok := checkLink(s.now(), params.Path, params.Query, params.linkExpiry); !ok {
		return res
	}
	link := "https://wxaurl.cn/" + derivedID("urllink", r.app.ID, params.Path, params.Query)[:12]
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "url_link": link})
}

// checkLink checks the parameters of a link. If ok is false, res is the error.
func checkLink(now time.Time, path, query string, e linkExpiry) (res response, ok bool) {
	switch {
	case strings.HasPrefix(path, "/") || strings.Contains(path, "?") || len(path) > maxPath:
		return failure(40165, "invalid weapp pagepath"), false
	case len(query) > maxPath:
		return failure(40212, "invalid query"), false
	case !e.valid(now.Unix()):
		return failure(85401, "time limit between 1min and 1year"), false
	}
	return response{}, true
}
