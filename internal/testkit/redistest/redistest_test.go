package redistest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit/redistest"
)

func TestServerAnswersAtOnce(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	s := redistest.Start(t)
	t.Logf("started in %v", time.Since(begin))
	if got := s.MustDo("PING"); got != "PONG" {
		t.Fatalf("PING: %q", got)
	}
}

func TestRestartKeepsTheAddressAndLosesTheData(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	addr := s.Addr
	s.MustDo("SET", "k", "v")
	s.Stop()
	s.Stop()
	if _, err := s.Do("PING"); err == nil {
		t.Fatal("a stopped server answers")
	}
	s.Start()
	if s.Addr != addr {
		t.Fatalf("address %s became %s", addr, s.Addr)
	}
	if got := s.MustDo("GET", "k"); got != "" {
		t.Fatalf("GET after a restart: %q", got)
	}
}

func TestPersistedDataSurviveAKill(t *testing.T) {
	t.Parallel()
	s := redistest.Options{Persist: true}.Start(t)
	s.MustDo("SET", "k", "v")
	s.Stop()
	s.Start()
	if got := s.MustDo("GET", "k"); got != "v" {
		t.Fatalf("GET after a restart: %q", got)
	}
}

func TestPausedServerAnswersOnlyOnceResumed(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	s.Pause()
	answered := make(chan error, 1)
	go func() {
		_, err := s.Do("PING")
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Fatalf("a paused server answered (%v)", err)
	case <-time.After(50 * time.Millisecond):
	}
	s.Resume()
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
}

func TestPasswordAndUsersAreEnforced(t *testing.T) {
	t.Parallel()
	s := redistest.Options{
		Password: "pass word",
		Users:    []string{"app on >secret ~app:* &app:* +get"},
	}.Start(t)
	acl := s.MustDo("ACL", "LIST")
	if !strings.Contains(acl, "user app on") || strings.Contains(acl, "default on nopass") {
		t.Fatalf("ACL LIST:\n%s", acl)
	}
}

func TestTLSServerIsTrustedByItsAuthorityOnly(t *testing.T) {
	t.Parallel()
	s := redistest.Options{TLS: true}.Start(t)
	if got := s.MustDo("PING"); got != "PONG" {
		t.Fatalf("PING: %q", got)
	}
	s.TLSConfig.RootCAs = nil
	if _, err := s.Do("PING"); err == nil {
		t.Fatal("trusted without the authority")
	}
}

func TestManyServersStartTogether(t *testing.T) {
	t.Parallel()
	for i := range 20 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t)
			s.MustDo("SET", "me", s.Addr)
			if got := s.MustDo("GET", "me"); got != s.Addr {
				t.Fatalf("%s answers for %s", got, s.Addr)
			}
		})
	}
}

func TestClusterOwnsAllSlots(t *testing.T) {
	t.Parallel()
	n := redistest.Options{Replicas: 1}.Cluster(t, 3)
	if len(n.Addrs()) != 6 {
		t.Fatalf("nodes: %v", n.Addrs())
	}
	for _, s := range n.Masters {
		info := s.MustDo("CLUSTER", "INFO")
		if !strings.Contains(info, "cluster_slots_ok:16384") || !strings.Contains(info, "cluster_size:3") {
			t.Fatalf("%s:\n%s", s.Addr, info)
		}
	}
}

func TestSentinelsReplaceAKilledMaster(t *testing.T) {
	t.Parallel()
	g := redistest.Sentinel(t)
	old := g.Master()
	old.MustDo("SET", "k", "v")
	g.Sync()
	master := g.Failover()
	if master == old {
		t.Fatal("the killed master is still named")
	}
	if got := master.MustDo("GET", "k"); got != "v" {
		t.Fatalf("GET after the fail-over: %q", got)
	}
	old.Start()
}
