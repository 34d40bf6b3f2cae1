package session

import (
	"context"
	"fmt"
)

// Profile is what a user states about themselves: untrusted text.
type Profile struct {
	Nickname  string `json:"w,omitempty"`
	AvatarURL string `json:"v,omitempty"`
}

// SetProfile stores the user's profile; an empty one is removed. It has a key of its
// own, since an avatar's URL is long.
func (s *Store) SetProfile(ctx context.Context, session *Session, profile Profile) error {
	tag, text := tagOf(session.ID), ""
	if profile != (Profile{}) {
		text = writeJSON(profile)
	}
	exists, err := s.redis.runInt(ctx, setProfileScript, []string{s.keys.user(tag), s.keys.profile(tag)}, text)
	if err == nil && exists == 0 {
		err = fmt.Errorf("%w: the user of the session is gone", ErrUnavailable)
	}
	return err
}

// Profile returns the user of a session, without the user's sessions.
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
