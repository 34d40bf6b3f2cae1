package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// User is what is known of a user, kept when his sessions are gone.
type User struct {
	AppID      string
	OpenID     string
	UnionID    string
	UserID     string   // of the login hook, at the latest login that it was asked for
	Roles      []string // likewise
	Phone      Phone    // zero: not known
	Profile    Profile
	FirstLogin time.Time // zero: banned before he ever came
	LastLogin  time.Time
	Ban        *Ban // nil: not banned
	Sessions   []Info
}

// Info is a session seen from outside.
type Info struct {
	ID        string
	AppID     string
	OpenID    string
	CreatedAt time.Time
	LastSeen  time.Time // up to a minute behind
	EndsAt    time.Time // the absolute end
}

// User gives a user with his sessions, oldest first, or ErrNotFound.
func (s *Store) User(ctx context.Context, appid, openid string) (User, error) {
	tag := userTag(appid, openid)
	answer, err := s.redis.runList(ctx, loadUserScript, []string{s.keys.user(tag)}, s.keys.sessions(tag))
	if err != nil {
		return User{}, err
	}
	fields := pairs(reply(answer).list(0))
	if fields["o"] == "" {
		return User{}, ErrNotFound
	}
	if fields["a"] != appid || fields["o"] != openid {
		return User{}, errMismatch
	}
	u, err := readUser(fields, s.now())
	for _, row := range reply(answer).list(1) {
		r, _ := row.([]any)
		u.Sessions = append(u.Sessions, readInfo(u, tag, r))
	}
	slices.SortFunc(u.Sessions, func(a, b Info) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return u, err
}

func pairs(list reply) map[string]string {
	m := make(map[string]string, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		m[list.text(i)] = list.text(i + 1)
	}
	return m
}

func readUser(f map[string]string, now time.Time) (User, error) {
	u := User{
		AppID: f["a"], OpenID: f["o"], UnionID: f["n"], UserID: f["i"],
		Profile:    Profile{Nickname: f["w"], AvatarURL: f["v"]},
		FirstLogin: millisText(f["f"]), LastLogin: millisText(f["l"]),
	}
	if until, banned := f["b"]; banned {
		ban := Ban{Reason: f["B"], Until: millisText(until)}
		if ban.Until.IsZero() || now.Before(ban.Until) {
			u.Ban = &ban
		}
	}
	if err := errors.Join(readJSON(f["r"], &u.Roles), readJSON(f["p"], &u.Phone)); err != nil {
		return User{}, fmt.Errorf("%w: user: %w", ErrUnavailable, err)
	}
	return u, nil
}

func readInfo(u User, tag string, r reply) Info {
	return Info{
		ID: tag + r.text(0), AppID: u.AppID, OpenID: u.OpenID,
		CreatedAt: r.millis(1), EndsAt: r.millis(2), LastSeen: r.millis(3),
	}
}

// millisText reads a time as it is kept; none and 0 are the zero time.
func millisText(text string) time.Time {
	n, _ := strconv.ParseInt(text, 10, 64)
	return banEnd(n)
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// Info gives one session, or ErrNotFound.
func (s *Store) Info(ctx context.Context, sid string) (Info, error) {
	if !validSID(sid) {
		return Info{}, ErrNotFound
	}
	a, err := s.load(ctx, sid, "")
	if errors.Is(err, ErrSessionEnded) {
		return Info{}, ErrNotFound
	}
	if err != nil {
		return Info{}, err
	}
	return Info{sid, a.session.AppID, a.session.OpenID, a.created, a.lastSeen, a.session.EndsAt}, nil
}

// Profile gives the user of a session, without his sessions.
func (s *Store) Profile(ctx context.Context, session *Session) (User, error) {
	var fields map[string]string
	key := s.keys.ofUser(session.ID)
	err := s.redis.do(ctx, "profile", key, func(ctx context.Context) (err error) {
		fields, err = s.redis.HGetAll(ctx, key).Result()
		return err
	})
	if err != nil {
		return User{}, err
	}
	if fields["a"] != session.AppID || fields["o"] != session.OpenID {
		return User{}, fmt.Errorf("%w: the user of the session is gone", ErrUnavailable)
	}
	return readUser(fields, s.now())
}

// SetPhone keeps the user's number. His sessions know it from their next
// request on, on every instance.
func (s *Store) SetPhone(ctx context.Context, session *Session, phone Phone) error {
	return s.change(ctx, session, "p", writeJSON(phone))
}

// SetProfile keeps what the user tells of himself; an empty field is removed.
func (s *Store) SetProfile(ctx context.Context, session *Session, profile Profile) error {
	return s.change(ctx, session, "w", profile.Nickname, "v", profile.AvatarURL)
}

func (s *Store) change(ctx context.Context, session *Session, fields ...any) error {
	tag := session.ID[:halfLength]
	answer, err := s.redis.runList(ctx, updateUserScript, []string{s.keys.user(tag)}, append([]any{tag, s.keys.events()}, fields...)...)
	if err != nil {
		return err
	}
	if reply(answer).number(0) == 0 {
		return fmt.Errorf("%w: the user of the session is gone", ErrUnavailable)
	}
	s.event(reply(answer).text(1)) // here at once, subscribed or not
	return nil
}
