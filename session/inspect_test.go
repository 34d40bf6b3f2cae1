package session

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"wxgate/secret"
)

func TestInspectShowsWhatIsSealedAsSealedOnly(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	const key = "c2Vzc2lvbl9rZXktb2YtYQ=="
	_, session, _, err := s.Login(t.Context(), Login{AppID: appid, OpenID: "o-alice", UnionID: "u-alice", SessionKey: key})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AccessTokens().Save(t.Context(), appid, "the-access-token", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	entries, err := s.Inspect(t.Context(), appid, "o-alice")
	if err != nil {
		t.Fatal(err)
	}

	user, mine, token := findEntry(t, entries, "u:"), findEntry(t, entries, "s:"), findEntry(t, entries, "t:")
	if got := valueOf(user, "openid"); got != "o-alice" {
		t.Errorf("openid: %q", got)
	}
	if user.TTL != 0 || user.Type != "hash" {
		t.Errorf("a user is a hash that stays: %s for %s", user.Type, user.TTL)
	}
	if !strings.Contains(mine.Key, tagOf(session.ID)) || mine.TTL <= 0 {
		t.Errorf("session: %q for %s", mine.Key, mine.TTL)
	}
	created, _, _ := strings.Cut(valueOf(mine, "creation and absolute end"), " ")
	if at, err := time.Parse(time.RFC3339, created); err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("created: %v, %v", at, err)
	}
	for _, e := range []struct {
		of   Entry
		what string
	}{{mine, "session_key"}, {token, "access token of the app"}} {
		if got := valueOf(e.of, e.what); !strings.HasPrefix(got, "sealed (") {
			t.Errorf("%s reads %q", e.what, got)
		}
	}
	text, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	for _, hidden := range []string{key, "the-access-token"} {
		if strings.Contains(string(text), hidden) {
			t.Errorf("%q is shown", hidden)
		}
	}
}

func TestInspectShowsNoValueThatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, func(o *Config) { o.TokenFormat = FormatOpaque })
	token, session, _, err := s.Login(t.Context(), Login{AppID: appid, OpenID: "o-bob", SessionKey: secret.Text("a2V5")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.redis.HSet(t.Context(), s.keys.sessions(tagOf(session.ID)), "later", "a value of a later version").Err(); err != nil {
		t.Fatal(err)
	}
	entries, err := s.Inspect(t.Context(), appid, "o-bob")
	if err != nil {
		t.Fatal(err)
	}
	mine := findEntry(t, entries, "s:")
	for _, f := range mine.Fields {
		if f.Name == "later" && f.Value != "sealed (26 bytes)" {
			t.Errorf("an unknown value is shown: %q", f.Value)
		}
	}
	if valueOf(mine, "end of the token with this hash") == "" {
		t.Errorf("the opaque token %s is not told of: %v", token.Value, mine.Fields)
	}
}

func TestInspectOfAnUnknownUserShowsNothing(t *testing.T) {
	t.Parallel()
	entries, err := openStore(t, nil, nil).Inspect(t.Context(), appid, "o-nobody")
	if err != nil || len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

func findEntry(t *testing.T, entries []Entry, kind string) Entry {
	t.Helper()
	for _, e := range entries {
		if strings.HasPrefix(e.Key, "test:"+kind) {
			return e
		}
	}
	t.Fatalf("no %s in %v", kind, entries)
	return Entry{}
}

func valueOf(e Entry, meaning string) string {
	for _, f := range e.Fields {
		if f.Meaning == meaning {
			return f.Value
		}
	}
	return ""
}
