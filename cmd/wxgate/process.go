package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"wxgate/admin"
	"wxgate/internal/config"
	"wxgate/internal/tracing"
	"wxgate/proxy"
	"wxgate/proxy/upstream"
	"wxgate/session"
	"wxgate/wechat"
)

// process is the gateway and its dependencies, without listeners.
type process struct {
	log      *logger
	registry registry
	sessions *session.Store
	wechat   *wechat.Client
	gateway  *proxy.Gateway
	admin    *admin.Server
	tracing  *tracing.Provider // nil: off
	groups   upstreamGroups

	mu           sync.Mutex     // guards config and groups; held during a reload
	config       *config.Config // applied last
	startConfig  *config.Config // applied at the start
	certificates []*certificate // of the listeners
	draining     atomic.Bool
	reloads      reloadMetrics

	sampling     sync.WaitGroup // the goroutine of admin.Server.Run
	stopSampling context.CancelFunc
}

// registry registers and gathers metrics.
type registry interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// assemble builds the gateway from a config. It does not wait for Redis: without it
// the gateway is alive, but not ready.
func assemble(c *config.Config, log *logger) (*process, error) {
	return assembleWith(prometheus.NewRegistry(), c, log)
}

func assembleWith(metrics registry, c *config.Config, log *logger) (*process, error) {
	p := &process{log: log, config: c, startConfig: c, registry: metrics}
	registerProcessMetrics(p.registry)
	console := newConsoleRegistry(p.registry)
	p.reloads = newReloadMetrics(console)
	p.registry.MustRegister(log.out.dropped)
	p.groups = upstreamGroups{metrics: upstream.NewMetrics(p.registry), log: log}

	if err := p.openClients(console); err != nil {
		return nil, err
	}
	update := p.groups.begin()
	public, err := proxyConfig(c, update.group)
	if err != nil {
		update.rollback()
		p.closeClients()
		return nil, err
	}
	update.commit()
	p.gateway = proxy.New(proxy.Options{
		Sessions: p.sessions, WeChat: p.wechat, Metrics: proxy.NewMetrics(console), Log: log.Logger, Now: time.Now,
		Tracer: p.tracing.Tracer(),
	}, public)
	p.admin = admin.New(admin.Options{
		Sessions: p.sessions, WeChat: p.wechat, Metrics: p.registry, Log: log.Named("admin"),
		Gateway: p.adminGateway(), ConsoleMetrics: console.console, Draining: p.draining.Load,
	}, adminConfig(c))
	p.startSampling()
	return p, nil
}

// openClients opens the session store, the WeChat client and the tracing provider.
func (p *process) openClients(console consoleRegistry) error {
	sessions := sessionConfig(p.config)
	sessions.Log, sessions.Registry = p.log.Named("session"), console
	var err error
	if p.sessions, err = session.Open(sessions); err != nil {
		return err
	}
	p.wechat, err = wechat.New(wechat.Options{
		Tokens: p.sessions.AccessTokens(), Now: time.Now, Log: p.log.Named("wechat"), Registry: p.registry,
	}, wechatConfig(p.config))
	if err != nil {
		p.sessions.Close()
		return err
	}
	if p.tracing, err = tracing.New(tracingConfig(p.config, p.log, p.registry)); err != nil {
		p.closeClients()
		return fmt.Errorf("tracing: %w", err)
	}
	return nil
}

// closeClients sends the last spans, and closes the connections to WeChat and Redis.
func (p *process) closeClients() {
	p.tracing.Shutdown(context.Background())
	p.wechat.Close()
	if err := p.sessions.Close(); err != nil {
		p.log.Warn("closing the session store", zap.Error(err))
	}
}

// startSampling starts the goroutine that samples the console's metrics.
func (p *process) startSampling() {
	ctx, stop := context.WithCancel(context.Background())
	p.stopSampling = stop
	p.sampling.Go(func() { p.admin.Run(ctx) })
}

// registerProcessMetrics registers the metrics of the build, the Go runtime and the
// process.
func registerProcessMetrics(reg prometheus.Registerer) {
	b := currentBuild()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "wxgate_build_info", Help: "Always 1; the labels say which build runs.",
		ConstLabels: prometheus.Labels{"version": b.Version, "commit": b.Commit, "go_version": b.Go},
	})
	build.Set(1)
	reg.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

// close stops what assemble started. It is called after the listeners have stopped.
func (p *process) close() {
	p.stopSampling()
	p.sampling.Wait()
	for _, used := range p.groups.inUse {
		used.group.Close()
	}
	p.closeClients()
}
