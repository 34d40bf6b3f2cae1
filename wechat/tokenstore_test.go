package wechat_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"wxgate/secret"
)

// fixedToken is a TokenStore with this token.
type fixedToken struct{ value secret.Text }

func (f fixedToken) Load(context.Context, string) (secret.Text, time.Time, error) {
	return f.value, time.Now().Add(time.Hour), nil
}
func (f fixedToken) Save(context.Context, string, secret.Text, time.Time) error { return nil }
func (f fixedToken) Lock(context.Context, string, time.Duration) (func(), bool, error) {
	return func() {}, true, nil
}

// sharedTokens is a TokenStore that several clients share, as instances share Redis.
type sharedTokens struct {
	now        func() time.Time
	failing    atomic.Bool // every call fails
	beforeLock func()      // called once, before the next lock: what another instance does then
	loads      atomic.Int32
	mu         sync.Mutex
	tokens     map[string]savedToken
	locks      map[string]time.Time
}

type savedToken struct {
	value   secret.Text
	expires time.Time
}

func newSharedTokens(now func() time.Time) *sharedTokens {
	return &sharedTokens{now: now, tokens: map[string]savedToken{}, locks: map[string]time.Time{}}
}

var errStoreFailed = errors.New("the store fails")

func (s *sharedTokens) Load(_ context.Context, appid string) (secret.Text, time.Time, error) {
	s.loads.Add(1)
	if s.failing.Load() {
		return "", time.Time{}, errStoreFailed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[appid]
	return t.value, t.expires, nil
}

func (s *sharedTokens) Save(_ context.Context, appid string, value secret.Text, expires time.Time) error {
	if s.failing.Load() {
		return errStoreFailed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[appid] = savedToken{value, expires}
	return nil
}

func (s *sharedTokens) Lock(_ context.Context, name string, ttl time.Duration) (func(), bool, error) {
	if s.failing.Load() {
		return nil, false, errStoreFailed
	}
	s.runBeforeLock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now().Before(s.locks[name]) {
		return nil, false, nil
	}
	s.locks[name] = s.now().Add(ttl)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.locks, name)
	}, true, nil
}

func (s *sharedTokens) runBeforeLock() {
	s.mu.Lock()
	f := s.beforeLock
	s.beforeLock = nil
	s.mu.Unlock()
	if f != nil {
		f()
	}
}
