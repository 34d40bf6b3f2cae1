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

// app returns the app with this appid; the first app if it is empty.
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
