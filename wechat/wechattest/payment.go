package wechattest

// paidUnionID handles getpaidunionid. It accepts any order number but "unpaid".
func (s *Server) paidUnionID(r *request) response {
	u := r.app.userByOpenID(r.query.Get("openid"))
	order := r.query.Get("transaction_id")
	if order == "" && r.query.Get("mch_id") != "" {
		order = r.query.Get("out_trade_no")
	}
	switch {
	case u == nil:
		return failure(40003, "invalid openid")
	case order == "" || order == "unpaid":
		return failure(89300, "invalid order")
	case u.UnionID == "":
		return failure(89002, "not bind to open")
	}
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "unionid": u.UnionID})
}
