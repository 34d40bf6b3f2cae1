package session

import (
	"errors"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit/redistest"
	"wxgate/secret"
)

func TestUserKeysAreSharedSealedAndEnd(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	now := time.Now()
	later := func(c *Config) { c.Now = func() time.Time { return now.Add(2 * time.Hour) } }
	a, b := openStore(t, server, nil), openStore(t, server, nil)
	user := &Session{ID: userTag(appid, "o1") + newID(), AppID: appid, OpenID: "o1"}
	keys := []UserKey{
		{Version: 10, Key: secret.Text("sixteen raw byte"), IV: "6003f73ec441c386", EndsAt: now.Add(time.Hour)},
		{Version: 9, Key: secret.Text("another 16 bytes"), IV: "7996656384218dbb", EndsAt: now.Add(-2 * time.Minute)},
	}
	if _, err := a.UserKey(t.Context(), user, 10); !errors.Is(err, ErrNotFound) {
		t.Errorf("before any was kept: %v", err)
	}
	if err := a.SaveUserKeys(t.Context(), user, keys); err != nil {
		t.Fatal(err)
	}
	got, err := b.UserKey(t.Context(), user, 10)
	if err != nil || got.Key != keys[0].Key || got.IV != keys[0].IV {
		t.Errorf("on the other instance: %v, %v", got, err)
	}
	for _, version := range []int64{9, 11} {
		if _, err := b.UserKey(t.Context(), user, version); !errors.Is(err, ErrNotFound) {
			t.Errorf("version %d: %v", version, err)
		}
	}
	other := &Session{ID: userTag(appid, "o2") + newID(), AppID: appid, OpenID: "o2"}
	if _, err := b.UserKey(t.Context(), other, 10); !errors.Is(err, ErrNotFound) {
		t.Errorf("another user's: %v", err)
	}
	raw, err := server.Do("GET", a.keys.userKeys(user.ID[:halfLength]))
	if err != nil || raw == "" || strings.Contains(raw, "sixteen") || strings.Contains(raw, "6003f73") {
		t.Errorf("the keys are not there, or readable: %q, %v", raw, err)
	}
	if _, err := openStore(t, server, later).UserKey(t.Context(), user, 10); !errors.Is(err, ErrNotFound) {
		t.Errorf("past its end: %v", err)
	}

	server.Stop()
	if got, err := b.UserKey(t.Context(), user, 10); err != nil || got.Version != 10 {
		t.Errorf("without Redis, known here: %v", err)
	}
	if _, err := b.UserKey(t.Context(), user, 12); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without Redis, not known here: %v", err)
	}
}
