package wechattest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"strings"
)

// Checks of content and of users.

// risky is what content or a picture's name must hold to be refused, labelled as
// advertisement.
const (
	risky      = "risky"
	riskyLabel = 10001
	passLabel  = 100
)

// contentCheck is what msg_sec_check and media_check_async ask in their second
// version.
type contentCheck struct {
	Version  int    `json:"version"`
	OpenID   string `json:"openid"`
	Scene    int    `json:"scene"` // 1 to 4
	Content  string `json:"content"`
	MediaURL string `json:"media_url"`
	Type     int    `json:"media_type"` // 1: sound, 2: picture
}

func (c contentCheck) invalid(a *app) (response, bool) {
	switch {
	case c.Version == 2 && (c.Scene < 1 || c.Scene > 4):
		return failure(40129, "invalid scene"), true
	case c.Version == 2 && a.userByOpenID(c.OpenID) == nil:
		return failure(40003, "invalid openid"), true
	}
	return response{}, false
}

// checkText answers msg_sec_check. The first version says 87014 of risky content,
// the second says it in its result.
func (s *Server) checkText(r *request) response {
	var asked contentCheck
	if json.Unmarshal(r.body, &asked) != nil {
		return failure(47001, "data format error")
	}
	if asked.Content == "" {
		return failure(44004, "empty content")
	}
	if a, bad := asked.invalid(r.app); bad {
		return a
	}
	suggest, label := "pass", passLabel
	if strings.Contains(asked.Content, risky) {
		suggest, label = risky, riskyLabel
	}
	if asked.Version != 2 {
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

// checkMedia answers media_check_async. Its result would come as a push.
func (s *Server) checkMedia(r *request) response {
	var asked contentCheck
	if json.Unmarshal(r.body, &asked) != nil {
		return failure(47001, "data format error")
	}
	switch {
	case asked.MediaURL == "":
		return failure(41030, "invalid media_url")
	case asked.Type != 1 && asked.Type != 2:
		return failure(40004, "invalid media type")
	}
	if a, bad := asked.invalid(r.app); bad {
		return a
	}
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "trace_id": newTraceID()})
}

func newTraceID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// riskRank answers getuserriskrank: 0, or 4 for a blocked user.
func (s *Server) riskRank(r *request) response {
	var asked struct {
		AppID    string `json:"appid"`
		OpenID   string `json:"openid"`
		Scene    *int   `json:"scene"` // 0: registering, 1: marketing
		ClientIP string `json:"client_ip"`
	}
	if json.Unmarshal(r.body, &asked) != nil {
		return failure(47001, "data format error")
	}
	u := r.app.userByOpenID(asked.OpenID)
	_, badIP := netip.ParseAddr(asked.ClientIP)
	switch {
	case asked.AppID != r.app.ID:
		return failure(40013, "invalid appid")
	case u == nil:
		return failure(40003, "invalid openid")
	case asked.Scene == nil || *asked.Scene < 0 || *asked.Scene > 1 || badIP != nil:
		return failure(40097, "invalid args")
	}
	rank := 0
	if u.blocked {
		rank = 4
	}
	return succeed(map[string]any{"errcode": 0, "errmsg": "getuserriskrank succ", "risk_rank": rank, "unoin_id": 2258658297})
}
