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
	u, err := s.loadUser(ctx, userTag(appid, openid))
	if err != nil {
		return User{}, err
	}
	if u.OpenID == "" {
		return User{}, ErrNotFound
	}
	if u.AppID != appid || u.OpenID != openid {
		return User{}, errMismatch
	}
	return u.User, nil
}

// storedUser is a user as Redis has him.
type storedUser struct {
	User
	sessionKeys map[string]string // by session id, sealed
}

// loadUser reads a user by his tag. He is empty where there is none.
func (s *Store) loadUser(ctx context.Context, tag string) (storedUser, error) {
	answer, err := s.redis.runList(ctx, loadUserScript, []string{s.keys.user(tag), s.keys.sessions(tag), s.keys.profile(tag)})
	if err != nil {
		return storedUser{}, err
	}
	r := reply(answer)
	fields := pairs(r.list(0))
	if fields["o"] == "" {
		return storedUser{}, nil
	}
	if userTag(fields["a"], fields["o"]) != tag {
		return storedUser{}, errMismatch
	}
	u := storedUser{}
	if u.User, err = s.readUser(tag, fields); err != nil {
		return storedUser{}, err
	}
	if err := readJSON(r.text(2), &u.Profile); err != nil {
		return storedUser{}, fmt.Errorf("%w: profile: %w", ErrUnavailable, err)
	}
	return u, s.readUserSessions(ctx, &u, tag, pairs(r.list(1)))
}

func pairs(list reply) map[string]string {
	m := make(map[string]string, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		m[list.text(i)] = list.text(i + 1)
	}
	return m
}

func (s *Store) readUser(tag string, f map[string]string) (User, error) {
	r := s.records(s.keys.user(tag))
	u := User{
		AppID: f["a"], OpenID: f["o"], UnionID: r.text("n", f["n"]), UserID: r.text("i", f["i"]),
		FirstLogin: millisText(f["f"]), LastLogin: millisText(f["l"]),
	}
	if ban := s.readBan(r, f["b"]); ban.inForce(s.now()) {
		u.Ban = ban
	}
	var err error
	u.Phone, err = parsePhone(r.text("p", f["p"]))
	if err = errors.Join(err, readJSON(r.text("r", f["r"]), &u.Roles)); err != nil {
		return User{}, fmt.Errorf("%w: user: %w", ErrUnavailable, err)
	}
	s.resign(r.outdated)
	return u, nil
}

// readUserSessions leaves out what has run out and what all sessions of the app
// have ended with.
func (s *Store) readUserSessions(ctx context.Context, u *storedUser, tag string, fields map[string]string) error {
	r := s.records(s.keys.sessions(tag))
	u.sessionKeys = map[string]string{}
	appEnd, err := s.appEnd(ctx, u.AppID)
	if err != nil {
		return err
	}
	for name, stored := range fields {
		if len(name) != rawLength+1 || name[rawLength] != 's' {
			continue
		}
		raw := name[:rawLength]
		life, ok := readLifetime(r.text(name, stored))
		use := readLastUse(fields[raw+"l"])
		if !ok || life.created <= appEnd || !s.now().Before(s.idleEnd(use.seen, life.ends)) {
			continue
		}
		sid := tag + textHalf(raw)
		u.sessionKeys[sid] = fields[raw+"k"]
		u.Sessions = append(u.Sessions, Info{sid, u.AppID, u.OpenID, time.UnixMilli(life.created), use.seen, life.ends})
	}
	slices.SortFunc(u.Sessions, func(a, b Info) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return nil
}

// millisText reads a time as it is kept; none and 0 are the zero time.
func millisText(text string) time.Time {
	n, _ := strconv.ParseInt(text, 10, 64)
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n)
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// Info gives one session, or ErrNotFound.
func (s *Store) Info(ctx context.Context, sid string) (Info, error) {
	if !validSID(sid) {
		return Info{}, ErrNotFound
	}
	r, err := s.load(ctx, sid, "")
	if err == nil {
		err = s.checkApp(ctx, r)
	}
	if errors.Is(err, ErrSessionEnded) {
		return Info{}, ErrNotFound
	}
	if err != nil {
		return Info{}, err
	}
	return Info{sid, r.session.AppID, r.session.OpenID, time.UnixMilli(r.created), r.lastSeen, r.session.EndsAt}, nil
}
