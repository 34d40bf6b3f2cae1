package main

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"wxgate/internal/config"
	"wxgate/internal/testkit"
)

// gateway starts a gateway that reloads its configuration only when the test calls
// reload.
func (env *testEnv) gateway(changes settings) *gateway {
	env.t.Helper()
	file := filepath.Join(env.t.TempDir(), "config.yaml")
	writeFile(env.t, file, env.config(changes), 0o600)
	cfg, err := config.Load(file, environmentOf(nil))
	testkit.Must(env.t, err)
	out := &testkit.Buffer{}
	p, err := assemble(cfg, newLogger(out, cfg.Log))
	testkit.Must(env.t, err)
	listeners, err := p.listen(p.gateway, &inheritedListeners{})
	testkit.Must(env.t, err)
	env.run(listeners)
	url := func(ln net.Listener) string { return "http://" + ln.Addr().String() }
	f := &gateway{process: p, instance: &instance{
		env: env, file: file, public: url(listeners.publicLn), private: url(listeners.privateLn), out: out, read: out.String,
		client: &http.Client{Transport: &http.Transport{}, Timeout: time.Minute},
	}}
	testkit.Eventually(env.t, "ready", func() bool { return f.ready() == http.StatusOK })
	return f
}

// run serves until the test ends.
func (env *testEnv) run(l *listeners) {
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- l.wait(ctx, l.start(), nil) }()
	env.t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			env.t.Error(err)
		}
		l.p.close()
		l.p.log.close()
	})
}

// total adds up the series of a metric that have the label.
func (f *gateway) total(metric, label string) (sum float64) {
	f.env.t.Helper()
	for line := range strings.Lines(string(f.callAdmin("GET", "/metrics", "", "").Body)) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil && strings.HasPrefix(series, metric) && strings.Contains(series, label) {
			sum += n
		}
	}
	return sum
}
