package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"wxgate/interop/rig"
)

// jsonCalls are calls to which the simulator responds with JSON and no error, each with a
// field of the response that the SDK must have read. OPENID, APPID, CODE and SECRET stand
// for values of a user and of the app.
var jsonCalls = []struct{ method, path, body, field string }{
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

// checkResponses has an SDK read the response to each of jsonCalls. The driver of an SDK
// with a method for each call has one call, methods, for all of them.
func (b *testbed) checkResponses(ctx context.Context, s *instance) (string, error) {
	user, err := b.control(ctx, "code", map[string]string{"user": "alice"})
	if err != nil {
		return "", err
	}
	res, err := s.call(ctx, "methods", map[string]string{"code": fmt.Sprint(user["code"])})
	if err == nil {
		s.resetCounts()
		if res.Error != "" {
			return b.fail(describe(res)), nil
		}
		return res.Value, nil
	}
	values := strings.NewReplacer("OPENID", fmt.Sprint(user["openid"]), "APPID", fmt.Sprint(user["appid"]), "CODE", fmt.Sprint(user["code"]), "SECRET", rig.AppSecret)
	for _, c := range jsonCalls {
		res, err := s.call(ctx, "request", map[string]string{"method": c.method, "path": values.Replace(c.path), "body": values.Replace(c.body)})
		if err != nil {
			return "", err
		}
		var fields map[string]any
		if json.Unmarshal([]byte(res.Value), &fields) != nil || fields[c.field] == nil {
			return b.fail(c.path + ": " + describe(res) + " " + res.Value), nil
		}
	}
	s.resetCounts()
	return fmt.Sprint(len(jsonCalls), " responses"), nil
}

// fail counts a failure and returns the cell for the table.
func (b *testbed) fail(reason string) string { return b.r.Check(false) + " " + reason }
