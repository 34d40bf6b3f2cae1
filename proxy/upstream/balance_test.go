package upstream

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
)

// endpointsOfWeight makes endpoints named a, b, c…, without a target.
func endpointsOfWeight(weights ...int) []*endpoint {
	endpoints := make([]*endpoint, len(weights))
	for i, w := range weights {
		name := string(rune('a' + i))
		endpoints[i] = &endpoint{name: name, weight: w, nameHash: hash("http://" + name)}
	}
	return endpoints
}

func TestTargetsGetRequestsInProportionToTheirWeights(t *testing.T) {
	t.Parallel()
	const rounds = 6000
	for _, balance := range []string{RoundRobin, LeastConn, HashOpenID} {
		endpoints := endpointsOfWeight(1, 2, 3)
		got := map[string]int{}
		for i := range rounds {
			p := choose(balance, fmt.Sprint("openid", i), append([]*endpoint(nil), endpoints...))
			got[p.name]++
		}
		for _, p := range endpoints {
			want := rounds * p.weight / 6
			slack := 0
			if balance == HashOpenID {
				slack = want / 10
			}
			if n := got[p.name]; n < want-slack || n > want+slack {
				t.Errorf("%s: %s with weight %d got %d of %d", balance, p.name, p.weight, n, rounds)
			}
		}
	}
}

func TestRoundRobinInterleavesWeights(t *testing.T) {
	t.Parallel()
	endpoints := endpointsOfWeight(3, 1)
	got := ""
	for range 8 {
		got += roundRobin(endpoints).name
	}
	if got != "aabaaaba" {
		t.Errorf("order is %s", got)
	}
}

func TestLeastConnChoosesTheFewestRequestsInFlightPerWeight(t *testing.T) {
	t.Parallel()
	endpoints := endpointsOfWeight(1, 1, 4)
	endpoints[0].inFlight.Store(3)
	endpoints[1].inFlight.Store(2)
	endpoints[2].inFlight.Store(9) // 2.25 for each unit of weight
	if p := choose(LeastConn, "", endpoints); p.name != "b" {
		t.Errorf("chose %s", p.name)
	}
}

func TestRemovingATargetMovesOnlyItsOwnKeys(t *testing.T) {
	t.Parallel()
	endpoints := endpointsOfWeight(1, 1, 1, 1, 1)
	left := append(append([]*endpoint(nil), endpoints[:2]...), endpoints[3:]...)
	moved := map[string]int{}
	for i := range 5000 {
		key := fmt.Sprint("openid", i)
		before, after := highestScore(key, endpoints), highestScore(key, left)
		if before != after {
			moved[before.name]++
		}
	}
	if want := map[string]int{"c": moved["c"]}; !maps.Equal(moved, want) || moved["c"] < 800 {
		t.Errorf("keys that moved, by where they were: %v", moved)
	}
}

func TestHashingIsTheSameInEveryVersion(t *testing.T) {
	t.Parallel()
	endpoints := endpointsOfWeight(1, 1, 1)
	got := ""
	for i := range 12 {
		got += highestScore(fmt.Sprint("openid", i), endpoints).name
	}
	if want := "acacabcbbccb"; got != want {
		t.Errorf("keys went to %s, to %s with earlier versions", got, want)
	}
}

func TestOneUserStaysOnOneTarget(t *testing.T) {
	t.Parallel()
	var urls []string
	for _, name := range []string{"a", "b", "c"} {
		_, u := serveCounting(t, name)
		urls = append(urls, u)
	}
	g, _ := groupWithClock(t, Config{Targets: targets(t, urls...), Balance: HashOpenID})
	seen := map[string]bool{}
	for user := range 20 {
		first := ""
		for range 5 {
			r := sendCall(g, &Call{Request: request(t, http.MethodGet, "/", ""), HashKey: fmt.Sprint("user", user)})
			if first == "" {
				first = r.body
			}
			if r.body != first || r.err != nil {
				t.Fatalf("user %d was at %s and then at %q, %v", user, first, r.body, r.err)
			}
		}
		seen[first] = true
	}
	if len(seen) != 3 {
		t.Errorf("20 users went to %d of 3 targets", len(seen))
	}
}

func TestHashingWithoutAKeyIsRoundRobin(t *testing.T) {
	t.Parallel()
	_, a := serveCounting(t, "a")
	_, b := serveCounting(t, "b")
	g, _ := groupWithClock(t, Config{Targets: targets(t, a, b), Balance: HashOpenID})
	if got := get(t, g, "/").body + get(t, g, "/").body; got != "ab" && got != "ba" {
		t.Errorf("responses of %q", got)
	}
}

func FuzzChooseReturnsACandidate(f *testing.F) {
	f.Add("openid", 1, 2, 3)
	f.Add("", 1, 1, 1)
	f.Fuzz(func(t *testing.T, key string, a, b, c int) {
		for _, w := range []int{a, b, c} {
			if w < 1 || w > 1<<20 {
				return
			}
		}
		for _, balance := range []string{RoundRobin, LeastConn, HashOpenID} {
			if choose(balance, key, endpointsOfWeight(a, b, c)) == nil {
				t.Errorf("%s: no candidate chosen", balance)
			}
		}
	})
}
