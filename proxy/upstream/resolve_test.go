package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

// resolver serves look-ups from what a test sets.
type resolver struct {
	mu      sync.Mutex
	ips     []string
	err     error
	lookups int
}

// attach makes a group use the resolver, every millisecond.
func (r *resolver) attach(g *Group) {
	g.lookup, g.lookupInterval, g.minLookupInterval = r.lookup, time.Millisecond, 0
}

// waitForLookups waits for two look-ups: the group then uses what was set before.
func (r *resolver) waitForLookups(t *testing.T) {
	t.Helper()
	count := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.lookups
	}
	before := count()
	testkit.Eventually(t, "looked up again", func() bool { return count() > before+1 })
}

func (r *resolver) set(err error, ips ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ips, r.err = ips, err
}

func (r *resolver) lookup(context.Context, string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lookups++
	var ips []netip.Addr
	for _, ip := range r.ips {
		ips = append(ips, netip.MustParseAddr(ip))
	}
	return ips, r.err
}

// servePods starts backends on several loopback addresses and one port. Each responds
// with its address and counts its connections.
func servePods(t *testing.T, ips ...string) (port string, conns map[string]*atomic.Int64) {
	t.Helper()
	conns = map[string]*atomic.Int64{}
	port = "0"
	for _, ip := range ips {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, port))
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ = net.SplitHostPort(l.Addr().String())
		opened := new(atomic.Int64)
		conns[ip] = opened
		acceptAll(t, l, func(c net.Conn, r *bufio.Reader) {
			opened.Add(1)
			defer opened.Add(-1)
			serveRequests(c, r, func(*http.Request) (string, bool) { return okResponse(ip), true })
		})
	}
	return port, conns
}

func addressesOf(g *Group) (list []string) {
	for _, s := range g.Status() {
		host, _, _ := net.SplitHostPort(s.Address)
		list = append(list, host)
	}
	return list
}

func TestRequestsFollowChangesOfANamesAddresses(t *testing.T) {
	t.Parallel()
	port, conns := servePods(t, "127.0.0.1", "127.0.0.2", "127.0.0.3")
	n := &resolver{err: errors.New("not yet")}
	g := openGroup(t, Config{Targets: targets(t, "http://backend.test:"+port)}, n.attach)

	n.set(nil, "127.0.0.1", "127.0.0.2")
	testkit.Eventually(t, "both found", func() bool { return slices.Equal(addressesOf(g), []string{"127.0.0.1", "127.0.0.2"}) })
	if got := get(t, g, "/").body + " " + get(t, g, "/").body; got != "127.0.0.1 127.0.0.2" {
		t.Errorf("responses of %s", got)
	}

	n.set(nil, "127.0.0.2", "127.0.0.3")
	testkit.Eventually(t, "moved", func() bool { return slices.Equal(addressesOf(g), []string{"127.0.0.2", "127.0.0.3"}) })
	for range 6 {
		if r := get(t, g, "/"); r.body == "127.0.0.1" || r.err != nil {
			t.Errorf("%q, %v", r.body, r.err)
		}
	}
	testkit.Eventually(t, "connections to the old address closed", func() bool { return conns["127.0.0.1"].Load() == 0 })
	if n := conns["127.0.0.2"].Load(); n != 1 {
		t.Errorf("%d connections to the address that stayed", n)
	}

	n.set(nil)
	n.set(errors.New("server failure"))
	n.waitForLookups(t)
	if r := get(t, g, "/"); r.err != nil {
		t.Errorf("while look-ups fail: %v", r.err)
	}
}

func TestAConnectErrorCausesALookup(t *testing.T) {
	t.Parallel()
	port, _ := servePods(t, "127.0.0.2")
	n := &resolver{ips: []string{"127.0.0.1"}} // nothing listens there
	g := openGroup(t, Config{Targets: targets(t, "http://backend.test:"+port)}, func(g *Group) {
		g.lookup, g.minLookupInterval = n.lookup, time.Millisecond
	})
	testkit.Eventually(t, "first look-up", func() bool { return addressesOf(g)[0] == "127.0.0.1" })
	n.set(nil, "127.0.0.2")
	if r := get(t, g, "/"); r.err == nil {
		t.Fatalf("response of %q", r.body)
	}
	testkit.Eventually(t, "looked up within the hour of its interval", func() bool { return addressesOf(g)[0] == "127.0.0.2" })
	if r := get(t, g, "/"); r.body != "127.0.0.2" {
		t.Errorf("got %q, %v", r.body, r.err)
	}
}

func TestARequestInFlightSurvivesAChangeOfAddresses(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		http.NewResponseController(w).Flush()
		<-more
		w.Write([]byte("whole"))
	})
	n := &resolver{ips: []string{"127.0.0.1"}}
	port := strings.TrimPrefix(u, "http://127.0.0.1:")
	g := openGroup(t, Config{Targets: targets(t, "http://backend.test:"+port)}, n.attach)
	n.waitForLookups(t)
	res, err := g.RoundTrip(request(t, "GET", "/", ""))
	if err != nil {
		t.Fatal(err)
	}
	n.set(nil, "127.0.0.9")
	n.waitForLookups(t)
	close(more)
	b := make([]byte, 5)
	if k, _ := res.Body.Read(b); string(b[:k]) != "whole" {
		t.Errorf("read %q", b[:k])
	}
	res.Body.Close()
}

func TestAddressesOfAName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ ips, want string }{
		{"10.0.0.1", "10.0.0.1:80"},
		{"10.0.0.2 10.0.0.1 10.0.0.2", "10.0.0.1:80 10.0.0.2:80"},
		{"fd00::1 fd00::2", "[fd00::1]:80 [fd00::2]:80"},
		{"127.0.0.1 ::1", "127.0.0.1:80 or [::1]:80"},
		{"127.0.0.1 ::1 127.0.0.1", "127.0.0.1:80 or [::1]:80"},
		{"10.0.0.1 10.0.0.2 fd00::1 fd00::2", "10.0.0.1:80 10.0.0.2:80"},
		{"10.0.0.1 fd00::1 fd00::2", "[fd00::1]:80 [fd00::2]:80"},
		{"::ffff:10.0.0.1", "10.0.0.1:80"},
	} {
		tg, err := newTarget(targets(t, "http://backend.test")[0])
		if err != nil {
			t.Fatal(err)
		}
		ips, _ := (&resolver{ips: strings.Fields(c.ips)}).lookup(t.Context(), "")
		var got []string
		for _, a := range addresses(tg, ips) {
			got = append(got, strings.Join(a.dialAddrs, " or "))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v instead of %s", c.ips, got, c.want)
		}
	}
}

func TestANameWithOneAddressOfEachFamilyIsReachedByEither(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{"127.0.0.77", "::1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
		if err != nil {
			t.Logf("%s is not available here: %v", ip, err)
			continue
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		acceptAll(t, l, func(c net.Conn, r *bufio.Reader) {
			serveRequests(c, r, func(*http.Request) (string, bool) { return okResponse(ip), true })
		})
		both := &resolver{ips: []string{"127.0.0.77", "::1"}}
		g := openGroup(t, Config{Targets: targets(t, "http://backend.test:"+port)}, both.attach)
		both.waitForLookups(t)
		for range 3 {
			if r := get(t, g, "/"); r.body != ip {
				t.Errorf("%s: got %q, %v", ip, r.body, r.err)
			}
		}
	}
}

func TestEndpointsAreInTheOrderOfTheTargets(t *testing.T) {
	t.Parallel()
	n := &resolver{ips: []string{"10.0.0.1"}}
	g := openGroup(t, Config{Targets: targets(t, "http://10.9.9.9", "http://backend.test", "http://10.8.8.8")}, n.attach)
	n.set(nil, "10.0.0.2", "10.0.0.3")
	n.waitForLookups(t)
	if got := fmt.Sprint(addressesOf(g)); got != "[10.9.9.9 10.0.0.2 10.0.0.3 10.8.8.8]" {
		t.Errorf("endpoints are %s", got)
	}
}
