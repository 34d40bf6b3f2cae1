// Package wechattest simulates WeChat for tests: an http.Handler that responds as
// api.weixin.qq.com does, with its rules and errcodes, also where these are
// inconsistent. It simulates the phone too: it issues the codes of wx.login and of the
// phone button, and encrypts and signs what wx does.
//
// It is as strict as WeChat: codes work once and for five minutes, the session key
// changes with every wx.login, tokens expire, a phone code is valid for one user. Where
// WeChat's behaviour is not documented, a comment says what is assumed.
//
// A [Server] handles these calls; all others get 40066, as with WeChat:
//
//	GET  /sns/jscode2session
//	GET  /cgi-bin/token
//	POST /cgi-bin/stable_token
//	GET  /wxa/checksession
//	GET  /wxa/resetusersessionkey
//	GET  /wxa/business/getuserencryptkey
//	POST /wxa/business/getuserphonenumber
//	POST /wxa/business/checkencryptedmsg
//	GET  /wxa/getpaidunionid
//	POST /wxa/getuserriskrank
//	POST /wxa/getwxacode
//	POST /wxa/getwxacodeunlimit
//	POST /cgi-bin/wxaapp/createwxaqrcode
//	POST /wxa/generatescheme
//	POST /wxa/generate_urllink
//	POST /wxa/msg_sec_check
//	POST /wxa/media_check_async
//	POST /wxa/img_sec_check
//	POST /cgi-bin/media/upload
//	POST /cgi-bin/message/subscribe/send
//	POST /cgi-bin/message/custom/send
//	POST /cgi-bin/message/custom/typing
//	POST /wxaapi/newtmpl/addtemplate
//	POST /wxaapi/newtmpl/deltemplate
//	GET  /wxaapi/newtmpl/gettemplate
//	GET  /wxaapi/newtmpl/getcategory
//	GET  /wxaapi/newtmpl/getpubtemplatetitles
//	GET  /wxaapi/newtmpl/getpubtemplatekeywords
//
// With Options.Control it also handles the calls below, with which a script simulates
// phones and injects faults. Requests and responses are JSON. "user" is any name, and the
// user is created on first use; "appid" defaults to the first app. An invalid request
// gets 400 and {"error"}.
//
//	POST   /sim/code        {"user", "appid"?}                → {"code", "appid", "openid", "unionid"}: wx.login
//	POST   /sim/phone-code  {"user", "appid"?}                → {"code", "appid", "phone"}: the phone button
//	POST   /sim/encrypt     {"user", "appid"?, "kind", "data"?, "age"?}
//	                        → {"encrypted_data", "iv"}; kind is phone, profile or data; with an age such as "10m" it was encrypted that long ago
//	POST   /sim/sign        {"user", "appid"?, "raw_data"?}   → {"raw_data", "signature"}
//	POST   /sim/user-key    {"user", "appid"?, "rotate"?}     → {"encrypt_key", "iv", "version", "expire_time"}: getLatestUserKey of wx
//	POST   /sim/rotate      {"user", "appid"?}                → {}: the session key changes
//	POST   /sim/block       {"user", "appid"?, "blocked"}     → {}: logins get 40226, or no longer
//	POST   /sim/push        {"user", "appid"?, "message"?, "url"?, "token"?, "aes_key"?, "format"?, "age"?, "interval"?}
//	                        → {"attempts": [{"status", "body", "error"?}], "accepted", "reply"?}: see User.Push; format is json or xml;
//	                        the defaults are App.Push. It responds when the message was accepted, or was sent for the last time
//	POST   /sim/push-url    {"appid"?, "url"?, "token"?}      → {"status", "body", "error"?, "ok"}: the check of the URL in WeChat's console
//	POST   /sim/prefetch    {"user", "appid"?, "url", "path"?, "query"?, "scene"?, "code"?, "token"?}
//	                        → {"code", "status", "data", "error"?}: WeChat's pre-fetch, see User.Prefetch
//	POST   /sim/api-security {"appid"?, "algorithms", "paths"} → the api_security of the gateway's configuration: see Server.SecureAPI
//	POST   /sim/kill-token  {"appid"?, "silent"?}             → {}: see Server.InvalidateToken
//	POST   /sim/fault       {"api"?, "times"?, "errcode"?, "delay"?, "drop"?, "status"?, "body"?} → {}: see Fault
//	DELETE /sim/fault                                         → {}: removes all faults
//	GET    /sim/users                                         → [{"appid", "user", "openid", "unionid", "phone", "session_key", "blocked"}]
//	GET    /sim/calls                                         → the last calls, each a Call
package wechattest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// App is a mini program registered with the simulated WeChat.
type App struct {
	ID         string
	Secret     string       // AppSecret
	NoUnionID  bool         // true: not bound to an Open Platform account, so that its users have no unionid
	Frozen     bool         // true: its AppSecret is frozen, 40243
	AllowedIPs []string     // addresses or CIDRs that may fetch access tokens, others get 40164; empty: any
	Push       PushSettings // settings of message push; a control call can override them
}

// Options configure a Server.
type Options struct {
	Apps            []App
	Now             func() time.Time // nil: time.Now
	LoginsPerMinute int              // limit for each user, then 45011; 0: 100, as WeChat documents
	Control         bool             // handle /sim/… too
	OnCall          func(Call)       // called after every WeChat call in the goroutine that handled it; may be nil
}

// Server is the simulated WeChat. It is safe for concurrent use.
type Server struct {
	now       func() time.Time
	perMinute int
	control   http.Handler // nil: not handled
	onCall    func(Call)

	mu     sync.Mutex
	apps   map[string]*app
	first  *app
	codes  map[string]*code
	tokens map[string]*token
	faults []*Fault
	calls  []Call
	counts map[string]int
}

// app is an App with its state at WeChat.
type app struct {
	App
	users     map[string]*User     // by name
	encrypted map[string]time.Time // when open data was encrypted, by the hex SHA-256 of its base64 text
	stable    tokenSeries
	legacy    tokenSeries
	templates []template
	security  *security // nil: signed calls are refused
}

// New returns a simulated WeChat with these apps.
func New(o Options) *Server {
	s := &Server{
		now:       o.Now,
		perMinute: o.LoginsPerMinute,
		onCall:    o.OnCall,
		apps:      map[string]*app{},
		codes:     map[string]*code{},
		tokens:    map[string]*token{},
		counts:    map[string]int{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.perMinute == 0 {
		s.perMinute = 100
	}
	for _, a := range o.Apps {
		s.addApp(a)
	}
	if o.Control {
		s.control = newControlHandler(s)
	}
	return s
}

func (s *Server) addApp(a App) {
	registered := &app{App: a, users: map[string]*User{}, encrypted: map[string]time.Time{}}
	s.apps[a.ID] = registered
	if s.first == nil {
		s.first = registered
	}
}

// Start serves on a free loopback port until stop is called.
func (s *Server) Start() (base string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(l) }()
	return "http://" + l.Addr().String(), func() { _ = srv.Close() }, nil
}

// ServeHTTP handles a call of WeChat or a control call.
func (s *Server) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	if s.control != nil && strings.HasPrefix(in.URL.Path, "/sim/") {
		s.control.ServeHTTP(w, in)
		return
	}
	r := &request{Request: in, query: in.URL.Query(), simTime: s.now(), start: time.Now()}
	r.readSmallBody()
	res := s.respond(r)
	s.record(r, res)
	if res.drop {
		panic(http.ErrAbortHandler) // net/http closes the connection without a response
	}
	maps.Copy(w.Header(), res.header)
	w.Header().Set("Content-Type", res.contentType)
	w.WriteHeader(res.status)
	_, _ = w.Write(res.body)
}

// respond returns the response of an injected fault, or that of WeChat.
func (s *Server) respond(r *request) response {
	e, known := endpoints[r.URL.Path]
	if f := s.nextFault(r.URL.Path); f != nil {
		if res, responded := f.apply(r); responded {
			return e.finish(s, res)
		}
	}
	if !known {
		return e.finish(s, failure(40066, "invalid url"))
	}
	if res, ok := s.openRequest(r); !ok {
		return e.finish(s, res)
	}
	res := e.finish(s, e.serve(s, r))
	if r.signedBy != nil {
		res = s.sealResponse(r, res)
	}
	return res
}

// app returns the app with this appid; the first app where it is empty.
func (s *Server) app(id string) (*app, error) {
	if id == "" && s.first != nil {
		return s.first, nil
	}
	if a := s.apps[id]; a != nil {
		return a, nil
	}
	return nil, errors.New("no such app: " + id)
}

// rid returns a request id as WeChat appends it to errmsg.
func (s *Server) rid() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b)
	return fmt.Sprintf("%08x-%x-%x", s.now().Unix(), b[:4], b[4:])
}
