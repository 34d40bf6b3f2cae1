package redistest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit/redistest"
)

func TestStartedServerIsReady(t *testing.T) {
	t.Parallel()
	start := time.Now()
	s := redistest.Start(t)
	t.Logf("started in %v", time.Since(start))
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
		t.Fatal("a stopped server replied")
	}
	s.Start()
	if s.Addr != addr {
		t.Fatalf("address %s became %s", addr, s.Addr)
	}
	if got := s.MustDo("GET", "k"); got != "" {
		t.Fatalf("GET after a restart: %q", got)
	}
}

func TestPersistedDataAreThereAfterAKill(t *testing.T) {
	t.Parallel()
	s := redistest.Options{Persist: true}.Start(t)
	s.MustDo("SET", "k", "v")
	s.Stop()
	s.Start()
	if got := s.MustDo("GET", "k"); got != "v" {
		t.Fatalf("GET after a restart: %q", got)
	}
}

func TestPausedServerRepliesOnlyAfterResume(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	s.Pause()
	replied := make(chan error, 1)
	go func() {
		_, err := s.Do("PING")
		replied <- err
	}()
	select {
	case err := <-replied:
		t.Fatalf("a paused server replied (%v)", err)
	case <-time.After(50 * time.Millisecond):
	}
	s.Resume()
	if err := <-replied; err != nil {
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

func TestTLSServerIsTrustedOnlyWithItsCA(t *testing.T) {
	t.Parallel()
	s := redistest.Options{TLS: true}.Start(t)
	if got := s.MustDo("PING"); got != "PONG" {
		t.Fatalf("PING: %q", got)
	}
	s.TLSConfig.RootCAs = nil
	if _, err := s.Do("PING"); err == nil {
		t.Fatal("trusted without the CA")
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
				t.Fatalf("%s replied for %s", got, s.Addr)
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
		t.Fatal("the sentinels still name the killed master")
	}
	if got := master.MustDo("GET", "k"); got != "v" {
		t.Fatalf("GET after the failover: %q", got)
	}
	old.Start()
}
