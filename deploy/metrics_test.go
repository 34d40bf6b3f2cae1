package deploy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"wxgate/internal/testkit"
)

// TestNamedMetricsExist is the quick half of what deploy/check does: every metric that
// an alert or the dashboard names stands in docs/metrics.md, which a test of cmd/wxgate
// holds equal to what the gateway registers.
func TestNamedMetricsExist(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("../docs/metrics.md")
	testkit.Must(t, err)
	known := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(wxgate_[a-z_]+)` \\|").FindAllStringSubmatch(string(table), -1) {
		known[row[1]] = true
	}
	for _, file := range []string{"prometheus/alerts.yaml", "prometheus/alerts_test.yaml", "grafana/wxgate.json"} {
		text, err := os.ReadFile(file)
		testkit.Must(t, err)
		names := regexp.MustCompile(`\bwxgate_[a-z_]+`).FindAllString(string(text), -1)
		if len(names) == 0 {
			t.Errorf("%s names no metric", file)
		}
		for _, name := range names {
			base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
			if !known[name] && !known[base] {
				t.Errorf("%s names %s, which docs/metrics.md doesn't", file, name)
			}
		}
	}
}
