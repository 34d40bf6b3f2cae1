package wechattest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// emptyResult is the result {}.
func emptyResult() (any, error) { return struct{}{}, nil }

func (s *Server) simCode(_ context.Context, req controlRequest) (any, error) {
	u, err := s.User(req.AppID, req.User)
	if err != nil {
		return nil, err
	}
	return map[string]string{"code": u.Code(), "appid": u.AppID, "openid": u.OpenID, "unionid": u.UnionID}, nil
}

func (s *Server) simPhoneCode(_ context.Context, req controlRequest) (any, error) {
	u, err := s.User(req.AppID, req.User)
	if err != nil {
		return nil, err
	}
	return map[string]string{"code": u.PhoneCode(), "appid": u.AppID, "phone": u.Phone()}, nil
}

func (s *Server) simEncrypt(_ context.Context, req controlRequest) (any, error) {
	u, err := s.User(req.AppID, req.User)
	if err != nil {
		return nil, err
	}
	at := s.now().Add(-time.Duration(req.Age))
	switch req.Kind {
	case "phone":
		return u.Encrypt(phoneInfo(u.Phone()), at), nil
	case "profile":
		return u.Encrypt(u.profileWithIDs(), at), nil
	case "data":
		return u.Encrypt(req.Data, at), nil
	}
	return nil, errors.New("kind must be phone, profile or data")
}

func (s *Server) simSign(_ context.Context, req controlRequest) (any, error) {
	u, err := s.User(req.AppID, req.User)
	if err != nil {
		return nil, err
	}
	if req.RawData == "" {
		req.RawData, _ = u.RawData()
	}
	return map[string]string{"raw_data": req.RawData, "signature": u.SignRawData(req.RawData)}, nil
}

func (s *Server) simUserKey(_ context.Context, req controlRequest) (any, error) {
	u, err := s.User(req.AppID, req.User)
	if err != nil {
		return nil, err
	}
	if req.Rotate {
		u.RotateUserKey()
	}
	return u.LatestUserKey(), nil
}

func (s *Server) simRotate(_ context.Context, req controlRequest) (any, error) {
	u, err := s.User(req.AppID, req.User)
	if err != nil {
		return nil, err
	}
	u.RotateSessionKey()
	return emptyResult()
}

func (s *Server) simBlock(_ context.Context, req controlRequest) (any, error) {
	u, err := s.User(req.AppID, req.User)
	if err != nil {
		return nil, err
	}
	u.Block(req.Blocked)
	return emptyResult()
}

// pushSettings returns the app's settings with those that the call overrides.
func (req controlRequest) pushSettings(app PushSettings) (PushSettings, error) {
	if req.URL != "" {
		app.URL = req.URL
	}
	if req.Token != "" {
		app.Token = req.Token
	}
	if req.AESKey != nil {
		app.AESKey = *req.AESKey
	}
	switch req.Format {
	case "":
	case "json", "xml":
		app.XML = req.Format == "xml"
	default:
		return app, errors.New("format must be json or xml")
	}
	return app, nil
}

func (s *Server) simPush(ctx context.Context, req controlRequest) (any, error) {
	u, err := s.User(req.AppID, req.User)
	if err != nil {
		return nil, err
	}
	settings, err := req.pushSettings(s.pushSettingsOf(u.app))
	if err != nil {
		return nil, err
	}
	return u.Push(ctx, settings, req.Message, time.Duration(req.Age), time.Duration(req.Interval))
}

func (s *Server) simPushURL(ctx context.Context, req controlRequest) (any, error) {
	s.mu.Lock()
	app, err := s.app(req.AppID)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	settings, err := req.pushSettings(s.pushSettingsOf(app))
	if err != nil {
		return nil, err
	}
	attempt, ok, err := (&User{server: s, app: app, AppID: app.ID}).CheckPushURL(ctx, settings)
	return struct {
		PushAttempt
		OK bool `json:"ok"`
	}{attempt, ok}, err
}

func (s *Server) simPrefetch(ctx context.Context, req controlRequest) (any, error) {
	u, err := s.User(req.AppID, req.User)
	if err != nil {
		return nil, err
	}
	return u.Prefetch(ctx, PrefetchCall{URL: req.URL, Path: req.Path, Query: req.Query, Scene: req.Scene, Token: req.Token, Code: req.Code})
}

func (s *Server) simAPISecurity(_ context.Context, req controlRequest) (any, error) {
	return s.SecureAPI(req.AppID, req.Algorithms, req.Paths...)
}

func (s *Server) simKillToken(_ context.Context, req controlRequest) (any, error) {
	if err := s.InvalidateToken(req.AppID, req.Silent); err != nil {
		return nil, err
	}
	return emptyResult()
}

func (s *Server) simFault(_ context.Context, req controlRequest) (any, error) {
	f := Fault{API: req.API, Times: req.Times, Delay: time.Duration(req.Delay), Drop: req.Drop, Status: req.Status, Body: req.Body, Errcode: req.Errcode}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return nil, errors.New("status must be 200 to 599")
	}
	s.AddFault(f)
	return emptyResult()
}

func (s *Server) simClearFaults(_ context.Context, _ controlRequest) (any, error) {
	s.ClearFaults()
	return emptyResult()
}

func (s *Server) simCalls(_ context.Context, _ controlRequest) (any, error) { return s.Calls(), nil }

// userEntry is a user in the response of /sim/users.
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
