package wechat_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"wxgate/secret"
)

// fixedToken is a store that always has this token.
type fixedToken struct{ value secret.Text }

func (f fixedToken) Load(context.Context, string) (secret.Text, time.Time, error) {
	return f.value, time.Now().Add(time.Hour), nil
}
func (f fixedToken) Save(context.Context, string, secret.Text, time.Time) error { return nil }
func (f fixedToken) Lock(context.Context, string, time.Duration) (func(), bool, error) {
	return func() {}, true, nil
}

// sharedTokens is a store that several clients share, as instances share Redis.
type sharedTokens struct {
	now    func() time.Time
	away   atomic.Bool // every call fails
	late   func()      // called once, before the next lock is taken: what another instance does meanwhile
	loads  atomic.Int32
	mu     sync.Mutex
	tokens map[string]savedToken
	locks  map[string]time.Time
}

type savedToken struct {
	value   secret.Text
	expires time.Time
}

func newSharedTokens(now func() time.Time) *sharedTokens {
	return &sharedTokens{now: now, tokens: map[string]savedToken{}, locks: map[string]time.Time{}}
}

var errStoreAway = errors.New("store away")

func (s *sharedTokens) Load(_ context.Context, appid string) (secret.Text, time.Time, error) {
	s.loads.Add(1)
	if s.away.Load() {
		return "", time.Time{}, errStoreAway
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[appid]
	return t.value, t.expires, nil
}

func (s *sharedTokens) Save(_ context.Context, appid string, value secret.Text, expires time.Time) error {
	if s.away.Load() {
		return errStoreAway
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[appid] = savedToken{value, expires}
	return nil
}

func (s *sharedTokens) Lock(_ context.Context, name string, ttl time.Duration) (func(), bool, error) {
	if s.away.Load() {
		return nil, false, errStoreAway
	}
	s.meanwhile()
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

func (s *sharedTokens) meanwhile() {
	s.mu.Lock()
	late := s.late
	s.late = nil
	s.mu.Unlock()
	if late != nil {
		late()
	}
}
