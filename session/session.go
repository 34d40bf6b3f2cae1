// Package session stores who is logged in: sessions, the tokens that prove them, their
// users, and what all instances of the gateway share (login codes in use, access tokens,
// rate limits). No other package accesses Redis.
//
// Redis is authoritative. Each instance caches the sessions in use, is notified by
// publish/subscribe when they change, and loads a session again when its copy is older than
// Config.CacheTTL. While Redis is unreachable, sessions that it confirmed within
// Config.StaleIfError can still be used. Nothing is reported as ended or missing because
// Redis could not be queried.
package session

import (
	"slices"
	"time"

	"wxgate/secret"
)

// Session is one login of one user on one device. It is immutable: a change creates
// another Session with the same ID.
type Session struct {
	ID      string // 44 characters of [A-Za-z0-9_-]; not a secret: it may be logged
	AppID   string
	OpenID  string
	UnionID string    // empty if WeChat returned none
	UserID  string    // from the login hook, may be empty
	Phone   string    // Phone.Number, may be empty
	Roles   []string  // from the login hook, for the whole session; the reader must not change it
	EndsAt  time.Time // the absolute end, which neither use nor renewal extends
	Web     *Web      // set for a web session; nil: a mini program's session
}

func (s *Session) equal(o *Session) bool {
	return s.ID == o.ID && s.AppID == o.AppID && s.OpenID == o.OpenID && s.UnionID == o.UnionID &&
		s.UserID == o.UserID && (s.Web == nil) == (o.Web == nil) && s.Phone == o.Phone && slices.Equal(s.Roles, o.Roles) && s.EndsAt.Equal(o.EndsAt)
}

// AuthResult is the result of verifying a token: its session, which had not ended.
type AuthResult struct {
	Session   Session   // shares memory with the cache: must not be changed
	ExpiresAt time.Time // of the token
	cached    *cachedSession
	token     tokenHash
}

// Token is a new token for the client.
type Token struct {
	Value            secret.Text
	ExpiresIn        time.Duration // of the token
	SessionExpiresIn time.Duration // until the session ends if it isn't used again
}

// Cause is the reason why a session ended. It is a metric label: these values only.
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

// Remaining returns how long the session lasts if it isn't used again.
func (s *Store) Remaining(session *Session) time.Duration {
	return min(s.config.Load().idleTimeout(session.Web != nil), session.EndsAt.Sub(s.now()))
}
