package upstream

import "testing"

func TestRoundRobinTakesTurns(t *testing.T) {
	t.Parallel()
	_, a := serveNamed(t, "a")
	_, b := serveNamed(t, "b")
	g, _ := group(t, Config{Targets: targets(t, a, b)})
	got := ""
	for range 4 {
		got += get(t, g, "/").body
	}
	if got != "abab" {
		t.Errorf("answers of %q", got)
	}
}
