package session

import (
	"context"
	"fmt"

	"wxgate/secret"
)

// SessionKey gives WeChat's session_key of a session. It returns
// ErrSessionEnded where the session is gone, and ErrNotFound where the key was
// sealed under secrets that are no longer given.
func (s *Store) SessionKey(ctx context.Context, session *Session) (secret.Text, error) {
	var sealed string
	key := s.keys.session(session.ID)
	err := s.redis.ask(ctx, "session_key", key, func(ctx context.Context) (err error) {
		sealed, err = s.redis.HGet(ctx, key, "k").Result()
		return err
	})
	if absent(err) {
		return "", ErrSessionEnded
	}
	if err != nil {
		return "", err
	}
	return s.openKey(ctx, session, sealed)
}

// LatestSessionKey gives the session_key of the user's newest session, which
// is the one that WeChat holds valid; ErrNotFound where he has none.
func (s *Store) LatestSessionKey(ctx context.Context, appid, openid string) (secret.Text, error) {
	tag := userTag(appid, openid)
	answer, err := s.redis.runList(ctx, latestScript, []string{s.keys.user(tag)}, s.keys.sessions(tag))
	if err != nil {
		return "", err
	}
	r := reply(answer)
	if len(r) == 0 {
		return "", ErrNotFound
	}
	return s.openKey(ctx, &Session{ID: tag + r.text(0), AppID: appid, OpenID: openid}, r.text(1))
}

// openKey opens a sealed session_key, and seals it anew where another secret
// than the first did.
func (s *Store) openKey(ctx context.Context, session *Session, sealed string) (secret.Text, error) {
	c := s.config.Load()
	bind := []string{session.ID, session.AppID, session.OpenID}
	text, err := c.keys.open(sealSessionKey, []byte(sealed), bind...)
	if err != nil {
		return "", fmt.Errorf("session_key: %w: %w", ErrNotFound, err)
	}
	if !c.keys.current([]byte(sealed)) {
		fresh := c.keys.seal(sealSessionKey, text, bind...)
		if _, err := s.redis.runInt(ctx, resealScript, []string{s.keys.session(session.ID)}, sealed, fresh); err == nil {
			s.metrics.resealed.Inc()
		}
	}
	return secret.Text(text), nil
}
