// Package wechattest is WeChat as a mini program's backend sees it: an
// http.Handler that answers as api.weixin.qq.com does, with its rules, its
// errcodes and its oddities. It simulates the phone's side too: it issues the
// codes that wx.login and the phone button would give, and encrypts and signs
// what wx would.
//
// It is strict where WeChat is: codes work once and for five minutes, a session
// key changes with every wx.login, tokens die, a phone code belongs to one user.
// Where WeChat doesn't publish what it does, the place says what is assumed.
//
// A [Server] answers these calls; any other gets 40066, as WeChat answers:
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
// With Options.Control it also answers the calls below, by which a script
// simulates phones and injects faults. They take and give JSON; "user" is any name, made on
// first use; "appid" may be left out and is then the first app's. What is wrong
// gets 400 and {"error"}.
//
//	POST   /sim/code        {"user", "appid"?}                → {"code", "appid", "openid", "unionid"}: wx.login
//	POST   /sim/phone-code  {"user", "appid"?}                → {"code", "appid", "phone"}: the phone button
//	POST   /sim/encrypt     {"user", "appid"?, "kind", "data"?, "age"?}
//	                        → {"encrypted_data", "iv"}; kind is phone, profile or data; age such as "10m" makes it old
//	POST   /sim/sign        {"user", "appid"?, "raw_data"?}   → {"raw_data", "signature"}
//	POST   /sim/user-key    {"user", "appid"?, "rotate"?}     → {"encrypt_key", "iv", "version", "expire_time"}: getLatestUserKey of wx
//	POST   /sim/rotate      {"user", "appid"?}                → {}: the session key changes
//	POST   /sim/block       {"user", "appid"?, "blocked"}     → {}: 40226 from now on, or no longer
//	POST   /sim/push        {"user", "appid"?, "message"?, "url"?, "token"?, "aes_key"?, "format"?, "age"?, "interval"?}
//	                        → {"attempts": [{"status", "body", "error"?}], "accepted", "reply"?}: see User.Push; format is json or xml,
//	                        what is left out is App.Push's. It answers when the message was accepted, or sent for the last time
//	POST   /sim/push-url    {"appid"?, "url"?, "token"?}      → {"status", "body", "error"?, "ok"}: the console's check of the address
//	POST   /sim/prefetch    {"user", "appid"?, "url", "path"?, "query"?, "scene"?, "code"?, "token"?}
//	                        → {"code", "status", "data", "error"?}: WeChat's pre-fetch, see User.Prefetch
//	POST   /sim/api-security {"appid"?, "algorithms", "paths"} → what the configuration takes as api_security: see Server.SecureAPI
//	POST   /sim/kill-token  {"appid"?, "silent"?}             → {}: see Server.InvalidateToken
//	POST   /sim/fault       {"api"?, "times"?, "errcode"?, "delay"?, "drop"?, "status"?, "body"?} → {}: see Fault
//	DELETE /sim/fault                                         → {}: all faults end
//	GET    /sim/users                                         → [{"appid", "user", "openid", "unionid", "phone", "session_key", "blocked"}]
//	GET    /sim/calls                                         → the last calls, as Call
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
	NoUnionID  bool         // not bound to an Open Platform account: its users have no unionid
	Frozen     bool         // its AppSecret is: 40243
	AllowedIPs []string     // addresses or CIDRs that may controlRequest for tokens, else 40164; empty: any
	Push       PushSettings // of message push; a control call may name others
}

// Options sets a Server up.
type Options struct {
	Apps            []App
	Now             func() time.Time // nil: time.Now
	LoginsPerMinute int              // for each user, then 45011; 0: 100, as WeChat says
	Control         bool             // answer /sim/… too
	OnCall          func(Call)       // called after every WeChat call, in the goroutine that served it; may be nil
}

// Server is the simulated WeChat. It is safe for concurrent use.
type Server struct {
	now       func() time.Time
	perMinute int
	control   http.Handler // nil: none
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

// app is an App with what WeChat keeps of it.
type app struct {
	App
	users     map[string]*User     // by name
	sealed    map[string]time.Time // when what was encrypted for its phones was made, by the hex SHA-256 of the base64 text
	stable    tokenSeries
	legacy    tokenSeries
	templates []template
	security  *security // nil: plain calls alone
}

// New makes a WeChat that knows these apps.
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
		s.control = controls(s)
	}
	return s
}

func (s *Server) addApp(a App) {
	known := &app{App: a, users: map[string]*User{}, sealed: map[string]time.Time{}}
	s.apps[a.ID] = known
	if s.first == nil {
		s.first = known
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

// ServeHTTP answers a call to WeChat, or one of the control calls.
func (s *Server) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	if s.control != nil && strings.HasPrefix(in.URL.Path, "/sim/") {
		s.control.ServeHTTP(w, in)
		return
	}
	r := &request{Request: in, query: in.URL.Query(), began: s.now(), start: time.Now()}
	r.readSmallBody()
	res := s.answer(r)
	s.record(r, res)
	if res.drop {
		panic(http.ErrAbortHandler) // net/http closes the connection without an answer
	}
	maps.Copy(w.Header(), res.header)
	w.Header().Set("Content-Type", res.contentType)
	w.WriteHeader(res.status)
	_, _ = w.Write(res.body)
}

// answer gives the response of an injected fault, or the one of WeChat.
func (s *Server) answer(r *request) response {
	e, known := endpoints[r.URL.Path]
	if f := s.takeFault(r.URL.Path); f != nil {
		if a, done := f.apply(r); done {
			return e.finish(s, a)
		}
	}
	if !known {
		return e.finish(s, failure(40066, "invalid url"))
	}
	if a, ok := s.unseal(r); !ok {
		return e.finish(s, a)
	}
	res := e.finish(s, e.serve(s, r))
	if r.sealed != nil {
		res = s.seal(r, res)
	}
	return res
}

// app finds an app by its id; the empty id is the first app's.
func (s *Server) app(id string) (*app, error) {
	if id == "" && s.first != nil {
		return s.first, nil
	}
	if a := s.apps[id]; a != nil {
		return a, nil
	}
	return nil, errors.New("no such app: " + id)
}

// rid is the request id that WeChat appends to its messages.
func (s *Server) rid() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b)
	return fmt.Sprintf("%08x-%x-%x", s.now().Unix(), b[:4], b[4:])
}
