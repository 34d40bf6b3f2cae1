package session

import (
	"context"
	"encoding/binary"
	"time"

	"wxgate/secret"
)

// AccessTokens stores the apps' access tokens in Redis, sealed, for all instances.
type AccessTokens struct{ store *Store }

// AccessTokens returns the store of access tokens.
func (s *Store) AccessTokens() *AccessTokens { return &AccessTokens{s} }

// Load returns the token of an app; an empty one if there is none.
func (a *AccessTokens) Load(ctx context.Context, appid string) (token secret.Text, expires time.Time, err error) {
	s := a.store
	var sealed []byte
	key := s.keys.accessToken(appid)
	err = s.redis.do(ctx, "access_token", key, func(ctx context.Context) (err error) {
		sealed, err = s.redis.Get(ctx, key).Bytes()
		return err
	})
	if isMissing(err) {
		return "", time.Time{}, nil
	}
	if err != nil {
		return "", time.Time{}, err
	}
	text, err := s.config.Load().keys.open(accessTokenPurpose, sealed, appid)
	if err != nil || len(text) < 8 {
		return "", time.Time{}, nil // sealed under a secret that is no longer configured: the same as none
	}
	return secret.Text(text[8:]), time.UnixMilli(int64(binary.BigEndian.Uint64(text))), nil
}

// Save stores a token until it expires.
func (a *AccessTokens) Save(ctx context.Context, appid string, token secret.Text, expires time.Time) error {
	s := a.store
	text := binary.BigEndian.AppendUint64(nil, uint64(expires.UnixMilli()))
	text = append(text, token.Reveal()...)
	sealed := s.config.Load().keys.seal(accessTokenPurpose, text, appid)
	key := s.keys.accessToken(appid)
	return s.redis.do(ctx, "access_token", key, func(ctx context.Context) error {
		return s.redis.Set(ctx, key, sealed, max(expires.Sub(s.now()), time.Millisecond)).Err()
	})
}

// Lock acquires the lock under which one instance at a time refreshes an app's token.
// It is held for ttl at most. ok is false if another caller holds it. unlock releases
// it if it is still held.
func (a *AccessTokens) Lock(ctx context.Context, appid string, ttl time.Duration) (unlock func(), ok bool, err error) {
	s := a.store
	keys, claimant := []string{s.keys.tokenLock(appid)}, newID()
	acquired, err := s.redis.runInt(ctx, acquireLockScript, keys, claimant, ttl.Milliseconds())
	if err != nil || acquired == 0 {
		return func() {}, false, err
	}
	return func() {
		releaseCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sharedTimeout)
		defer cancel()
		_, _ = s.redis.runInt(releaseCtx, releaseLockScript, keys, claimant) // if this fails, the lock expires
	}, true, nil
}
