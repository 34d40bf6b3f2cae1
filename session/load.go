package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unique"
)

// found is a session as Redis has it.
type storedSession struct {
	session   *Session
	created   time.Time
	lastSeen  time.Time // the last use, as far as written
	tokenEnd  int64     // of the newest token, Unix seconds
	opaqueEnd int64     // of the opaque token asked for; 0: there is none
}

// What Redis can say of a session that it doesn't have.
//
// ErrSessionEnded: the user is there and the session isn't, so it was ended or
// ran out. errDataLost: not even the user is there. Users are kept for good, so the
// data itself is gone: a Redis restarted empty, flushed, or failed over to a
// node that held nothing. That is a fault, not an end: a cached session confirmed
// within StaleIfError goes on, which keeps clients from all logging in at once and
// leaves time to restore the data; one that isn't cached has ended, since
// nothing but a login can help it. A node that is not (or not yet) the master
// answers neither: the script writes before it says no, and fails there.
var errDataLost = fmt.Errorf("%w: the store has lost its data", ErrSessionEnded)

// errMismatch is an reply to another question, which a broken connection or
// a proxy may give. It must never become an identity.
var errMismatch = fmt.Errorf("%w: reply of another session", ErrUnavailable)

// load asks Redis for a session; field is an opaque token's, or empty.
func (s *Store) load(ctx context.Context, sid, field string) (storedSession, error) {
	answer, err := s.redis.runList(ctx, loadSessionScript, []string{s.keys.session(sid), s.keys.ofUser(sid)}, loadArgs(sid, field)...)
	if err != nil {
		return storedSession{}, err
	}
	return readStoredSession(sid, answer)
}

func loadArgs(sid, field string) []any { return []any{sid, sid[halfLength:], field} }

func readStoredSession(sid string, answer []any) (storedSession, error) {
	r := reply(answer)
	if r.text(0) != sid {
		return storedSession{}, errMismatch
	}
	switch r.text(1) {
	case "found":
		return readSession(sid, r)
	case "ended":
		return storedSession{}, ErrSessionEnded
	case "lost":
		return storedSession{}, errDataLost
	}
	return storedSession{}, unavailable("load", errUnexpectedReply)
}

// readSession takes the fields in the order of load_session.lua. The user's names must
// be those that the id was made of: an openid can't come from anywhere else.
func readSession(sid string, r reply) (storedSession, error) {
	s := &Session{
		ID: r.text(0), AppID: unique.Make(r.text(9)).Value(), OpenID: r.text(10), UnionID: r.text(11),
		UserID: r.text(6), EndsAt: r.millis(3),
	}
	if userTag(s.AppID, s.OpenID) != sid[:halfLength] {
		return storedSession{}, errMismatch
	}
	if err := errors.Join(readJSON(r.text(7), &s.Roles), readPhone(r.text(12), &s.Phone)); err != nil {
		return storedSession{}, fmt.Errorf("%w: load: %w", ErrUnavailable, err)
	}
	return storedSession{session: s, created: r.millis(2), lastSeen: r.millis(4), tokenEnd: r.number(5), opaqueEnd: r.number(8)}, nil
}

func readPhone(text string, number *string) error {
	var p Phone
	err := readJSON(text, &p)
	*number = p.Number
	return err
}

// readJSON reads what this package wrote; empty text leaves v as it is.
func readJSON(text string, v any) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), v)
}

func writeJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // only for types that JSON can't hold
	}
	return string(text)
}
