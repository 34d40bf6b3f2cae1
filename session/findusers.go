package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// Query is a property of a user; exactly one field is set.
type Query struct {
	Phone   string // as in WeChat's response: with the country code, unless that is 86
	UserID  string // of the login hook
	UnionID string
}

// maxFound bounds the users that FindUsers returns.
const maxFound = 100

// errQuery is returned for a query with no property or several.
var errQuery = errors.New("a user is found by one of phone, user_id and unionid")

// fact is a property by which a user is found.
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

// The index consists of hashes with some dozen entries each, which need half the memory
// of one key for each value. An entry is the hash of a value and a user's tag. It is
// written before the user's record, and stays when the record changes: the record of each
// user found is compared with the query.
const entryPrefix = 8 // bytes of the value's hash in an entry

func (k keys) index(appid string, f fact) (key, prefix string) {
	sum := sha256.Sum256(joinWithLengths([]string{"index", appid, f.kind, f.value}))
	return k.prefix + "i:" + hex.EncodeToString(sum[:2]), string(sum[2 : 2+entryPrefix])
}

// indexCalls returns the writes that add a user to the index for each fact that is not
// empty.
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

// FindUsers returns the users of an app who have the property now, at most maxFound.
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
		_ = s.redis.HDel(ctx, key, entry).Err() // outdated; if this fails, the next search removes it
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
