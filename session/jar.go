package session

import (
	"context"
	"errors"
)

// Jar returns the cookies kept for one backend, nil where there are none. What
// can't be opened any more counts as none: cookies may always get lost.
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

// jarAttempts is how often a change is tried while others change the same jar.
const jarAttempts = 10

// ErrJarTooBig is of a jar over 64 KiB.
var ErrJarTooBig = errors.New("cookie jar is over 64 KiB")

// UpdateJar changes the cookies of one backend: change gets what is kept and
// gives what shall be, and may be called again when another request, here or
// on another instance, was faster. An empty result removes the jar, which
// otherwise is kept as long as the session. It returns ErrSessionEnded where the
// session does not exist, ErrJarTooBig, and change's own error.
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

// replaceJar is done unless the jar is no longer what it was.
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
