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

// process is the gateway with its dependencies, listening nowhere yet.
type process struct {
	log      *logger
	registry registry
	sessions *session.Store
	wechat   *wechat.Client
	gateway  *proxy.Gateway
	admin    *admin.Server
	tracing  *tracing.Provider // nil: off
	groups   groups

	mu           sync.Mutex     // one reload at a time
	config       *config.Config // in force
	startConfig  *config.Config // at the start
	certificates []*certificate // of the listeners
	draining     atomic.Bool
	reloads      reloadMetrics

	figures     sync.WaitGroup // what the console shows, taken by a clock
	stopFigures context.CancelFunc
}

// registry is where metrics are registered and read.
type registry interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// assemble builds the gateway from a config. It does not wait for Redis: while
// that is away the gateway is alive and not ready.
func assemble(c *config.Config, log *logger) (*process, error) {
	return assembleWith(prometheus.NewRegistry(), c, log)
}

func assembleWith(metrics registry, c *config.Config, log *logger) (*process, error) {
	p := &process{log: log, config: c, startConfig: c, registry: metrics}
	describeProcess(p.registry)
	figures := newFiguresRegistry(p.registry)
	p.reloads = newReloadMetrics(figures)
	p.registry.MustRegister(log.out.dropped)
	p.groups = groups{metrics: upstream.NewMetrics(p.registry), log: log}

	var err error
	sessions := sessionConfig(c)
	sessions.Log, sessions.Registry = log.Named("session"), figures
	p.sessions, err = session.Open(sessions)
	if err != nil {
		return nil, err
	}
	p.wechat, err = wechat.New(wechat.Options{
		Tokens: p.sessions.AccessTokens(), Now: time.Now, Log: log.Named("wechat"), Registry: p.registry,
	}, wechatConfig(c))
	if err != nil {
		p.sessions.Close()
		return nil, err
	}

	p.tracing, err = tracing.New(tracingConfig(c, log, p.registry))
	if err != nil {
		p.sessions.Close()
		return nil, fmt.Errorf("tracing: %w", err)
	}
	gen := p.groups.begin()
	public, err := proxyConfig(c, gen.group)
	if err != nil {
		gen.rollback()
		p.sessions.Close()
		return nil, err
	}
	gen.commit()
	p.gateway = proxy.New(proxy.Options{
		Sessions: p.sessions, WeChat: p.wechat, Metrics: proxy.NewMetrics(figures), Log: log.Logger, Now: time.Now,
		Tracer: p.tracing.Tracer(),
	}, public)
	p.admin = admin.New(admin.Options{
		Sessions: p.sessions, WeChat: p.wechat, Metrics: p.registry, Log: log.Named("admin"),
		Gateway: p.adminGateway(), Figures: figures.figures, Draining: p.draining.Load,
	}, adminConfig(c))
	p.startFigures()
	return p, nil
}

func (p *process) startFigures() {
	ctx, stop := context.WithCancel(context.Background())
	p.stopFigures = stop
	p.figures.Go(func() { p.admin.Run(ctx) })
}

// describeProcess registers what is known of the build and the process.
func describeProcess(reg prometheus.Registerer) {
	b := currentBuild()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "wxgate_build_info", Help: "Always 1; the labels say which build runs.",
		ConstLabels: prometheus.Labels{"version": b.Version, "commit": b.Commit, "go_version": b.Go},
	})
	build.Set(1)
	reg.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

// close ends what assemble started, after the listeners have stopped.
func (p *process) close() {
	p.stopFigures()
	p.figures.Wait()
	p.tracing.Shutdown(context.Background())
	for _, used := range p.groups.inUse {
		used.group.Close()
	}
	if err := p.sessions.Close(); err != nil {
		p.log.Warn("closing the session store", zap.Error(err))
	}
}
