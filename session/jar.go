package session

import (
	"context"
)

// Jar gives the cookies kept for one backend, nil where there are none. What
// can't be opened any more counts as none: cookies may always get lost.
func (s *Store) Jar(ctx context.Context, session *Session, backend string) ([]byte, error) {
	var sealed []byte
	key := s.keys.jar(session.ID)
	err := s.redis.ask(ctx, "jar", key, func(ctx context.Context) (err error) {
		sealed, err = s.redis.HGet(ctx, key, backend).Bytes()
		return err
	})
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	data, err := s.config.Load().keys.open(sealJar, sealed, session.ID, session.AppID, session.OpenID, backend)
	if err != nil {
		return nil, nil
	}
	return data, nil
}

// SaveJar keeps the cookies of one backend as long as the session; none are
// kept for empty data. It returns ErrSessionEnded where the session is gone.
func (s *Store) SaveJar(ctx context.Context, session *Session, backend string, data []byte) error {
	var sealed []byte
	if len(data) > 0 {
		sealed = s.config.Load().keys.seal(sealJar, data, session.ID, session.AppID, session.OpenID, backend)
	}
	there, err := s.redis.runInt(ctx, saveJarScript, []string{s.keys.session(session.ID), s.keys.jar(session.ID)}, backend, sealed)
	if err == nil && there == 0 {
		err = ErrSessionEnded
	}
	return err
}
