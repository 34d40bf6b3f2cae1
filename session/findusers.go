package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// Query names one of a user's facts; one field is set.
type Query struct {
	Phone   string // as WeChat gives it, with the country prefix where it isn't a Chinese number
	UserID  string // of the login hook
	UnionID string
}

// maxFound bounds the users that FindUsers returns.
const maxFound = 100

// errQuery is returned for a query that doesn't name exactly one fact.
var errQuery = errors.New("a user is found by one of phone, user_id and unionid")

// fact is a value that a user is found by.
type fact struct{ kind, value string }

const (
	byPhone   = "phone"
	byUserID  = "user_id"
	byUnionID = "unionid"
)

func (q Query) fact() (fact, error) {
	var facts []fact
	for _, f := range []fact{{byPhone, q.Phone}, {byUserID, q.UserID}, {byUnionID, q.UnionID}} {
		if f.value != "" {
			facts = append(facts, f)
		}
	}
	if len(facts) != 1 {
		return fact{}, errQuery
	}
	return facts[0], nil
}

// The index is hashes of some dozen entries each, which take Redis half of what
// a key for each value would. An entry is the hash of a value and the user's
// tag. It is written before the record that it leads to, and stays when that
// changes: it only tells where to look, and what it leads to is compared.
const entryPrefix = 8 // bytes of the value's hash in an entry

func (k keys) index(appid string, f fact) (key, prefix string) {
	sum := sha256.Sum256(joinWithLengths([]string{"index", appid, f.kind, f.value}))
	return k.prefix + "i:" + hex.EncodeToString(sum[:2]), string(sum[2 : 2+entryPrefix])
}

// indexCalls are the writes that let a user be found by facts of his; empty ones
// are left out.
func (s *Store) indexCalls(tag, appid string, facts ...fact) []*call {
	var calls []*call
	for _, f := range facts {
		if f.value == "" {
			continue
		}
		key, prefix := s.keys.index(appid, f)
		calls = append(calls, &call{keys: []string{key}, args: []any{"hset", key, prefix + rawHalf(tag), ""}})
	}
	return calls
}

// FindUsers returns the users of an app that a fact is true of now, at most 100.
func (s *Store) FindUsers(ctx context.Context, appid string, q Query) ([]User, error) {
	f, err := q.fact()
	if err != nil {
		return nil, err
	}
	key, prefix := s.keys.index(appid, f)
	var entries []string
	err = s.redis.do(ctx, "find", key, func(ctx context.Context) (err error) {
		entries, err = s.redis.HKeys(ctx, key).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	var found []User
	for _, entry := range entries {
		if len(entry) != entryPrefix+rawLength || entry[:entryPrefix] != prefix || len(found) == maxFound {
			continue
		}
		u, err := s.loadUser(ctx, textHalf(entry[entryPrefix:]))
		if err != nil {
			return nil, err
		}
		if u.AppID == appid && u.is(f) {
			found = append(found, u.User)
			continue
		}
		_ = s.redis.HDel(ctx, key, entry).Err() // outdated; if this fails, the next search tries
	}
	return found, nil
}

func (u storedUser) is(f fact) bool {
	switch f.kind {
	case byPhone:
		return u.Phone.Number == f.value
	case byUserID:
		return u.UserID == f.value
	}
	return u.UnionID == f.value
}
