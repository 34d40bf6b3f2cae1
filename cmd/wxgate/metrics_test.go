package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"wxgate/internal/config"
	"wxgate/internal/testkit"
)

// recordingRegistry records the metrics that every collector describes, whether they
// have series yet or not.
type recordingRegistry struct {
	*prometheus.Registry
	families map[string]string // name to labels
}

var descText = regexp.MustCompile(`^Desc\{fqName: "([^"]+)".* constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)

func (r *recordingRegistry) Register(c prometheus.Collector) error {
	found := make(chan *prometheus.Desc, 1000)
	c.Describe(found)
	close(found)
	for desc := range found {
		parts := descText.FindStringSubmatch(desc.String())
		labels := strings.Split(parts[3], ",")
		for _, constant := range regexp.MustCompile(`([a-z_]+)="`).FindAllStringSubmatch(parts[2], -1) {
			labels = append(labels, constant[1])
		}
		slices.Sort(labels)
		r.families[parts[1]] = strings.Trim(strings.Join(labels, ","), ",")
	}
	return r.Registry.Register(c)
}

func (r *recordingRegistry) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		if err := r.Register(c); err != nil {
			panic(err)
		}
	}
}

// documentedMetrics reads the table of docs/metrics.md: name to labels.
func documentedMetrics(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/metrics.md")
	testkit.Must(t, err)
	rows := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(wxgate_[a-z_]+)` \\| [a-z]+ \\| (.*?) \\| .+ \\|$").FindAllStringSubmatch(string(text), -1) {
		labels := strings.FieldsFunc(row[2], func(c rune) bool { return c == '`' || c == ',' || c == ' ' })
		slices.Sort(labels)
		rows[row[1]] = strings.Join(labels, ",")
	}
	return rows
}

func TestEveryMetricIsDocumented(t *testing.T) {
	t.Parallel()
	c, err := parse(t, withRequiredKeys(""))
	testkit.Must(t, err)
	reg := &recordingRegistry{prometheus.NewRegistry(), map[string]string{}}
	p, err := assembleWith(reg, c, newLogger(io.Discard, config.Log{}))
	testkit.Must(t, err)
	p.close()
	maps.DeleteFunc(reg.families, func(name, _ string) bool { return !strings.HasPrefix(name, "wxgate_") })
	rows := documentedMetrics(t)
	for name, labels := range reg.families {
		if documented, ok := rows[name]; !ok || documented != labels {
			t.Errorf("%s has the labels [%s]; docs/metrics.md says [%s] (%v)", name, labels, documented, ok)
		}
	}
	for name := range rows {
		if _, ok := reg.families[name]; !ok {
			t.Errorf("docs/metrics.md has %s, which does not exist", name)
		}
	}
	if !strings.HasPrefix(reg.families["wxgate_build_info"], "commit,") || len(reg.families) < 30 {
		t.Errorf("%d families: %v", len(reg.families), reg.families)
	}
}

// series returns the number of series of each metric.
func (i *instance) series() map[string]int {
	count := map[string]int{}
	for line := range strings.Lines(string(i.callAdmin("GET", "/metrics", "", "").Body)) {
		name, _, _ := strings.Cut(line, "{")
		if name, _, _ = strings.Cut(name, " "); strings.HasPrefix(name, "wxgate_") {
			count[name]++
		}
	}
	return count
}

func TestEachKindOfMetricIsExported(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(settings{
		"session": "{cache_ttl: 30s, stale_if_error: 1m}",
		"routes":  "[" + env.route("/api/", "rate_limit: 3/h") + ", " + fmt.Sprintf("{path: /down/, auth: none, upstreams: [\"http://%s\"]}]", closedPort(t)),
	})
	token := i.login("alice")
	for range 5 {
		i.call("GET", "/api/x", token, "")
	}
	i.openSocket(i.login("bob"))
	i.call("GET", "/down/x", "", "")
	i.call("POST", "/auth/login", "", `{"code":7}`)
	i.call("POST", "/auth/refresh", token, "")
	i.call("POST", "/auth/logout", token, "")
	if a := i.callAdmin("POST", "/wx/"+appA+"/wxa/getwxacodeunlimit", wechatToken, `{"scene":"a"}`); a.Status != http.StatusOK {
		t.Fatalf("relay: %v", a)
	}
	env.redis.Stop()
	i.call("POST", "/auth/login", "", fmt.Sprintf(`{"appid":%q,"code":"abcdefgh"}`, appA))
	for _, series := range []string{
		`wxgate_requests_total{method="GET",route="/api/",status="200"}`, `wxgate_requests_total{method="GET",route="/api/",status="429"}`,
		`wxgate_request_duration_seconds_count{route="/api/"}`, `wxgate_errors_total{code="rate_limited"}`,
		`wxgate_logins_total{appid="` + appA + `",outcome="ok"}`, `wxgate_logins_total{appid="-",outcome="bad_request"}`,
		`wxgate_wechat_calls_total{api="/sns/jscode2session",errcode="0"}`, `wxgate_wechat_token_refreshes_total{appid="` + appA + `",outcome="new"}`,
		"wxgate_sessions_started_total", "wxgate_sessions_cached", `wxgate_sessions_ended_total{cause="logout"}`,
		`wxgate_session_lookups_total{result="hit"}`, `wxgate_token_renewals_total`, "wxgate_rate_limited_total",
		"wxgate_live_streams", "wxgate_websockets_open", "wxgate_config_last_reload_successful",
		`wxgate_upstream_picks_total{group="/api/",target="` + env.backend.URL + `"}`, `wxgate_upstream_target_up{group="/api/",target="` + env.backend.URL + `"}`,
	} {
		if value := i.metric(series); value == "" || value == "0" {
			t.Errorf("%s is %q", series, value)
		}
	}
	for _, family := range []string{"wxgate_redis_errors_total", "wxgate_build_info", "wxgate_upstream_failures_total", "wxgate_redis_subscription_up"} {
		if i.series()[family] == 0 {
			t.Errorf("%s is not shown", family)
		}
	}
}

// Values that a client chooses must not become labels: the number of series, and with
// it the memory of the gateway and of Prometheus, would be unbounded.
func TestClientsCannotCreateMetricSeries(t *testing.T) {
	t.Parallel()
	i := newTestEnv(t).serve(nil)
	token := i.login("alice")
	spray := func(from, to int) {
		for n := from; n < to; n++ {
			i.call("GET", fmt.Sprintf("/api/%d", n), token, "")
			i.call("GET", fmt.Sprintf("/nowhere/%d", n), "", "")
			i.call("GET", fmt.Sprintf("/auth/%d", n), "", "")
			i.call(fmt.Sprintf("VERB%d", n), "/public/x", "", "")
			i.call("POST", "/auth/login", "", fmt.Sprintf(`{"appid":"wx%d","code":"abcdefgh%d"}`, n, n))
			i.call("POST", "/auth/login", "", fmt.Sprintf(`{"appid":%q,"code":"abcdefgh%d"}`, appA, n))
			i.callAdmin("GET", fmt.Sprintf("/wx/%s/wxa/x%d", appA, n), wechatToken, "")
			i.callAdmin("GET", fmt.Sprintf("/api/users/wx%d/x%d", n, n), adminToken, "")
		}
	}
	spray(0, 5)
	before := i.series()
	spray(5, 25)
	if after := i.series(); !maps.Equal(before, after) {
		t.Errorf("series before:\n%v\nand after:\n%v", before, after)
	}
}
