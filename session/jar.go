package session

import (
	"context"
	"errors"
)

// Jar returns the cookies stored for one backend; nil if there are none, or if they
// can't be decrypted any more: cookies may be lost at any time.
func (s *Store) Jar(ctx context.Context, session *Session, backend string) ([]byte, error) {
	data, _, err := s.jar(ctx, session, backend)
	return data, err
}

func (s *Store) jar(ctx context.Context, session *Session, backend string) (data, sealed []byte, err error) {
	key, field := s.keys.jars(tagOf(session.ID)), rawOf(session.ID)+backend
	err = s.redis.do(ctx, "jar", key, func(ctx context.Context) (err error) {
		sealed, err = s.redis.HGet(ctx, key, field).Bytes()
		return err
	})
	if isMissing(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	data, err = s.config.Load().keys.open(jarPurpose, sealed, session.ID, session.AppID, session.OpenID, backend)
	if err != nil {
		data = nil
	}
	return data, sealed, nil
}

// maxJar bounds one backend's cookies of one session, in bytes.
const maxJar = 64 << 10

// jarAttempts bounds how often a change is tried while other requests change the same
// jar.
const jarAttempts = 10

// ErrJarTooBig is returned for a jar of more than 64 KiB.
var ErrJarTooBig = errors.New("cookie jar is over 64 KiB")

// UpdateJar changes the cookies of one backend. change gets the stored cookies and
// returns the new ones; it is called again if another request, on this or another
// instance, has changed the jar meanwhile. An empty result removes the jar, which
// otherwise is stored as long as the session. It returns ErrSessionEnded if the
// session doesn't exist, ErrJarTooBig, or change's error.
func (s *Store) UpdateJar(ctx context.Context, session *Session, backend string, change func(old []byte) ([]byte, error)) error {
	for range jarAttempts {
		old, sealed, err := s.jar(ctx, session, backend)
		if err != nil {
			return err
		}
		data, err := change(old)
		if err != nil {
			return err
		}
		if done, err := s.replaceJar(ctx, session, backend, sealed, data); done || err != nil {
			return err
		}
	}
	return unavailable("save_jar", errors.New("the jar changes too often"))
}

// replaceJar stores the new jar. done is false if another request has changed it
// meanwhile.
func (s *Store) replaceJar(ctx context.Context, session *Session, backend string, was, data []byte) (done bool, err error) {
	if len(data) > maxJar {
		return false, ErrJarTooBig
	}
	var sealed []byte
	if len(data) > 0 {
		sealed = s.config.Load().keys.seal(jarPurpose, data, session.ID, session.AppID, session.OpenID, backend)
	}
	tag, raw := tagOf(session.ID), rawOf(session.ID)
	result, err := s.redis.run(ctx, saveJarScript, []string{s.keys.sessions(tag), s.keys.jars(tag)}, raw, raw+backend, was, sealed)
	if err == nil && result == "ended" {
		err = ErrSessionEnded
	}
	return result == "done", err
}
