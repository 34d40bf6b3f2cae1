package wechat

import (
	"context"
	"sync"
	"time"

	"wxgate/secret"
)

// TokenStore shares access tokens between the instances of a gateway.
type TokenStore interface {
	// Load returns the token that was saved last and its expiry; an empty token: none.
	Load(ctx context.Context, appid string) (token secret.Text, expires time.Time, err error)
	// Save replaces the token and its expiry.
	Save(ctx context.Context, appid string, token secret.Text, expires time.Time) error
	// Lock acquires the lock of that name, which is an appid or an appid with a suffix;
	// ok is false while another instance has it. It ends with unlock, or after ttl.
	Lock(ctx context.Context, name string, ttl time.Duration) (unlock func(), ok bool, err error)
}

// memoryTokenStore is a TokenStore in the memory of this process.
type memoryTokenStore struct {
	now    func() time.Time
	mu     sync.Mutex
	tokens map[string]token
	locks  map[string]time.Time // when they expire
}

func newMemoryTokenStore(now func() time.Time) *memoryTokenStore {
	return &memoryTokenStore{now: now, tokens: map[string]token{}, locks: map[string]time.Time{}}
}

func (m *memoryTokenStore) Load(_ context.Context, appid string) (secret.Text, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tokens[appid]
	return t.value, t.expires, nil
}

func (m *memoryTokenStore) Save(_ context.Context, appid string, value secret.Text, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens[appid] = token{value, expires}
	return nil
}

func (m *memoryTokenStore) Lock(_ context.Context, name string, ttl time.Duration) (func(), bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	until := m.now().Add(ttl)
	if m.now().Before(m.locks[name]) {
		return nil, false, nil
	}
	m.locks[name] = until
	return func() { m.unlock(name, until) }, true, nil
}

// unlock releases the lock, unless it expired and was acquired again.
func (m *memoryTokenStore) unlock(name string, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locks[name].Equal(until) {
		delete(m.locks, name)
	}
}
