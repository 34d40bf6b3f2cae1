package wechat

import (
	"context"
	"sync"
	"time"

	"wxgate/secret"
)

// TokenStore shares access tokens between the instances of a gateway. Names are
// appids, or an appid with a suffix for a lock of another kind.
type TokenStore interface {
	// Load gives the token last saved and when it ends; an empty one: none.
	Load(ctx context.Context, appid string) (token secret.Text, expires time.Time, err error)
	Save(ctx context.Context, appid string, token secret.Text, expires time.Time) error
	// Lock takes the lock of that name unless somebody holds it. It is given back
	// by unlock, or by itself after ttl.
	Lock(ctx context.Context, name string, ttl time.Duration) (unlock func(), ok bool, err error)
}

// memoryTokens is the TokenStore of a single process.
type memoryTokens struct {
	now    func() time.Time
	mu     sync.Mutex
	tokens map[string]token
	locks  map[string]time.Time // until when they are held
}

func newMemoryTokens(now func() time.Time) *memoryTokens {
	return &memoryTokens{now: now, tokens: map[string]token{}, locks: map[string]time.Time{}}
}

func (m *memoryTokens) Load(_ context.Context, appid string) (secret.Text, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tokens[appid]
	return t.value, t.expires, nil
}

func (m *memoryTokens) Save(_ context.Context, appid string, value secret.Text, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens[appid] = token{value, expires}
	return nil
}

func (m *memoryTokens) Lock(_ context.Context, name string, ttl time.Duration) (func(), bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	until := m.now().Add(ttl)
	if m.now().Before(m.locks[name]) {
		return nil, false, nil
	}
	m.locks[name] = until
	return func() { m.unlock(name, until) }, true, nil
}

// unlock leaves a lock alone that ran out and was taken by another since.
func (m *memoryTokens) unlock(name string, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locks[name].Equal(until) {
		delete(m.locks, name)
	}
}
