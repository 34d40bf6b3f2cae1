package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// User is what is stored of a user, also after the end of all sessions.
type User struct {
	AppID      string
	OpenID     string
	UnionID    string
	UserID     string   // from the login hook's last response
	Roles      []string // likewise
	Phone      Phone    // zero: unknown
	Profile    Profile
	FirstLogin time.Time // zero: banned before the first login
	LastLogin  time.Time
	Ban        *Ban // nil: not banned
	Sessions   []Info
}

// Info describes a session, without its secrets.
type Info struct {
	ID        string
	AppID     string
	OpenID    string
	CreatedAt time.Time
	LastSeen  time.Time // up to a minute too early
	EndsAt    time.Time // the absolute end
	ParentID  string    // of a web session: the session that it was opened from
}

// User returns a user with all sessions, oldest first, or ErrNotFound.
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

// storedUser is a user as loaded from Redis.
type storedUser struct {
	User
	sessionKeys map[string]string // by session id, sealed
}

// loadUser loads a user by tag; a zero user if there is none.
func (s *Store) loadUser(ctx context.Context, tag string) (storedUser, error) {
	result, err := s.redis.runList(ctx, loadUserScript, []string{s.keys.user(tag), s.keys.sessions(tag), s.keys.profile(tag)})
	if err != nil {
		return storedUser{}, err
	}
	r := reply(result)
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
	r := s.signedFields(s.keys.user(tag))
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
	s.signAgain(r.outdated)
	return u, nil
}

// readUserSessions reads the sessions, except those that have expired or were ended
// with all sessions of the app.
func (s *Store) readUserSessions(ctx context.Context, u *storedUser, tag string, fields map[string]string) error {
	r := s.signedFields(s.keys.sessions(tag))
	u.sessionKeys = map[string]string{}
	appEnd, err := s.appEnd(ctx, u.AppID)
	if err != nil {
		return err
	}
	for name, stored := range fields {
		if len(name) != rawLength+1 {
			continue
		}
		raw, kind := name[:rawLength], name[rawLength]
		page := ""
		switch kind {
		case 'w':
			page = stored
		case 's':
		default:
			continue
		}
		if info, ok := s.readInfo(r, raw, page, fields, appEnd); ok {
			info.ID, info.AppID, info.OpenID = tag+textHalf(raw), u.AppID, u.OpenID
			if info.ParentID != "" {
				info.ParentID = tag + textHalf(info.ParentID)
			}
			u.sessionKeys[info.ID] = fields[raw+"k"]
			u.Sessions = append(u.Sessions, info)
		}
	}
	slices.SortFunc(u.Sessions, func(a, b Info) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return nil
}

// readInfo reads one session; page is the parent field of a web session. It returns
// false if the session has ended. ParentID is only the random half of the parent's id.
func (s *Store) readInfo(r *signedFields, raw, page string, fields map[string]string, appEnd int64) (Info, bool) {
	owner, ok := r.owner(raw, page)
	life, found := readLifetime(r.text(owner+"s", fields[owner+"s"]))
	use := readLastUse(fields[raw+"l"])
	if !ok || !found || life.created <= appEnd || !s.now().Before(s.idleEnd(page != "", use.seen, life.ends)) {
		return Info{}, false
	}
	info := Info{CreatedAt: time.UnixMilli(life.created), LastSeen: use.seen, EndsAt: life.ends}
	if page != "" {
		info.ParentID = owner
	}
	return info, true
}

// millisText parses a stored time; the zero time for "" and "0".
func millisText(text string) time.Time {
	n, _ := strconv.ParseInt(text, 10, 64)
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n)
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// Info returns one session, or ErrNotFound.
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
	info := Info{ID: sid, AppID: r.session.AppID, OpenID: r.session.OpenID, CreatedAt: time.UnixMilli(r.created), LastSeen: r.lastSeen, EndsAt: r.session.EndsAt}
	if r.session.Web != nil {
		info.ParentID = r.session.Web.ParentID
	}
	return info, nil
}
