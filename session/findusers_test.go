package session

import (
	"fmt"
	"testing"

	"wxgate/internal/testkit/redistest"
)

func found(t *testing.T, s *Store, app string, q Query) (openids []string) {
	t.Helper()
	users, err := s.FindUsers(t.Context(), app, q)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		openids = append(openids, u.OpenID)
	}
	return openids
}

func TestUsersAreFoundByWhatIsTrueOfThemNow(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	_, session := victim(t, s, "oA")
	for name, q := range map[string]Query{"unionid": {UnionID: "union-oA"}, "user id": {UserID: "id-oA"}, "phone": {Phone: "13800000000"}} {
		if got := found(t, s, appid, q); len(got) != 1 || got[0] != "oA" {
			t.Errorf("by %s: %q", name, got)
		}
		if got := found(t, s, "wxother", q); len(got) != 0 {
			t.Errorf("by %s in another app: %q", name, got)
		}
	}
	if err := s.SetPhone(t.Context(), session, Phone{"13900000000", "13900000000", "86"}); err != nil {
		t.Fatal(err)
	}
	if got := found(t, s, appid, Query{Phone: "13800000000"}); len(got) != 0 {
		t.Errorf("by the old number: %q", got)
	}
	if got := found(t, s, appid, Query{Phone: "13900000000"}); len(got) != 1 {
		t.Errorf("by the new number: %q", got)
	}
	victim(t, s, "oB") // whose phone is the old one
	if got := found(t, s, appid, Query{Phone: "13800000000"}); len(got) != 1 || got[0] != "oB" {
		t.Errorf("%q", got)
	}
}

func TestFindUsersIsBounded(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	for i := range maxFound + 5 {
		l := loginOf(fmt.Sprint("o", i))
		l.UserID = "shared"
		if _, _, _, err := s.Login(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	if got := found(t, s, appid, Query{UserID: "shared"}); len(got) != maxFound {
		t.Errorf("%d users", len(got))
	}
	for name, q := range map[string]Query{"none": {}, "two": {Phone: "1", UserID: "2"}} {
		if _, err := s.FindUsers(t.Context(), appid, q); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// Whoever can write to the index leads a look-up astray, to nobody else's record.
func TestForgedIndexEntryFindsNobody(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	victim(t, s, "oA")
	key, prefix := s.keys.index(appid, fact{byPhone, "13911111111"})
	for _, entry := range []string{prefix + rawHalf(userTag(appid, "oA")), prefix + rawHalf(userTag(appid, "oNOBODY")), prefix, "x"} {
		s.redis.HSet(t.Context(), key, entry, "")
	}
	if got := found(t, s, appid, Query{Phone: "13911111111"}); len(got) != 0 {
		t.Errorf("%q", got)
	}
	if n := s.redis.HLen(t.Context(), key).Val(); n != 2 {
		t.Errorf("%d entries are left of those that led nowhere", n-2)
	}
}
