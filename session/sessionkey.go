package session

import (
	"context"
	"fmt"
	"slices"

	"wxgate/secret"
)

// SessionKey returns WeChat's session_key of a session. It returns ErrSessionEnded if
// the session doesn't exist, and ErrNotFound if the key was sealed with a secret that
// is no longer configured.
func (s *Store) SessionKey(ctx context.Context, session *Session) (secret.Text, error) {
	var sealed string
	key, field := s.keys.sessions(tagOf(session.ID)), rawOf(session.ID)+"k"
	err := s.redis.do(ctx, "session_key", key, func(ctx context.Context) (err error) {
		sealed, err = s.redis.HGet(ctx, key, field).Result()
		return err
	})
	if isMissing(err) {
		return "", ErrSessionEnded
	}
	if err != nil {
		return "", err
	}
	return s.openSessionKey(ctx, session, sealed)
}

// LatestSessionKey returns the session_key of the user's newest session, which is the
// one that WeChat considers valid; ErrNotFound if there is none.
func (s *Store) LatestSessionKey(ctx context.Context, appid, openid string) (secret.Text, error) {
	u, err := s.loadUser(ctx, userTag(appid, openid))
	if err != nil {
		return "", err
	}
	holder, sealed := u.latestSessionKey()
	if holder == nil {
		return "", ErrNotFound
	}
	return s.openSessionKey(ctx, holder, sealed)
}

// latestSessionKey returns the newest session that has a session_key, and the sealed
// key; nil if there is none.
func (u *storedUser) latestSessionKey() (holder *Session, sealed string) {
	for _, info := range slices.Backward(u.Sessions) {
		if sealed := u.sessionKeys[info.ID]; sealed != "" {
			return &Session{ID: info.ID, AppID: info.AppID, OpenID: info.OpenID}, sealed
		}
	}
	return nil, ""
}

// ReplaceSessionKey calls replace with the key that LatestSessionKey returns, and
// stores the result in its place. If the session has ended meanwhile, or has another
// key, nothing is stored. It returns replace's error, and ErrNotFound if there is no
// key.
func (s *Store) ReplaceSessionKey(ctx context.Context, appid, openid string, replace func(context.Context, secret.Text) (secret.Text, error)) error {
	u, err := s.loadUser(ctx, userTag(appid, openid))
	if err != nil {
		return err
	}
	holder, sealed := u.latestSessionKey()
	if holder == nil {
		return ErrNotFound
	}
	c := s.config.Load()
	key, err := c.keys.open(sessionKeyPurpose, []byte(sealed), holder.ID, appid, openid)
	if err != nil {
		return fmt.Errorf("session_key: %w: %w", ErrNotFound, err)
	}
	fresh, err := replace(ctx, secret.Text(key))
	if err != nil {
		return err
	}
	keys := []string{s.keys.sessions(tagOf(holder.ID))}
	_, err = s.redis.runInt(ctx, replaceFieldScript, keys, rawOf(holder.ID)+"k", sealed, c.sealSessionKey(holder, fresh))
	return err
}

// sealSessionKey encrypts a session_key, bound to one session of one user.
func (c *activeConfig) sealSessionKey(session *Session, key secret.Text) []byte {
	return c.keys.seal(sessionKeyPurpose, []byte(key.Reveal()), session.ID, session.AppID, session.OpenID)
}

// openSessionKey decrypts a session_key. If it was not sealed with the first secret,
// it is sealed again and stored.
func (s *Store) openSessionKey(ctx context.Context, session *Session, sealed string) (secret.Text, error) {
	c := s.config.Load()
	text, err := c.keys.open(sessionKeyPurpose, []byte(sealed), session.ID, session.AppID, session.OpenID)
	if err != nil {
		return "", fmt.Errorf("session_key: %w: %w", ErrNotFound, err)
	}
	if !c.keys.current([]byte(sealed)) {
		fresh := c.sealSessionKey(session, secret.Text(text))
		if _, err := s.redis.runInt(ctx, replaceFieldScript, []string{s.keys.sessions(tagOf(session.ID))}, rawOf(session.ID)+"k", sealed, fresh); err == nil {
			s.metrics.resealed.Inc()
		}
	}
	return secret.Text(text), nil
}
