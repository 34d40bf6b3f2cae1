package check

import (
	"encoding/json"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// documentedMetrics returns the labels of each metric in docs/metrics.md. A test of
// cmd/wxgate compares that table with the metrics that the gateway registers.
func documentedMetrics(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	row := regexp.MustCompile("(?m)^\\| `(wxgate_[a-z_]+)` \\| ([a-z]+) \\| (.*?) \\| .+ \\|$")
	for _, m := range row.FindAllStringSubmatch(read(t, "../../docs/metrics.md"), -1) {
		labels := strings.FieldsFunc(m[3], func(c rune) bool { return strings.ContainsRune("`, ", c) })
		if m[2] == "histogram" {
			found[m[1]+"_bucket"] = append(slices.Clone(labels), "le")
			found[m[1]+"_sum"], found[m[1]+"_count"] = labels, labels
		} else {
			found[m[1]] = labels
		}
	}
	if len(found) < 30 {
		t.Fatalf("docs/metrics.md has only %d metrics", len(found))
	}
	return found
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAlertsAreValidAndUseDocumentedMetrics(t *testing.T) {
	groups, errs := rulefmt.ParseFile("../prometheus/alerts.yaml", false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	rules := 0
	for _, g := range groups.Groups {
		for _, rule := range g.Rules {
			rules++
			checkExpression(t, rule.Alert, rule.Expr)
			if rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("%s: a severity, a summary or a description is missing", rule.Alert)
			}
		}
	}
	if rules < 10 {
		t.Errorf("only %d rules", rules)
	}
}

// dashboard has the parts of Grafana's JSON that are checked.
type dashboard struct {
	UID    string
	Panels []struct {
		Type, Title string
		Targets     []struct{ Expr, LegendFormat string }
	}
	Templating struct {
		List []struct{ Name string }
	}
}

func TestDashboardUsesDocumentedMetrics(t *testing.T) {
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "../grafana/wxgate.json")), &d); err != nil {
		t.Fatal(err)
	}
	expressions := 0
	for _, p := range d.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %s has no query", p.Title)
		}
		for _, target := range p.Targets {
			expressions++
			checkExpression(t, p.Title, withoutVariables(target.Expr))
		}
	}
	if expressions < 30 {
		t.Errorf("only %d expressions", expressions)
	}
}

// withoutVariables replaces Grafana's variables with values.
func withoutVariables(expr string) string {
	return strings.NewReplacer("$__rate_interval", "1m", "$job", "wxgate", "$instance", ".*").Replace(expr)
}

// checkExpression checks every selector: the metric must be documented, or be one of
// clientMetrics, and must have the labels of its matchers. The labels of by (…) must be
// labels of the selectors inside.
func checkExpression(t *testing.T, where, expr string) {
	t.Helper()
	known := documentedMetrics(t)
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			checkSelector(t, where, n, known)
		case *parser.AggregateExpr:
			for _, label := range n.Grouping {
				if !slices.Contains(labelsIn(n.Expr, known), label) {
					t.Errorf("%s: by (%s): no metric inside has this label", where, label)
				}
			}
		}
		return nil
	})
}

// targetLabels are the labels that Prometheus adds to every series.
var targetLabels = []string{labels.MetricName, "job", "instance"}

func checkSelector(t *testing.T, where string, s *parser.VectorSelector, known map[string][]string) {
	t.Helper()
	ownLabels, ok := known[s.Name]
	if !ok && !slices.Contains(clientMetrics, s.Name) {
		t.Errorf("%s: unknown metric %q", where, s.Name)
	}
	for _, m := range s.LabelMatchers {
		if !slices.Contains(targetLabels, m.Name) && !slices.Contains(ownLabels, m.Name) {
			t.Errorf("%s: %s has no label %q", where, s.Name, m.Name)
		}
	}
}

// clientMetrics are the metrics of the Go client and of Prometheus itself that alerts and
// dashboard use.
var clientMetrics = []string{
	"up", "go_goroutines", "process_cpu_seconds_total", "process_max_fds", "process_open_fds", "process_resident_memory_bytes",
}

// labelsIn returns the labels of all selectors in an expression.
func labelsIn(expr parser.Expr, known map[string][]string) []string {
	all := slices.Clone(targetLabels)
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			all = append(all, known[s.Name]...)
		}
		return nil
	})
	return all
}
