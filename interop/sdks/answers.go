package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"wxgate/interop/rig"
)

// asked are the simulator's calls that answer in JSON and succeed, with a field that
// must be read of each. OPENID stands for a user's.
var asked = []struct{ method, path, body, field string }{
	{"POST", "wxa/msg_sec_check", `{"version":2,"scene":1,"openid":"OPENID","content":"hello"}`, "result"},
	{"POST", "wxa/msg_sec_check", `{"content":"hello"}`, "errmsg"},
	{"POST", "wxa/media_check_async", `{"version":2,"scene":1,"openid":"OPENID","media_url":"https://example.com/a.png","media_type":2}`, "trace_id"},
	{"POST", "wxa/generatescheme", `{"jump_wxa":{"path":"pages/a"}}`, "openlink"},
	{"POST", "wxa/generate_urllink", `{"path":"pages/a"}`, "url_link"},
	{"POST", "wxa/getuserriskrank", `{"appid":"APPID","openid":"OPENID","scene":0,"client_ip":"127.0.0.1"}`, "risk_rank"},
	{"POST", "cgi-bin/message/custom/send", `{"touser":"OPENID","msgtype":"text","text":{"content":"x"}}`, "errmsg"},
	{"POST", "cgi-bin/message/custom/typing", `{"touser":"OPENID","command":"Typing"}`, "errmsg"},
	{"GET", "wxa/getpaidunionid?transaction_id=1&openid=OPENID", "", "unionid"},
	{"GET", "wxaapi/newtmpl/getcategory", "", "data"},
	{"GET", "wxaapi/newtmpl/getpubtemplatetitles?ids=616&start=0&limit=30", "", "data"},
	{"GET", "wxaapi/newtmpl/getpubtemplatekeywords?tid=99", "", "count"},
	{"GET", "wxaapi/newtmpl/gettemplate", "", "data"},
	{"GET", "sns/jscode2session?appid=APPID&secret=SECRET&grant_type=authorization_code&js_code=CODE", "", "session_key"},
}

// answers has an SDK read every answer that the simulator gives.
func (b *testbed) answers(ctx context.Context, w way) (string, error) {
	user, err := b.control(ctx, "code", map[string]string{"user": "alice"})
	if err != nil {
		return "", err
	}
	res, err := w.call(ctx, "methods", map[string]string{"code": fmt.Sprint(user["code"])})
	if err == nil {
		w.take()
		return b.read(res.Error == "", res.Value, said(res)), nil
	}
	filled := strings.NewReplacer("OPENID", fmt.Sprint(user["openid"]), "APPID", fmt.Sprint(user["appid"]), "CODE", fmt.Sprint(user["code"]), "SECRET", rig.AppSecret)
	for _, a := range asked {
		res, err := w.call(ctx, "answer", map[string]string{"method": a.method, "path": filled.Replace(a.path), "body": filled.Replace(a.body)})
		if err != nil {
			return "", err
		}
		var fields map[string]any
		if json.Unmarshal([]byte(res.Value), &fields) != nil || fields[a.field] == nil {
			return b.read(false, "", a.path+": "+said(res)+" "+res.Value), nil
		}
	}
	w.take()
	return fmt.Sprint(len(asked), " answers"), nil
}

// read counts a failure unless ok.
func (b *testbed) read(ok bool, good, bad string) string {
	if ok {
		return good
	}
	return b.r.Check(false) + " " + bad
}
