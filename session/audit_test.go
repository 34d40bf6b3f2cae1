package session

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
	"wxgate/secret"
)

func TestTheAuditTrailKeepsTheNewestThousand(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	for i := range MaxAuditTrail + 7 {
		testkit.Must(t, s.AppendAudit(t.Context(), "admin", fmt.Sprint("entry ", i)))
	}
	testkit.Must(t, s.AppendAudit(t.Context(), "wechat", "of another trail"))
	all, err := s.Audit(t.Context(), "admin", "")
	testkit.Must(t, err)
	for i, e := range all {
		if age := time.Since(e.At); e.Text != fmt.Sprint("entry ", 1006-i) || age < -time.Second || age > time.Minute || !ValidAuditID(e.ID) {
			t.Fatalf("entry %d: %+v", i, e)
		}
	}
	older, err := s.Audit(t.Context(), "admin", all[989].ID)
	if err != nil || len(all) != MaxAuditTrail || len(older) != 10 || older[0] != all[990] {
		t.Errorf("%d entries, %d of them older than the 990th: %v", len(all), len(older), err)
	}
}

// Who can write to Redis can't make an entry up.
func TestForgedAuditEntriesAreNotShown(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, nil)
	testkit.Must(t, s.AppendAudit(t.Context(), "admin", "true"))
	testkit.Must(t, s.AppendAudit(t.Context(), "wechat", "elsewhere"))
	elsewhere := strings.TrimSpace(server.MustDo("XRANGE", s.keys.audit("wechat"), "-", "+"))
	signed := elsewhere[strings.LastIndex(elsewhere, "elsewhere"):]
	for _, forged := range []string{"forged", "true" + strings.Repeat("x", fieldMACLength), "", signed} {
		server.MustDo("XADD", s.keys.audit("admin"), "*", auditField, forged)
	}
	server.MustDo("XADD", s.keys.audit("admin"), "*", "other", "true")
	got, err := s.Audit(t.Context(), "admin", "")
	if err != nil || len(got) != 1 || got[0].Text != "true" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAuditEntriesOutliveTheRotationOfSecrets(t *testing.T) {
	t.Parallel()
	old, fresh := secret.Text(strings.Repeat("o", MinSecret)), secret.Text(strings.Repeat("n", MinSecret))
	server := redistest.Start(t)
	withSecrets := func(secrets ...secret.Text) *Store {
		return openStore(t, server, func(c *Config) { c.Secrets = secrets })
	}
	testkit.Must(t, withSecrets(old).AppendAudit(t.Context(), "admin", "before"))
	for _, c := range []struct {
		secrets []secret.Text
		want    int
	}{{[]secret.Text{fresh, old}, 1}, {[]secret.Text{fresh}, 0}} {
		got, err := withSecrets(c.secrets...).Audit(t.Context(), "admin", "")
		if err != nil || len(got) != c.want {
			t.Errorf("%d secrets: %+v, %v", len(c.secrets), got, err)
		}
	}
}

func TestTheAuditTrailNeedsRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, nil)
	server.Stop()
	if err := s.AppendAudit(t.Context(), "admin", "x"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("append: %v", err)
	}
	if _, err := s.Audit(t.Context(), "admin", ""); !errors.Is(err, ErrUnavailable) {
		t.Errorf("read: %v", err)
	}
}

func TestTheAuditTrailOfAStoreWithinTheProcess(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	for i := range 3 {
		testkit.Must(t, s.AppendAudit(t.Context(), "admin", fmt.Sprint(i)))
	}
	all, err := s.Audit(t.Context(), "admin", "")
	testkit.Must(t, err)
	rest, err := s.Audit(t.Context(), "admin", all[1].ID)
	if err != nil || len(all) != 3 || len(rest) != 1 || all[0].Text != "2" || rest[0].Text != "0" {
		t.Errorf("%+v, %+v, %v", all, rest, err)
	}
}

func TestAuditIDs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"1700000000000-0": true, "0-1": true, "1-18446744073709551615": true,
		"": false, "-": false, "+": false, "1": false, "1-": false, "-1": false, "(1-0": false, "1-0-0": false, "1-x": false, "99999999999999999999-0": false,
	} {
		if got := ValidAuditID(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
