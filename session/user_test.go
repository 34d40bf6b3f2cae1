package session

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
)

func TestProfileIsKeptWithTheUser(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	_, session := logIn(t, s, "oA")
	want := Profile{Nickname: "小明 \"x\"", AvatarURL: "https://example.com/a.png"}
	if err := s.SetProfile(t.Context(), session, want); err != nil {
		t.Fatal(err)
	}
	if _, err := s.EndAll(t.Context(), appid, "oA", CauseAdmin); err != nil {
		t.Fatal(err)
	}
	if u, err := s.User(t.Context(), appid, "oA"); err != nil || u.Profile != want || len(u.Sessions) != 0 {
		t.Errorf("%+v, %v", u, err)
	}
	if err := s.SetProfile(t.Context(), session, Profile{AvatarURL: want.AvatarURL}); err != nil {
		t.Fatal(err)
	}
	if u, err := s.Profile(t.Context(), session); err != nil || u.Profile.Nickname != "" || u.Profile.AvatarURL != want.AvatarURL {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestLatestSessionKeyIsOfTheNewestSession(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	if _, err := s.LatestSessionKey(t.Context(), appid, "oA"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	var last *Session
	for i := range 3 {
		login := loginOf("oA")
		login.SessionKey += "x"
		if i == 2 {
			login.SessionKey = "the newest"
		}
		_, session, _, err := s.Login(t.Context(), login)
		if err != nil {
			t.Fatal(err)
		}
		last = session
		time.Sleep(2 * time.Millisecond) // apart by the millisecond that Redis keeps
	}
	if key, err := s.LatestSessionKey(t.Context(), appid, "oA"); err != nil || key != "the newest" {
		t.Error(err)
	}
	if _, err := s.End(t.Context(), last.ID, CauseLogout); err != nil {
		t.Fatal(err)
	}
	if key, err := s.LatestSessionKey(t.Context(), appid, "oA"); err != nil || key == "the newest" {
		t.Error("of a session that has ended", err)
	}
	if _, err := s.SessionKey(t.Context(), last); !errors.Is(err, ErrSessionEnded) {
		t.Error(err)
	}
}

// The next login removes expired sessions.
func TestNextLoginRemovesSessionsThatRanOut(t *testing.T) {
	t.Parallel()
	var c clock
	s := openStore(t, nil, func(o *Config) { o.Now = c.now })
	_, old := logIn(t, s, "oA")
	c.advance(169 * time.Hour)
	if u, err := s.User(t.Context(), appid, "oA"); err != nil || len(u.Sessions) != 0 {
		t.Errorf("%+v, %v", u, err)
	}
	logIn(t, s, "oA")
	if there, _ := s.redis.HExists(t.Context(), s.keys.sessions(tagOf(old.ID)), rawOf(old.ID)+"s").Result(); there {
		t.Error("still there after the next login")
	}
}

// A session's end is followed by its MAC in Redis. One that begins with a digit doesn't
// make the end later.
func TestNextLoginRemovesAnEndedSessionWhateverItsMAC(t *testing.T) {
	t.Parallel()
	var c clock
	s := openStore(t, nil, func(o *Config) { o.Now, o.MaxLifetime = c.now, time.Hour })
	_, old := logInWithDigitInMAC(t, s, "s")
	c.advance(2 * time.Hour)
	logIn(t, s, old.OpenID)
	if left := fieldsOf(t, s, old, "s"); len(left) != 0 {
		t.Error("still there after the next login")
	}
}

func TestJarBearsTwoWriters(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	stores := []*Store{openStore(t, server, nil), openStore(t, server, nil)}
	_, session := logIn(t, stores[0], "oA")
	var answers sync.WaitGroup
	for i := range 4 {
		answers.Go(func() {
			err := stores[i%2].UpdateJar(t.Context(), session, "shop", func(old []byte) ([]byte, error) { return fmt.Append(old, i, ";"), nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	answers.Wait()
	jar, err := stores[0].Jar(t.Context(), session, "shop")
	if err != nil || strings.Count(string(jar), ";") != 4 {
		t.Errorf("%q, %v", jar, err)
	}
	if other, err := stores[0].Jar(t.Context(), session, "bank"); other != nil || err != nil {
		t.Errorf("another backend's: %q, %v", other, err)
	}
}

func TestJarIsBoundedAndEndsWithItsSession(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, nil)
	_, session := logIn(t, s, "oA")
	if err := s.UpdateJar(t.Context(), session, "shop", func([]byte) ([]byte, error) { return make([]byte, maxJar+1), nil }); !errors.Is(err, ErrJarTooBig) {
		t.Error(err)
	}
	failure := errors.New("no")
	if err := s.UpdateJar(t.Context(), session, "shop", func([]byte) ([]byte, error) { return nil, failure }); err != failure {
		t.Error(err)
	}
	if err := s.UpdateJar(t.Context(), session, "shop", func([]byte) ([]byte, error) { return []byte("c=1"), nil }); err != nil {
		t.Fatal(err)
	}
	if ttl := server.MustDo("TTL", s.keys.jars(tagOf(session.ID))); ttl == "-1" {
		t.Error("the jar outlives its session")
	}
	if err := s.UpdateJar(t.Context(), session, "shop", func([]byte) ([]byte, error) { return nil, nil }); err != nil || server.MustDo("EXISTS", s.keys.jars(tagOf(session.ID))) != "0" {
		t.Errorf("an empty jar is kept: %v", err)
	}
	if _, err := s.End(t.Context(), session.ID, CauseLogout); err != nil {
		t.Fatal(err)
	}
	if err := s.UpdateJar(t.Context(), session, "shop", func([]byte) ([]byte, error) { return []byte("c=1"), nil }); !errors.Is(err, ErrSessionEnded) {
		t.Error(err)
	}
}

func TestAccessTokenIsSharedSealedAndExpires(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := openStore(t, server, nil).AccessTokens(), openStore(t, server, nil).AccessTokens()
	if token, _, err := b.Load(t.Context(), appid); token != "" || err != nil {
		t.Errorf("%v", err)
	}
	expires := time.UnixMilli(time.Now().Add(time.Hour).UnixMilli())
	if err := a.Save(t.Context(), appid, "access token", expires); err != nil {
		t.Fatal(err)
	}
	if token, until, err := b.Load(t.Context(), appid); token != "access token" || !until.Equal(expires) || err != nil {
		t.Errorf("%v, %v", until, err)
	}
	key := b.store.keys.accessToken(appid)
	if strings.Contains(server.MustDo("GET", key), "access token") || server.MustDo("TTL", key) == "-1" {
		t.Error("in the open, or for ever")
	}
	server.MustDo("COPY", key, b.store.keys.accessToken("wxother"))
	if token, _, err := b.Load(t.Context(), "wxother"); token != "" || err != nil {
		t.Errorf("one app's token is another's: %v", err)
	}
}

func TestOneInstanceAtATimeHoldsTheLock(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := openStore(t, server, nil).AccessTokens(), openStore(t, server, nil).AccessTokens()
	unlock, ok, err := a.Lock(t.Context(), appid, 300*time.Millisecond)
	if !ok || err != nil {
		t.Fatalf("%v, %v", ok, err)
	}
	if _, ok, err := b.Lock(t.Context(), appid, time.Minute); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	testkit.Within(t, 2*time.Second, "the lock has run out", func() bool { _, ok, _ := b.Lock(t.Context(), appid, time.Minute); return ok })
	unlock() // too late: it is another's
	if _, ok, _ := a.Lock(t.Context(), appid, time.Minute); ok {
		t.Error("unlocked what another holds")
	}
}
