package session

import (
	"context"
	"fmt"
)

// Profile is what users state about themselves. It is untrusted text.
type Profile struct {
	Nickname  string `json:"w,omitempty"`
	AvatarURL string `json:"v,omitempty"`
}

// SetProfile keeps what the user states; an empty profile is removed.
// It lies under a key of its own, since an avatar's URL is long.
func (s *Store) SetProfile(ctx context.Context, session *Session, profile Profile) error {
	tag, text := tagOf(session.ID), ""
	if profile != (Profile{}) {
		text = writeJSON(profile)
	}
	there, err := s.redis.runInt(ctx, setProfileScript, []string{s.keys.user(tag), s.keys.profile(tag)}, text)
	if err == nil && there == 0 {
		err = fmt.Errorf("%w: the user of the session is gone", ErrUnavailable)
	}
	return err
}

// Profile returns the user of a session, without his sessions.
func (s *Store) Profile(ctx context.Context, session *Session) (User, error) {
	u, err := s.loadUser(ctx, tagOf(session.ID))
	if err != nil {
		return User{}, err
	}
	if u.AppID != session.AppID || u.OpenID != session.OpenID {
		return User{}, fmt.Errorf("%w: the user of the session is gone", ErrUnavailable)
	}
	u.Sessions = nil
	return u.User, nil
}
