package wechattest

import "encoding/json"

// The only template category and title of the simulator.
const (
	templateCategory = "616"
	templateTitle    = "付款成功通知"
)

// template is a template of subscription messages that an app has added.
type template struct {
	ID      string `json:"priTmplId"`
	Title   string `json:"title"`
	Content string `json:"content"`
	Example string `json:"example"`
	Type    int    `json:"type"` // 2: one-time
}

// addTemplate handles /wxaapi/newtmpl/addtemplate.
func (s *Server) addTemplate(r *request) response {
	var params struct {
		TID  stringOrNumber `json:"tid"`
		KIDs []int          `json:"kidList"`
	}
	switch {
	case json.Unmarshal(r.body, &params) != nil:
		return failure(47001, "data format error")
	case params.TID == "":
		return failure(200021, "invalid tid")
	case len(params.KIDs) == 0 || len(params.KIDs) > 5:
		return failure(200014, "invalid kidList")
	}
	t := template{derivedID("template", string(params.TID), r.app.ID), templateTitle, "物品名称:{{thing1.DATA}}", "物品名称:书", 2}
	for _, added := range r.app.templates {
		if added.ID == t.ID {
			return failure(200023, "duplicate template")
		}
	}
	r.app.templates = append(r.app.templates, t)
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "priTmplId": t.ID})
}

// stringOrNumber is a string that callers may send as a number.
type stringOrNumber string

func (t *stringOrNumber) UnmarshalJSON(b []byte) error {
	var n json.Number // accepts both
	err := json.Unmarshal(b, &n)
	*t = stringOrNumber(n)
	return err
}

// deleteTemplate handles /wxaapi/newtmpl/deltemplate.
func (s *Server) deleteTemplate(r *request) response {
	var params struct {
		ID string `json:"priTmplId"`
	}
	if json.Unmarshal(r.body, &params) != nil {
		return failure(47001, "data format error")
	}
	for i, added := range r.app.templates {
		if added.ID == params.ID {
			r.app.templates = append(r.app.templates[:i:i], r.app.templates[i+1:]...)
			return success()
		}
	}
	return failure(40037, "invalid template_id")
}

// listTemplates handles /wxaapi/newtmpl/gettemplate.
func (s *Server) listTemplates(r *request) response {
	list := append([]template{}, r.app.templates...)
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "data": list})
}

// listCategories handles /wxaapi/newtmpl/getcategory.
func (s *Server) listCategories(*request) response {
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "data": []any{map[string]any{"id": 616, "name": "公交"}}})
}

// listTitles handles /wxaapi/newtmpl/getpubtemplatetitles.
func (s *Server) listTitles(r *request) response {
	if r.query.Get("ids") == "" {
		return failure(200016, "invalid ids")
	}
	title := map[string]any{"tid": 99, "title": templateTitle, "type": 2, "categoryId": templateCategory}
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "count": 1, "data": []any{title}})
}

// listKeywords handles /wxaapi/newtmpl/getpubtemplatekeywords.
func (s *Server) listKeywords(r *request) response {
	if r.query.Get("tid") == "" {
		return failure(200021, "invalid tid")
	}
	keyword := map[string]any{"kid": 1, "name": "物品名称", "example": "书", "rule": "thing"}
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok", "count": 1, "data": []any{keyword}})
}
