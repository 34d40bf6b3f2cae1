package wechattest_test

import (
	"encoding/json"
	"fmt"
	"image/jpeg"
	"slices"
	"strings"
	"testing"
	"time"
)

// The APIs that backends call through the relay, with the fields of the documented responses
// and with errors.
func TestResponsesHaveTheDocumentedFields(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	u := sim.user("wx1", "alice")
	o := u.OpenID
	for _, c := range []struct {
		call, body string
		errcode    int
		fields     []string // besides errcode and errmsg
	}{
		{"POST /wxa/msg_sec_check", fmt.Sprintf(`{"version":2,"scene":1,"openid":%q,"content":"hello"}`, o), 0, []string{"detail", "result", "trace_id"}},
		{"POST /wxa/msg_sec_check", `{"content":"hello"}`, 0, nil},
		{"POST /wxa/msg_sec_check", `{"content":"risky hello"}`, 87014, nil},
		{"POST /wxa/msg_sec_check", `{"version":2,"scene":9,"content":"x"}`, 40129, nil},
		{"POST /wxa/msg_sec_check", `{"version":2,"scene":1,"openid":"o","content":"x"}`, 40003, nil},
		{"POST /wxa/msg_sec_check", `{}`, 44004, nil},
		{"POST /wxa/media_check_async", fmt.Sprintf(`{"version":2,"scene":1,"openid":%q,"media_url":"https://x.test/a.png","media_type":2}`, o), 0, []string{"trace_id"}},
		{"POST /wxa/media_check_async", `{"media_type":2}`, 41030, nil},
		{"POST /wxa/generatescheme", `{"jump_wxa":{"path":"pages/a","query":"x=1"}}`, 0, []string{"openlink"}},
		{"POST /wxa/generatescheme", `{"jump_wxa":{"path":"/pages/a"}}`, 40165, nil},
		{"POST /wxa/generatescheme", `{"jump_wxa":{},"expire_type":1,"expire_interval":31}`, 85401, nil},
		{"POST /wxa/generate_urllink", `{"path":"pages/a","expire_type":1,"expire_interval":30}`, 0, []string{"url_link"}},
		{"POST /wxa/generate_urllink", `{"path":"pages/a?x"}`, 40165, nil},
		{"POST /wxa/getuserriskrank", fmt.Sprintf(`{"appid":"wx1","openid":%q,"scene":0,"client_ip":"127.0.0.1"}`, o), 0, []string{"risk_rank", "unoin_id"}},
		{"POST /wxa/getuserriskrank", fmt.Sprintf(`{"appid":"wx2","openid":%q,"scene":0,"client_ip":"127.0.0.1"}`, o), 40013, nil},
		{"POST /wxa/getuserriskrank", fmt.Sprintf(`{"appid":"wx1","openid":%q,"client_ip":"127.0.0.1"}`, o), 40097, nil},
		{"POST /cgi-bin/message/custom/send", fmt.Sprintf(`{"touser":%q,"msgtype":"text","text":{"content":"x"}}`, o), 0, nil},
		{"POST /cgi-bin/message/custom/send", fmt.Sprintf(`{"touser":%q,"msgtype":"sonnet"}`, o), 40008, nil},
		{"POST /cgi-bin/message/custom/send", fmt.Sprintf(`{"touser":%q,"msgtype":"text"}`, o), 44004, nil},
		{"POST /cgi-bin/message/custom/typing", fmt.Sprintf(`{"touser":%q,"command":"Typing"}`, o), 0, nil},
		{"GET /wxa/getpaidunionid?transaction_id=1&openid=" + o, "", 0, []string{"unionid"}},
		{"GET /wxa/getpaidunionid?mch_id=1&out_trade_no=2&openid=" + o, "", 0, []string{"unionid"}},
		{"GET /wxa/getpaidunionid?openid=" + o, "", 89300, nil},
		{"GET /wxa/getpaidunionid?transaction_id=1&openid=o", "", 40003, nil},
		{"GET /wxaapi/newtmpl/getcategory", "", 0, []string{"data"}},
		{"GET /wxaapi/newtmpl/getpubtemplatetitles?ids=616&start=0&limit=30", "", 0, []string{"count", "data"}},
		{"GET /wxaapi/newtmpl/getpubtemplatekeywords?tid=99", "", 0, []string{"count", "data"}},
		{"POST /wxaapi/newtmpl/addtemplate", `{"tid":"99","kidList":[1],"sceneDesc":"x"}`, 0, []string{"priTmplId"}},
		{"POST /wxaapi/newtmpl/addtemplate", `{"tid":99,"kidList":[1]}`, 200023, nil},
		{"POST /wxaapi/newtmpl/addtemplate", `{"tid":"98"}`, 200014, nil},
		{"GET /wxaapi/newtmpl/gettemplate", "", 0, []string{"data"}},
		{"POST /wxaapi/newtmpl/deltemplate", `{"priTmplId":"x"}`, 40037, nil},
		{"POST /wxa/getwxacode", `{}`, 40159, nil},
		{"POST /wxa/business/checkencryptedmsg", `{"encrypted_msg_hash":"x"}`, 40097, nil},
		{"POST /wxa/business/checkencryptedmsg", `{"encrypted_msg_hash":"` + strings.Repeat("0", 64) + `"}`, 1, nil},
		{"GET /wxa/msg_sec_check", "", 43002, nil},
		{"POST /wxaapi/newtmpl/gettemplate", "{}", 43001, nil},
	} {
		s := sim.callWithToken(c.call, c.body)
		sim.expect(c.call+" "+c.body, s, c.errcode)
		var fields []string
		for name := range s.fields {
			if name != "errcode" && name != "errmsg" {
				fields = append(fields, name)
			}
		}
		if slices.Sort(fields); !slices.Equal(fields, c.fields) {
			t.Errorf("%s: fields %v, want %v", c.call, fields, c.fields)
		}
	}
	sim.expect("without a token", sim.send("POST", "/wxa/msg_sec_check", nil, `{"content":"x"}`), 41001)
}

// callWithToken calls an API, such as "GET /wxa/x?a=b", with the access token.
func (sim *testSimulator) callWithToken(call, body string) result {
	sim.t.Helper()
	method, target, _ := strings.Cut(call, " ")
	path, rest, _ := strings.Cut(target, "?")
	q := query("access_token", sim.token())
	for pair := range strings.SplitSeq(rest, "&") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			q.Set(name, value)
		}
	}
	if method == "GET" {
		return sim.get(path, q)
	}
	return sim.send(method, path, q, body)
}

func TestCodesByPathAreImages(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	for _, api := range []string{"/wxa/getwxacode", "/cgi-bin/wxaapp/createwxaqrcode"} {
		s := sim.callWithToken("POST "+api, `{"path":"pages/a"}`)
		if _, err := jpeg.Decode(strings.NewReader(s.body)); err != nil || s.contentType != "image/jpeg" {
			t.Errorf("%s: %s, %v", api, s.contentType, err)
		}
	}
}

func TestTemplateIsListedUntilItIsDeleted(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	id := sim.callWithToken("POST /wxaapi/newtmpl/addtemplate", `{"tid":"99","kidList":[1,2]}`).text("priTmplId")
	if s := sim.callWithToken("GET /wxaapi/newtmpl/gettemplate", ""); id == "" || !strings.Contains(s.body, id) {
		t.Errorf("%s not in %s", id, s.body)
	}
	sim.expect("deleted", sim.callWithToken("POST /wxaapi/newtmpl/deltemplate", fmt.Sprintf(`{"priTmplId":%q}`, id)), 0)
	if s := sim.callWithToken("GET /wxaapi/newtmpl/gettemplate", ""); strings.Contains(s.body, id) {
		t.Errorf("deleted, but listed in %s", s.body)
	}
}

func TestUserKeysAreThoseOfThePhone(t *testing.T) {
	t.Parallel()
	sim := newTestSimulator(t)
	u := sim.user("wx1", "alice")
	u.Code()
	type key struct {
		EncryptKey string `json:"encrypt_key"`
		Version    int    `json:"version"`
		ExpireIn   int    `json:"expire_in"`
		IV         string `json:"iv"`
		CreateTime int64  `json:"create_time"`
	}
	list := func() (keys []key) {
		t.Helper()
		s := sim.callWithToken("GET /wxa/business/getuserencryptkey?sig_method=hmac_sha256&openid="+u.OpenID+"&signature="+sign(u.SessionKey()), "")
		sim.expect("keys", s, 0)
		var got struct {
			Keys []key `json:"key_info_list"`
		}
		if err := json.Unmarshal([]byte(s.body), &got); err != nil {
			t.Fatal(err)
		}
		return got.Keys
	}
	first := u.LatestUserKey()
	if got := list(); len(got) != 1 || got[0].EncryptKey != first.EncryptKey || got[0].IV != first.IV || len(got[0].IV) != 16 || got[0].Version != first.Version || got[0].ExpireIn != 3600 {
		t.Errorf("%+v, the phone has %+v", got, first)
	}
	if u.LatestUserKey() != first {
		t.Error("the key changed within its hour")
	}
	sim.Advance(time.Hour)
	second := u.LatestUserKey()
	if got := list(); second.EncryptKey == first.EncryptKey || len(got) != 2 || got[0].Version != second.Version || got[1].ExpireIn != 0 {
		t.Errorf("an hour later: %+v, the phone has %+v", got, second)
	}
	u.RotateUserKey()
	u.RotateUserKey()
	if got := list(); len(got) != 3 || got[0].Version != second.Version+2 {
		t.Errorf("after two rotations: %+v", got)
	}
	sim.expect("another's signature", sim.callWithToken("GET /wxa/business/getuserencryptkey?sig_method=hmac_sha256&openid="+u.OpenID+"&signature="+sign("x"), ""), 87009)
	sim.expect("a body", sim.callWithToken("POST /wxa/business/getuserencryptkey?sig_method=hmac_sha256&openid="+u.OpenID+"&signature="+sign(u.SessionKey()), "{}"), 87009)
}
