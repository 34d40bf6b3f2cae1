package session

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/maypok86/otter/v2"

	"wxgate/secret"
)

// UserKey is one of the keys that WeChat issues to a user for encryption and
// signatures (getuserencryptkey).
type UserKey struct {
	Version int64
	Key     secret.Text // 16 raw bytes
	IV      string      // 16 characters
	EndsAt  time.Time   // as WeChat states it; see userKeyGrace
}

// userKeyGrace is how long after its end a key is accepted: the request may have been
// signed just before.
const userKeyGrace = time.Minute

// maxLocalUserKeys bounds the users whose keys an instance caches.
const maxLocalUserKeys = 20_000

// userKeys caches the keys that this instance has loaded, also for use while Redis is
// unreachable.
type userKeys struct {
	of *otter.Cache[string, []UserKey]
}

func newUserKeys() userKeys {
	return userKeys{otter.Must(&otter.Options[string, []UserKey]{MaximumSize: maxLocalUserKeys})}
}

// UserKey returns one version of a user's key; ErrNotFound if it is unknown or has
// ended, or ErrUnavailable. A cached key needs no query to Redis.
func (s *Store) UserKey(ctx context.Context, session *Session, version int64) (UserKey, error) {
	tag, now := session.ID[:halfLength], s.now()
	if local, ok := s.userKeys.of.GetIfPresent(tag); ok {
		if key, found := findUserKey(local, version, now); found {
			return key, nil
		}
	}
	stored, err := s.loadUserKeys(ctx, session)
	if err != nil {
		return UserKey{}, err
	}
	if len(stored) > 0 {
		s.userKeys.of.Set(tag, stored)
	}
	if key, found := findUserKey(stored, version, now); found {
		return key, nil
	}
	return UserKey{}, ErrNotFound
}

func findUserKey(keys []UserKey, version int64, now time.Time) (UserKey, bool) {
	for _, key := range keys {
		if key.Version == version && now.Before(key.EndsAt.Add(userKeyGrace)) {
			return key, true
		}
	}
	return UserKey{}, false
}

// storedUserKey is a UserKey in the form that is sealed.
type storedUserKey struct {
	Version int64  `json:"v"`
	Key     []byte `json:"k"`
	IV      string `json:"i"`
	EndsAt  int64  `json:"e"` // Unix milliseconds
}

func (s *Store) loadUserKeys(ctx context.Context, session *Session) ([]UserKey, error) {
	key := s.keys.userKeys(session.ID[:halfLength])
	var sealed []byte
	err := s.redis.do(ctx, "user_keys", key, func(ctx context.Context) (err error) {
		sealed, err = s.redis.Get(ctx, key).Bytes()
		return err
	})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := s.config.Load().keys.open(userKeyPurpose, sealed, session.AppID, session.OpenID)
	if err != nil {
		return nil, nil // sealed under secrets that are no longer configured: they are fetched from WeChat again
	}
	return readUserKeys(text), nil
}

func readUserKeys(text []byte) []UserKey {
	var stored []storedUserKey
	if json.Unmarshal(text, &stored) != nil {
		return nil
	}
	keys := make([]UserKey, len(stored))
	for i, k := range stored {
		keys[i] = UserKey{k.Version, secret.Text(k.Key), k.IV, time.UnixMilli(k.EndsAt)}
	}
	return keys
}

// SaveUserKeys replaces the stored keys by those that WeChat returned, sealed, until
// the last of them ends.
func (s *Store) SaveUserKeys(ctx context.Context, session *Session, keys []UserKey) error {
	tag, now := session.ID[:halfLength], s.now()
	s.userKeys.of.Set(tag, slices.Clone(keys))
	stored, end := make([]storedUserKey, len(keys)), now
	for i, k := range keys {
		stored[i] = storedUserKey{k.Version, []byte(k.Key.Reveal()), k.IV, k.EndsAt.UnixMilli()}
		end = later(end, k.EndsAt.Add(userKeyGrace))
	}
	if !end.After(now) {
		return nil
	}
	sealed := s.config.Load().keys.seal(userKeyPurpose, []byte(writeJSON(stored)), session.AppID, session.OpenID)
	key := s.keys.userKeys(tag)
	return s.redis.do(ctx, "user_keys", key, func(ctx context.Context) error {
		return s.redis.Set(ctx, key, sealed, end.Sub(now)).Err()
	})
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
