package wechattest

import (
	"encoding/json"
	"net/netip"
)

// riskRank handles getuserriskrank: 0, or 4 for a blocked user.
func (s *Server) riskRank(r *request) response {
	var params struct {
		AppID    string `json:"appid"`
		OpenID   string `json:"openid"`
		Scene    *int   `json:"scene"` // 0: registration, 1: marketing
		ClientIP string `json:"client_ip"`
	}
	if json.Unmarshal(r.body, &params) != nil {
		return failure(47001, "data format error")
	}
	u := r.app.userByOpenID(params.OpenID)
	_, badIP := netip.ParseAddr(params.ClientIP)
	switch {
	case params.AppID != r.app.ID:
		return failure(40013, "invalid appid")
	case u == nil:
		return failure(40003, "invalid openid")
	case params.Scene == nil || *params.Scene < 0 || *params.Scene > 1 || badIP != nil:
		return failure(40097, "invalid args")
	}
	rank := 0
	if u.blocked {
		rank = 4
	}
	return succeed(map[string]any{"errcode": 0, "errmsg": "getuserriskrank succ", "risk_rank": rank, "unoin_id": 2258658297})
}
