package wechattest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"
)

// request is a call being served.
type request struct {
	*http.Request
	query  url.Values
	began  time.Time // by the server's clock
	start  time.Time // by the real one
	app    *app      // once an appid or a token told whose call it is
	sealed *app      // whose call it is, where it was signed and encrypted
	body   []byte    // what was read of it
}

// response is what the call is answered with.
type response struct {
	status      int
	contentType string
	header      http.Header // more than the type
	body        []byte
	errcode     int
	errmsg      string
	drop        bool // close the connection instead
}

const (
	asJSON = "application/json; charset=UTF-8"
	asText = "text/plain" // of jscode2session, though its body is JSON
	asJPEG = "image/jpeg"
)

// endpoint is a WeChat API and what WeChat checks before the API's own logic.
type endpoint struct {
	post  bool // else 43002; a GET endpoint takes no POST (43001)
	any   bool // takes either
	token bool // wants an access token: 41001, 40014, 40001, 42001
	json  bool // wants a JSON body: 44002, 47001
	text  bool // answers as text/plain
	// do answers under the server's lock, unless stream is set.
	do     func(*Server, *request) response
	stream bool
}

// Shapes that many endpoints share.
var (
	getCall  = endpoint{token: true}
	jsonCall = endpoint{post: true, token: true, json: true}
	fileCall = endpoint{post: true, token: true, stream: true}
)

func (e endpoint) by(do func(*Server, *request) response) endpoint {
	e.do = do
	return e
}

// endpoints are the APIs that a Server knows, by their path.
var endpoints = map[string]endpoint{
	"/sns/jscode2session":   {any: true, text: true, do: (*Server).jscode2session},
	"/cgi-bin/token":        {any: true, do: (*Server).legacyToken},
	"/cgi-bin/stable_token": {post: true, json: true, do: (*Server).stableToken},

	"/wxa/checksession":                getCall.by((*Server).checkSession),
	"/wxa/resetusersessionkey":         getCall.by((*Server).resetSessionKey),
	"/wxa/business/getuserencryptkey":  {any: true, token: true, do: (*Server).userEncryptKey},
	"/wxa/business/getuserphonenumber": jsonCall.by((*Server).phoneNumber),
	"/wxa/business/checkencryptedmsg":  jsonCall.by((*Server).checkEncryptedData),
	"/wxa/getpaidunionid":              getCall.by((*Server).paidUnionID),
	"/wxa/getuserriskrank":             jsonCall.by((*Server).riskRank),

	"/wxa/getwxacode":                 jsonCall.by((*Server).pathCode),
	"/wxa/getwxacodeunlimit":          jsonCall.by((*Server).unlimitedCode),
	"/cgi-bin/wxaapp/createwxaqrcode": jsonCall.by((*Server).pathCode),
	"/wxa/generatescheme":             jsonCall.by((*Server).scheme),
	"/wxa/generate_urllink":           jsonCall.by((*Server).urlLink),

	"/wxa/msg_sec_check":     jsonCall.by((*Server).checkText),
	"/wxa/media_check_async": jsonCall.by((*Server).checkMedia),
	"/wxa/img_sec_check":     fileCall.by((*Server).checkImage),
	"/cgi-bin/media/upload":  fileCall.by((*Server).uploadMedia),

	"/cgi-bin/message/subscribe/send":        jsonCall.by((*Server).subscribeMessage),
	"/cgi-bin/message/custom/send":           jsonCall.by((*Server).customMessage),
	"/cgi-bin/message/custom/typing":         jsonCall.by((*Server).customTyping),
	"/wxaapi/newtmpl/addtemplate":            jsonCall.by((*Server).addTemplate),
	"/wxaapi/newtmpl/deltemplate":            jsonCall.by((*Server).deleteTemplate),
	"/wxaapi/newtmpl/gettemplate":            getCall.by((*Server).listTemplates),
	"/wxaapi/newtmpl/getcategory":            getCall.by((*Server).listCategories),
	"/wxaapi/newtmpl/getpubtemplatetitles":   getCall.by((*Server).listTitles),
	"/wxaapi/newtmpl/getpubtemplatekeywords": getCall.by((*Server).listKeywords),
}

func (e endpoint) serve(s *Server, r *request) response {
	if a, ok := e.precheck(s, r); !ok {
		return a
	}
	return e.run(s, r)
}

// finish gives a refusal its body, with the rid that WeChat appends, and any
// answer the type that this API has.
func (e endpoint) finish(s *Server, a response) response {
	if a.errcode != 0 {
		a.body = mustJSON(map[string]any{"errcode": a.errcode, "errmsg": a.errmsg + ", rid: " + s.rid()})
	}
	if e.text && a.contentType == asJSON {
		a.contentType = asText
	}
	return a
}

func (e endpoint) run(s *Server, r *request) response {
	if !e.stream {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	return e.do(s, r)
}

// precheck says what is wrong with the call before its content is looked at.
func (e endpoint) precheck(s *Server, r *request) (response, bool) {
	switch {
	case e.post && r.Method != http.MethodPost:
		return failure(43002, "require POST method"), false
	case !e.post && !e.any && r.Method != http.MethodGet && r.sealed == nil:
		return failure(43001, "require GET method"), false
	}
	if e.token {
		if a, ok := s.checkToken(r); !ok {
			return a, false
		}
	}
	if e.json {
		return readJSON(r)
	}
	return response{}, true
}

// maxJSON bounds the JSON bodies taken, in bytes.
const maxJSON = 1 << 20

// readSmallBody takes a body in that is not an upload. Only once a body is read
// does net/http notice a caller that goes away during a Fault's Delay.
func (r *request) readSmallBody() {
	if r.ContentLength <= 0 || r.ContentLength > maxJSON {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
}

func readJSON(r *request) (response, bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxJSON))
	r.body = body
	switch {
	case err != nil || len(body) == 0:
		return failure(44002, "empty post data"), false
	case !json.Valid(body):
		return failure(47001, "data format error"), false
	}
	return response{}, true
}

// failure is an error as WeChat gives it: with status 200.
func failure(code int, message string) response {
	return response{status: http.StatusOK, contentType: asJSON, errcode: code, errmsg: message}
}

func succeed(v any) response {
	return response{status: http.StatusOK, contentType: asJSON, body: mustJSON(v)}
}

// success is the answer of a call that returns nothing else.
func success() response {
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok"})
}

// mustJSON is for values made here, which always encode.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
