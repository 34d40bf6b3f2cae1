package wechattest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// controls answers /sim/…; the package's documentation lists it.
func controls(s *Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /sim/code", control(s.simCode))
	mux.Handle("POST /sim/phone-code", control(s.simPhoneCode))
	mux.Handle("POST /sim/encrypt", control(s.simEncrypt))
	mux.Handle("POST /sim/sign", control(s.simSign))
	mux.Handle("POST /sim/user-key", control(s.simUserKey))
	mux.Handle("POST /sim/rotate", control(s.simRotate))
	mux.Handle("POST /sim/block", control(s.simBlock))
	mux.Handle("POST /sim/push", control(s.simPush))
	mux.Handle("POST /sim/push-url", control(s.simPushURL))
	mux.Handle("POST /sim/prefetch", control(s.simPrefetch))
	mux.Handle("POST /sim/api-security", control(s.simAPISecurity))
	mux.Handle("POST /sim/kill-token", control(s.simKillToken))
	mux.Handle("POST /sim/fault", control(s.simFault))
	mux.Handle("DELETE /sim/fault", control(s.simClearFaults))
	mux.Handle("GET /sim/users", control(s.simUsers))
	mux.Handle("GET /sim/calls", control(s.simCalls))
	return mux
}

// controlRequest has the fields of all control calls. Each reads those it needs.
type controlRequest struct {
	User    string         `json:"user"`
	AppID   string         `json:"appid"`
	Kind    string         `json:"kind"`
	Data    map[string]any `json:"data"`
	Age     duration       `json:"age"`
	RawData string         `json:"raw_data"`
	Blocked bool           `json:"blocked"`
	Rotate  bool           `json:"rotate"`
	Silent  bool           `json:"silent"`
	API     string         `json:"api"`
	Times   int            `json:"times"`
	Errcode int            `json:"errcode"`
	Delay   duration       `json:"delay"`
	Drop    bool           `json:"drop"`
	Status  int            `json:"status"`
	Body    string         `json:"body"`

	URL      string                     `json:"url"`
	Token    string                     `json:"token"`
	AESKey   *string                    `json:"aes_key"` // "": plain mode
	Format   string                     `json:"format"`
	Message  map[string]json.RawMessage `json:"message"`
	Interval duration                   `json:"interval"`

	Path  string `json:"path"`
	Query string `json:"query"`
	Scene int    `json:"scene"`
	Code  string `json:"code"`

	Algorithms string   `json:"algorithms"`
	Paths      []string `json:"paths"`
}

// duration is a time.Duration written as "10m".
type duration time.Duration

func (p *duration) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*p = duration(d)
	return err
}

// control makes a handler of a function that answers with a value or an error.
func control(do func(context.Context, controlRequest) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, err := readControlRequest(r)
		var v any
		if err == nil {
			v, err = do(r.Context(), a)
		}
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			v = map[string]string{"error": err.Error()}
		}
		_ = json.NewEncoder(w).Encode(v)
	})
}

func readControlRequest(r *http.Request) (a controlRequest, err error) {
	if r.Method != http.MethodPost {
		return controlRequest{}, nil
	}
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxJSON))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return controlRequest{}, fmt.Errorf("not understood: %w", err)
	}
	return a, nil
}

// empty is the answer of a call that returns nothing.
func empty() (any, error) { return struct{}{}, nil }

func (s *Server) simCode(_ context.Context, a controlRequest) (any, error) {
	u, err := s.User(a.AppID, a.User)
	if err != nil {
		return nil, err
	}
	return map[string]string{"code": u.Code(), "appid": u.AppID, "openid": u.OpenID, "unionid": u.UnionID}, nil
}

func (s *Server) simPhoneCode(_ context.Context, a controlRequest) (any, error) {
	u, err := s.User(a.AppID, a.User)
	if err != nil {
		return nil, err
	}
	return map[string]string{"code": u.PhoneCode(), "appid": u.AppID, "phone": u.Phone()}, nil
}

func (s *Server) simEncrypt(_ context.Context, a controlRequest) (any, error) {
	u, err := s.User(a.AppID, a.User)
	if err != nil {
		return nil, err
	}
	at := s.now().Add(-time.Duration(a.Age))
	switch a.Kind {
	case "phone":
		return u.Encrypt(phoneInfo(u.Phone()), at), nil
	case "profile":
		return u.Encrypt(u.oldProfile(), at), nil
	case "data":
		return u.Encrypt(a.Data, at), nil
	}
	return nil, errors.New("kind must be phone, profile or data")
}

func (s *Server) simSign(_ context.Context, a controlRequest) (any, error) {
	u, err := s.User(a.AppID, a.User)
	if err != nil {
		return nil, err
	}
	if a.RawData == "" {
		a.RawData, _ = u.RawData()
	}
	return map[string]string{"raw_data": a.RawData, "signature": u.SignRawData(a.RawData)}, nil
}

func (s *Server) simUserKey(_ context.Context, a controlRequest) (any, error) {
	u, err := s.User(a.AppID, a.User)
	if err != nil {
		return nil, err
	}
	if a.Rotate {
		u.RotateUserKey()
	}
	return u.LatestUserKey(), nil
}

func (s *Server) simRotate(_ context.Context, a controlRequest) (any, error) {
	u, err := s.User(a.AppID, a.User)
	if err != nil {
		return nil, err
	}
	u.RotateSessionKey()
	return empty()
}

func (s *Server) simBlock(_ context.Context, a controlRequest) (any, error) {
	u, err := s.User(a.AppID, a.User)
	if err != nil {
		return nil, err
	}
	u.Block(a.Blocked)
	return empty()
}

// pushSettings are the app's with what the call names.
func (a controlRequest) pushSettings(app PushSettings) (PushSettings, error) {
	if a.URL != "" {
		app.URL = a.URL
	}
	if a.Token != "" {
		app.Token = a.Token
	}
	if a.AESKey != nil {
		app.AESKey = *a.AESKey
	}
	switch a.Format {
	case "":
	case "json", "xml":
		app.XML = a.Format == "xml"
	default:
		return app, errors.New("format must be json or xml")
	}
	return app, nil
}

func (s *Server) simPush(ctx context.Context, a controlRequest) (any, error) {
	u, err := s.User(a.AppID, a.User)
	if err != nil {
		return nil, err
	}
	to, err := a.pushSettings(s.pushOf(u.app))
	if err != nil {
		return nil, err
	}
	return u.Push(ctx, to, a.Message, time.Duration(a.Age), time.Duration(a.Interval))
}

func (s *Server) simPushURL(ctx context.Context, a controlRequest) (any, error) {
	s.mu.Lock()
	app, err := s.app(a.AppID)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	to, err := a.pushSettings(s.pushOf(app))
	if err != nil {
		return nil, err
	}
	attempt, ok, err := (&User{server: s, app: app, AppID: app.ID}).CheckPushURL(ctx, to)
	return struct {
		PushAttempt
		OK bool `json:"ok"`
	}{attempt, ok}, err
}

func (s *Server) simPrefetch(ctx context.Context, a controlRequest) (any, error) {
	u, err := s.User(a.AppID, a.User)
	if err != nil {
		return nil, err
	}
	return u.Prefetch(ctx, PrefetchCall{URL: a.URL, Path: a.Path, Query: a.Query, Scene: a.Scene, Token: a.Token, Code: a.Code})
}

func (s *Server) simAPISecurity(_ context.Context, a controlRequest) (any, error) {
	return s.SecureAPI(a.AppID, a.Algorithms, a.Paths...)
}

func (s *Server) simKillToken(_ context.Context, a controlRequest) (any, error) {
	if err := s.InvalidateToken(a.AppID, a.Silent); err != nil {
		return nil, err
	}
	return empty()
}

func (s *Server) simFault(_ context.Context, a controlRequest) (any, error) {
	f := Fault{API: a.API, Times: a.Times, Delay: time.Duration(a.Delay), Drop: a.Drop, Status: a.Status, Body: a.Body, Errcode: a.Errcode}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return nil, errors.New("status must be 200 to 599")
	}
	s.AddFault(f)
	return empty()
}

func (s *Server) simClearFaults(_ context.Context, _ controlRequest) (any, error) {
	s.ClearFaults()
	return empty()
}

func (s *Server) simCalls(_ context.Context, _ controlRequest) (any, error) { return s.Calls(), nil }

// userEntry is a User as /sim/users shows it.
type userEntry struct {
	AppID      string `json:"appid"`
	User       string `json:"user"`
	OpenID     string `json:"openid"`
	UnionID    string `json:"unionid"`
	Phone      string `json:"phone"`
	SessionKey string `json:"session_key"`
	Blocked    bool   `json:"blocked"`
}

func (s *Server) simUsers(_ context.Context, _ controlRequest) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries := []userEntry{}
	for _, a := range s.apps {
		for _, u := range a.users {
			entries = append(entries, userEntry{a.ID, u.Name, u.OpenID, u.UnionID, u.phone, u.key, u.blocked})
		}
	}
	slices.SortFunc(entries, func(a, b userEntry) int { return strings.Compare(a.AppID+" "+a.User, b.AppID+" "+b.User) })
	return entries, nil
}
