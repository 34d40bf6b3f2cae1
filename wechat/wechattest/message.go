package wechattest

import "encoding/json"

// subscribeMessage handles /cgi-bin/message/subscribe/send.
func (s *Server) subscribeMessage(r *request) response {
	var params struct {
		ToUser     string          `json:"touser"`
		TemplateID string          `json:"template_id"`
		Data       json.RawMessage `json:"data"`
	}
	switch {
	case json.Unmarshal(r.body, &params) != nil:
		return failure(47001, "data format error")
	case r.app.userByOpenID(params.ToUser) == nil:
		return failure(40003, "invalid openid")
	case params.TemplateID == "":
		return failure(40037, "invalid template_id")
	case len(params.Data) == 0:
		return failure(47003, "argument invalid! data")
	}
	return success()
}

// customMessage handles /cgi-bin/message/custom/send (customer service).
func (s *Server) customMessage(r *request) response {
	var params struct {
		ToUser  string `json:"touser"`
		MsgType string `json:"msgtype"`
	}
	var content map[string]json.RawMessage
	if json.Unmarshal(r.body, &params) != nil || json.Unmarshal(r.body, &content) != nil {
		return failure(47001, "data format error")
	}
	switch {
	case r.app.userByOpenID(params.ToUser) == nil:
		return failure(40003, "invalid openid")
	case !customTypes[params.MsgType]:
		return failure(40008, "invalid message type")
	case len(content[params.MsgType]) == 0:
		return failure(44004, "empty content")
	}
	return success()
}

var customTypes = map[string]bool{"text": true, "image": true, "link": true, "miniprogrampage": true}

// customTyping handles /cgi-bin/message/custom/typing.
func (s *Server) customTyping(r *request) response {
	var params struct {
		ToUser  string `json:"touser"`
		Command string `json:"command"`
	}
	switch {
	case json.Unmarshal(r.body, &params) != nil:
		return failure(47001, "data format error")
	case r.app.userByOpenID(params.ToUser) == nil:
		return failure(40003, "invalid openid")
	case params.Command != "Typing" && params.Command != "CancelTyping":
		return failure(40097, "invalid args")
	}
	return success()
}
