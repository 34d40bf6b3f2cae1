package deploy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"wxgate/internal/testkit"
)

// This is the part of deploy/check that needs no further modules: docs/metrics.md has every
// metric that an alert or the dashboard uses. A test of cmd/wxgate compares docs/metrics.md
// with the metrics that the gateway registers.
func TestAlertsAndDashboardUseDocumentedMetrics(t *testing.T) {
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
			t.Errorf("%s uses no metric", file)
		}
		for _, name := range names {
			base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
			if !known[name] && !known[base] {
				t.Errorf("%s uses %s, which docs/metrics.md doesn't have", file, name)
			}
		}
	}
}
