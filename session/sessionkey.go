package session

import (
	"context"
	"fmt"
	"slices"

	"wxgate/secret"
)

// SessionKey gives WeChat's session_key of a session. It returns
// ErrSessionEnded where the session is gone, and ErrNotFound where the key was
// sealed under secrets that are no longer given.
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

// LatestSessionKey gives the session_key of the user's newest session, which
// is the one that WeChat holds valid; ErrNotFound where he has none.
func (s *Store) LatestSessionKey(ctx context.Context, appid, openid string) (secret.Text, error) {
	u, err := s.loadUser(ctx, userTag(appid, openid))
	if err != nil {
		return "", err
	}
	for _, info := range slices.Backward(u.Sessions) {
		if sealed := u.sessionKeys[info.ID]; sealed != "" {
			return s.openSessionKey(ctx, &Session{ID: info.ID, AppID: appid, OpenID: openid}, sealed)
		}
	}
	return "", ErrNotFound
}

// sealSessionKey encrypts a session_key for one session of one user: it can be
// opened as nothing else.
func (c *activeConfig) sealSessionKey(session *Session, key secret.Text) []byte {
	return c.keys.seal(sessionKeyPurpose, []byte(key.Reveal()), session.ID, session.AppID, session.OpenID)
}

// openSessionKey opens a sealed session_key, and seals it anew where another secret
// than the first did.
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
