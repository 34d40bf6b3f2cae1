package wechattest

import (
	"encoding/json"
	"strings"
)

// Links that open a mini program.

// linkExpiry is how long a link lives: until a time, or for a number of days.
type linkExpiry struct {
	Expires  bool  `json:"is_expire"`
	Type     int   `json:"expire_type"` // 0: until expire_time, 1: for expire_interval days
	Time     int64 `json:"expire_time"`
	Interval int   `json:"expire_interval"`
}

// maxLinkDays is the longest life of a link.
const maxLinkDays = 30

func (e linkExpiry) valid(now int64) bool {
	if e.Type == 1 {
		return e.Interval >= 1 && e.Interval <= maxLinkDays
	}
	return !e.Expires || e.Time > now && e.Time <= now+maxLinkDays*24*3600
}

// scheme answers generatescheme.
func (s *Server) scheme(r *request) response {
	var asked struct {
		linkExpiry
		Jump struct {
			Path  string `json:"path"`
			Query string `json:"query"`
		} `json:"jump_wxa"`
	}
	if json.Unmarshal(r.body, &asked) != nil {
		return failure(47001, "data format error")
	}
	if a, bad := s.invalidLink(asked.Jump.Path, asked.Jump.Query, asked.linkExpiry); bad {
		return a
	}
	link := "weixin://dl/business/?t=" + derivedID("scheme", r.app.ID, asked.Jump.Path, asked.Jump.Query)
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "openlink": link})
}

// urlLink answers generate_urllink.
func (s *Server) urlLink(r *request) response {
	var asked struct {
		linkExpiry
		Path  string `json:"path"`
		Query string `json:"query"`
	}
	if json.Unmarshal(r.body, &asked) != nil {
		return failure(47001, "data format error")
	}
	if a, bad := s.invalidLink(asked.Path, asked.Query, asked.linkExpiry); bad {
		return a
	}
	link := "https://wxaurl.cn/" + derivedID("urllink", r.app.ID, asked.Path, asked.Query)[:12]
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "url_link": link})
}

func (s *Server) invalidLink(path, query string, e linkExpiry) (response, bool) {
	switch {
	case strings.HasPrefix(path, "/") || strings.Contains(path, "?") || len(path) > maxPath:
		return failure(40165, "invalid weapp pagepath"), true
	case len(query) > maxPath:
		return failure(40212, "invalid query"), true
	case !e.valid(s.now().Unix()):
		return failure(85401, "time limit between 1min and 1year"), true
	}
	return response{}, false
}
