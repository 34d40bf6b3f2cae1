package session

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
	"wxgate/secret"
)

const appid = "wx0123456789abcdef"

var (
	firstSecret  = secret.Text(strings.Repeat("first secret for tests. ", 2))
	secondSecret = secret.Text(strings.Repeat("second secret for tests ", 2))
)

// testConfig has a long CacheTTL, so that what a test sees within seconds
// came by events, not by asking again.
func testConfig() Config {
	return Config{
		Redis: RedisConfig{KeyPrefix: "test:"}, Apps: []string{appid, "wxother"}, Secrets: []secret.Text{firstSecret}, CacheTTL: 30 * time.Second, StaleIfError: 5 * time.Minute, RenewBefore: 30 * time.Minute,
	}
}

// openStore opens a Store on the server, or on one in the process, and waits
// until it is ready.
func openStore(t testing.TB, server *redistest.Server, change func(*Config)) *Store {
	t.Helper()
	o := testConfig()
	if server != nil {
		o.Redis.Addrs = []string{server.Addr}
	}
	if change != nil {
		change(&o)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	testkit.Within(t, 10*time.Second, "ready", func() bool { return s.Ready(t.Context()) == nil })
	return s
}

func loginOf(openid string) Login {
	return Login{AppID: appid, OpenID: openid, SessionKey: "tiihtNczf5v6AKRyjwEUhQ=="}
}

// logIn starts a session and returns its token.
func logIn(t testing.TB, s *Store, openid string) (string, *Session) {
	t.Helper()
	token, session, _, err := s.Login(t.Context(), loginOf(openid))
	if err != nil {
		t.Fatal(err)
	}
	return token.Value.Reveal(), session
}

// logInWithDigitInMAC logs users in until the field of the kind that a session gets in
// Redis has a MAC that begins with a digit: one in 25 does.
func logInWithDigitInMAC(t testing.TB, s *Store, kind string) (string, *Session) {
	t.Helper()
	for i := range 1000 {
		token, session := logIn(t, s, fmt.Sprint("o", i))
		value := s.redis.HGet(t.Context(), s.keys.sessions(tagOf(session.ID)), fieldsOf(t, s, session, kind)[0]).Val()
		if b := value[len(value)-fieldMACLength]; b >= '0' && b <= '9' {
			return token, session
		}
	}
	t.Fatal("no MAC begins with a digit")
	return "", nil
}

// fieldsOf returns the names of a session's fields of a kind in Redis.
func fieldsOf(t testing.TB, s *Store, session *Session, kind string) (names []string) {
	t.Helper()
	all, err := s.redis.HKeys(t.Context(), s.keys.sessions(tagOf(session.ID))).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if strings.HasPrefix(name, rawOf(session.ID)+kind) {
			names = append(names, name)
		}
	}
	return names
}

// authenticated authenticates a token, and fails the test if that is refused.
func authenticated(t testing.TB, s *Store, token string) AuthResult {
	t.Helper()
	g, err := s.Authenticate(context.Background(), token)
	if err != nil {
		t.Fatalf("authenticate: %v", err)
	}
	return g
}
