package wechattest

import "encoding/json"

// Messages to users, and the templates of subscription messages.

// subscribeMessage answers /cgi-bin/message/subscribe/send.
func (s *Server) subscribeMessage(r *request) response {
	var asked struct {
		ToUser     string          `json:"touser"`
		TemplateID string          `json:"template_id"`
		Data       json.RawMessage `json:"data"`
	}
	switch {
	case json.Unmarshal(r.body, &asked) != nil:
		return failure(47001, "data format error")
	case r.app.userByOpenID(asked.ToUser) == nil:
		return failure(40003, "invalid openid")
	case asked.TemplateID == "":
		return failure(40037, "invalid template_id")
	case len(asked.Data) == 0:
		return failure(47003, "argument invalid! data")
	}
	return success()
}

// customMessage answers /cgi-bin/message/custom/send: a message of customer service.
func (s *Server) customMessage(r *request) response {
	var asked struct {
		ToUser  string `json:"touser"`
		MsgType string `json:"msgtype"`
	}
	var content map[string]json.RawMessage
	if json.Unmarshal(r.body, &asked) != nil || json.Unmarshal(r.body, &content) != nil {
		return failure(47001, "data format error")
	}
	switch {
	case r.app.userByOpenID(asked.ToUser) == nil:
		return failure(40003, "invalid openid")
	case !customTypes[asked.MsgType]:
		return failure(40008, "invalid message type")
	case len(content[asked.MsgType]) == 0:
		return failure(44004, "empty content")
	}
	return success()
}

var customTypes = map[string]bool{"text": true, "image": true, "link": true, "miniprogrampage": true}

// customTyping answers /cgi-bin/message/custom/typing.
func (s *Server) customTyping(r *request) response {
	var asked struct {
		ToUser  string `json:"touser"`
		Command string `json:"command"`
	}
	switch {
	case json.Unmarshal(r.body, &asked) != nil:
		return failure(47001, "data format error")
	case r.app.userByOpenID(asked.ToUser) == nil:
		return failure(40003, "invalid openid")
	case asked.Command != "Typing" && asked.Command != "CancelTyping":
		return failure(40097, "invalid args")
	}
	return success()
}

// The one category, title and keyword that this WeChat has for templates.
const (
	templateCategory = "616"
	templateTitle    = "付款成功通知"
)

// template is a subscription message's template that an app has added.
type template struct {
	ID      string `json:"priTmplId"`
	Title   string `json:"title"`
	Content string `json:"content"`
	Example string `json:"example"`
	Type    int    `json:"type"` // 2: one-time
}

// addTemplate answers /wxaapi/newtmpl/addtemplate.
func (s *Server) addTemplate(r *request) response {
	var asked struct {
		TID  text  `json:"tid"`
		KIDs []int `json:"kidList"`
	}
	switch {
	case json.Unmarshal(r.body, &asked) != nil:
		return failure(47001, "data format error")
	case asked.TID == "":
		return failure(200021, "invalid tid")
	case len(asked.KIDs) == 0 || len(asked.KIDs) > 5:
		return failure(200014, "invalid kidList")
	}
	t := template{derivedID("template", string(asked.TID), r.app.ID), templateTitle, "物品名称:{{thing1.DATA}}", "物品名称:书", 2}
	for _, known := range r.app.templates {
		if known.ID == t.ID {
			return failure(200023, "duplicate template")
		}
	}
	r.app.templates = append(r.app.templates, t)
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "priTmplId": t.ID})
}

// text is a string that callers also write as a number.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var n json.Number // takes both
	err := json.Unmarshal(b, &n)
	*t = text(n)
	return err
}

// deleteTemplate answers /wxaapi/newtmpl/deltemplate.
func (s *Server) deleteTemplate(r *request) response {
	var asked struct {
		ID string `json:"priTmplId"`
	}
	if json.Unmarshal(r.body, &asked) != nil {
		return failure(47001, "data format error")
	}
	for i, known := range r.app.templates {
		if known.ID == asked.ID {
			r.app.templates = append(r.app.templates[:i:i], r.app.templates[i+1:]...)
			return success()
		}
	}
	return failure(40037, "invalid template_id")
}

// listTemplates answers /wxaapi/newtmpl/gettemplate.
func (s *Server) listTemplates(r *request) response {
	list := append([]template{}, r.app.templates...)
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "data": list})
}

// listCategories answers /wxaapi/newtmpl/getcategory.
func (s *Server) listCategories(*request) response {
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "data": []any{map[string]any{"id": 616, "name": "公交"}}})
}

// listTitles answers /wxaapi/newtmpl/getpubtemplatetitles.
func (s *Server) listTitles(r *request) response {
	if r.query.Get("ids") == "" {
		return failure(200016, "invalid ids")
	}
	title := map[string]any{"tid": 99, "title": templateTitle, "type": 2, "categoryId": templateCategory}
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "count": 1, "data": []any{title}})
}

// listKeywords answers /wxaapi/newtmpl/getpubtemplatekeywords.
func (s *Server) listKeywords(r *request) response {
	if r.query.Get("tid") == "" {
		return failure(200021, "invalid tid")
	}
	keyword := map[string]any{"kid": 1, "name": "物品名称", "example": "书", "rule": "thing"}
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "count": 1, "data": []any{keyword}})
}
