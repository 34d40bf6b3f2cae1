// Package session keeps who is logged in: sessions, the tokens that prove
// them, the users they belong to, and whatever must be shared by all instances
// of the gateway (login codes in use, access tokens, rate limits). It is the
// only place that knows Redis and its keys.
//
// Redis is authoritative. Each instance caches the sessions in use, is notified by
// publish/subscribe what happened to them, and queries Redis again when what it has
// is older than Config.CacheTTL. While Redis is unreachable, sessions confirmed within
// Config.StaleIfError go on working; nothing is ever reported as ended or absent
// because Redis could not be queried.
package session

import (
	"slices"
	"time"

	"wxgate/secret"
)

// Session is one login of one user on one device. It never changes once handed
// out: what changes comes as another Session with the same ID.
type Session struct {
	ID      string // 44 characters of [A-Za-z0-9_-], no secret: it may be logged
	AppID   string
	OpenID  string
	UnionID string    // empty where WeChat gave none
	UserID  string    // from the login hook, may be empty
	Phone   string    // the number with its country prefix as WeChat gave it, may be empty
	Roles   []string  // from the login hook, as long as the session lives; not to be changed by the reader
	EndsAt  time.Time // the absolute end: no use and no renewal moves it
	Web     *Web      // of a web page's session; nil: a mini program's
}

func (s *Session) equal(o *Session) bool {
	return s.ID == o.ID && s.AppID == o.AppID && s.OpenID == o.OpenID && s.UnionID == o.UnionID &&
		s.UserID == o.UserID && (s.Web == nil) == (o.Web == nil) && s.Phone == o.Phone && slices.Equal(s.Roles, o.Roles) && s.EndsAt.Equal(o.EndsAt)
}

// AuthResult is what a valid token proves: a live session, until the token ends.
type AuthResult struct {
	Session   Session   // its texts are shared with the cache; not to be changed
	ExpiresAt time.Time // of the token
	cached    *cachedSession
	token     tokenHash
}

// Token is a fresh token for the client.
type Token struct {
	Value            secret.Text
	ExpiresIn        time.Duration // of the token
	SessionExpiresIn time.Duration // until the session ends if it isn't used any more
}

// Cause says why a session ended. It is a metric label: one of these only.
type Cause string

// The causes. CauseExpired is counted by each instance that had the session cached.
const (
	CauseLogout    Cause = "logout"
	CauseLogoutAll Cause = "logout_all"
	CauseReplaced  Cause = "replaced" // max_per_user: a newer login took its place
	CauseAdmin     Cause = "admin"
	CauseBan       Cause = "ban"
	CauseExpired   Cause = "expired"
)

// Remaining is how long a session lasts if it isn't used any more: the idle
// time, or less where its absolute end is nearer.
func (s *Store) Remaining(session *Session) time.Duration {
	return min(s.config.Load().idleTimeout(session.Web != nil), session.EndsAt.Sub(s.now()))
}
