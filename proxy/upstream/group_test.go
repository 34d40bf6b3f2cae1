package upstream

import "testing"

func TestRoundRobinAlternates(t *testing.T) {
	t.Parallel()
	_, a := serveCounting(t, "a")
	_, b := serveCounting(t, "b")
	g, _ := groupWithClock(t, Config{Targets: targets(t, a, b)})
	got := ""
	for range 4 {
		got += get(t, g, "/").body
	}
	if got != "abab" {
		t.Errorf("responses of %q", got)
	}
}
