package wechattest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"
)

// request is a call that is being handled.
type request struct {
	*http.Request
	query    url.Values
	simTime  time.Time // by the server's clock
	start    time.Time // by the real clock
	app      *app      // set once the appid or the token is known
	signedBy *app      // the app that signed and encrypted the call; nil: none
	body     []byte    // the JSON body
}

// response is the response to a call.
type response struct {
	status      int
	contentType string
	header      http.Header // without Content-Type
	body        []byte
	errcode     int
	errmsg      string
	drop        bool // close the connection without a response
}

const (
	typeJSON = "application/json; charset=UTF-8"
	typeText = "text/plain" // of jscode2session, although its body is JSON
	typeJPEG = "image/jpeg"
)

// endpoint is a WeChat API, with the checks that WeChat makes before the API's own logic.
type endpoint struct {
	post      bool // requires POST (43002); otherwise GET (43001)
	anyMethod bool // accepts both
	token     bool // requires an access token: 41001, 40014, 40001, 42001
	json      bool // requires a JSON body: 44002, 47001
	text      bool // the type of responses is text/plain
	// handle is called with the server's lock held, unless stream is set.
	handle func(*Server, *request) response
	stream bool
}

// Checks that many endpoints share.
var (
	getCall  = endpoint{token: true}
	jsonCall = endpoint{post: true, token: true, json: true}
	fileCall = endpoint{post: true, token: true, stream: true}
)

func (e endpoint) with(handle func(*Server, *request) response) endpoint {
	e.handle = handle
	return e
}

// endpoints are the simulated APIs by path.
var endpoints = map[string]endpoint{
	"/sns/jscode2session":   {anyMethod: true, text: true, handle: (*Server).jscode2session},
	"/cgi-bin/token":        {anyMethod: true, handle: (*Server).legacyToken},
	"/cgi-bin/stable_token": {post: true, json: true, handle: (*Server).stableToken},

	"/wxa/checksession":                getCall.with((*Server).checkSession),
	"/wxa/resetusersessionkey":         getCall.with((*Server).resetSessionKey),
	"/wxa/business/getuserencryptkey":  {anyMethod: true, token: true, handle: (*Server).userEncryptKey},
	"/wxa/business/getuserphonenumber": jsonCall.with((*Server).phoneNumber),
	"/wxa/business/checkencryptedmsg":  jsonCall.with((*Server).checkEncryptedData),
	"/wxa/getpaidunionid":              getCall.with((*Server).paidUnionID),
	"/wxa/getuserriskrank":             jsonCall.with((*Server).riskRank),

	"/wxa/getwxacode":                 jsonCall.with((*Server).pathCode),
	"/wxa/getwxacodeunlimit":          jsonCall.with((*Server).unlimitedCode),
	"/cgi-bin/wxaapp/createwxaqrcode": jsonCall.with((*Server).pathCode),
	"/wxa/generatescheme":             jsonCall.with((*Server).scheme),
	"/wxa/generate_urllink":           jsonCall.with((*Server).urlLink),

	"/wxa/msg_sec_check":     jsonCall.with((*Server).checkText),
	"/wxa/media_check_async": jsonCall.with((*Server).checkMedia),
	"/wxa/img_sec_check":     fileCall.with((*Server).checkImage),
	"/cgi-bin/media/upload":  fileCall.with((*Server).uploadMedia),

	"/cgi-bin/message/subscribe/send":        jsonCall.with((*Server).subscribeMessage),
	"/cgi-bin/message/custom/send":           jsonCall.with((*Server).customMessage),
	"/cgi-bin/message/custom/typing":         jsonCall.with((*Server).customTyping),
	"/wxaapi/newtmpl/addtemplate":            jsonCall.with((*Server).addTemplate),
	"/wxaapi/newtmpl/deltemplate":            jsonCall.with((*Server).deleteTemplate),
	"/wxaapi/newtmpl/gettemplate":            getCall.with((*Server).listTemplates),
	"/wxaapi/newtmpl/getcategory":            getCall.with((*Server).listCategories),
	"/wxaapi/newtmpl/getpubtemplatetitles":   getCall.with((*Server).listTitles),
	"/wxaapi/newtmpl/getpubtemplatekeywords": getCall.with((*Server).listKeywords),
}

func (e endpoint) serve(s *Server, r *request) response {
	if res, ok := e.precheck(s, r); !ok {
		return res
	}
	return e.run(s, r)
}

// finish sets the body of an error, with a rid as WeChat appends it, and the content type
// of this API.
func (e endpoint) finish(s *Server, res response) response {
	if res.errcode != 0 {
		res.body = mustJSON(map[string]any{"errcode": res.errcode, "errmsg": res.errmsg + ", rid: " + s.rid()})
	}
	if e.text && res.contentType == typeJSON {
		res.contentType = typeText
	}
	return res
}

func (e endpoint) run(s *Server, r *request) response {
	if !e.stream {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	return e.handle(s, r)
}

// precheck checks the method, the access token and the JSON of a call. If ok is false,
// res is the error.
func (e endpoint) precheck(s *Server, r *request) (res response, ok bool) {
	switch {
	case e.post && r.Method != http.MethodPost:
		return failure(43002, "require POST method"), false
	case !e.post && !e.anyMethod && r.Method != http.MethodGet && r.signedBy == nil:
		return failure(43001, "require GET method"), false
	}
	if e.token {
		if res, ok := s.checkToken(r); !ok {
			return res, false
		}
	}
	if e.json {
		return readJSON(r)
	}
	return response{}, true
}

// maxJSON limits JSON bodies, in bytes.
const maxJSON = 1 << 20

// readSmallBody reads a body that is not an upload: net/http cancels the request's context
// for a caller that disconnects, during a Fault's Delay for example, only once the body
// is read.
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

// failure returns an error of WeChat. Its status is 200.
func failure(code int, message string) response {
	return response{status: http.StatusOK, contentType: typeJSON, errcode: code, errmsg: message}
}

// succeed returns a success with a JSON body.
func succeed(v any) response {
	return response{status: http.StatusOK, contentType: typeJSON, body: mustJSON(v)}
}

// success returns a success without other fields.
func success() response {
	return succeed(map[string]any{"errcode": 0, "errmsg": "ok"})
}

// mustJSON encodes values that always encode.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
