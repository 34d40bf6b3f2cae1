package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.uber.org/zap"

	"wxgate/secret"
)

// RedisOptions says where Redis is, 6.2 or later. The zero value is a Redis
// within this process, for one instance, lost when it stops.
//
// An ACL user needs the keys and the channels under KeyPrefix, and the commands
// eval evalsha get set del exists pexpire pttl time hget hset hsetnx hmget
// hgetall hdel hexists hkeys publish subscribe ping; in a cluster also cluster|slots.
// Sentinels are asked without a password.
type RedisOptions struct {
	Addrs      []string // host:port; of the Sentinels where MasterName is set
	Username   string   // ACL user, empty for the default one
	Password   secret.Text
	DB         int    // 0 in a cluster
	MasterName string // set: Addrs are Sentinels
	Cluster    bool
	TLS        bool
	RootCAs    *x509.CertPool // that certificates are checked against; nil: the system's
	KeyPrefix  string         // leads every key and every channel
}

// Redis answers in well under a millisecond. What takes so long is sick, and a
// request has better ways to go on than to wait for it.
const (
	redisTimeout  = time.Second
	redisPoolLow  = 32 // connections at least, where the machine has few cores
	probeInterval = 100 * time.Millisecond
	clusterReload = 10 * time.Second // for slots that have moved without a word
)

// backend is the way to Redis: the client and what keeps it from being asked
// when it doesn't answer.
type backend struct {
	redis.UniversalClient
	metrics *metrics
	log     *zap.Logger
	gates   []gate // one, or a few for the slots of a cluster
	memory  *miniredis.Miniredis
	closing context.Context
	close   context.CancelFunc
	probes  sync.WaitGroup
}

// clusterGates is how many parts the 16384 slots are watched in, so that one
// master's death doesn't shut the others' slots.
const clusterGates = 16

func openBackend(o RedisOptions, m *metrics, log *zap.Logger) (*backend, error) {
	redis.SetLogger(silent{})
	b := &backend{metrics: m, log: log, gates: make([]gate, 1)}
	if o.Cluster {
		b.gates = make([]gate, clusterGates)
	}
	if len(o.Addrs) == 0 {
		password := newID() // it listens on loopback, where others may be
		memory, err := openMemory(password)
		if err != nil {
			return nil, err
		}
		b.memory = memory
		o = RedisOptions{Addrs: []string{memory.Addr()}, Password: secret.Text(password)}
	}
	b.UniversalClient = newClient(o)
	b.closing, b.close = context.WithCancel(context.Background())
	return b, nil
}

// openMemory starts the Redis within this process. Its time to live runs with
// the clock only on request.
func openMemory(password string) (*miniredis.Miniredis, error) {
	memory, err := miniredis.Run()
	if err != nil {
		return nil, fmt.Errorf("in-process store: %w", err)
	}
	memory.RequireAuth(password)
	memory.ClockTTL(true)
	return memory, nil
}

func newClient(o RedisOptions) redis.UniversalClient {
	options := clientOptions(o)
	if !o.Cluster {
		return redis.NewUniversalClient(options)
	}
	cluster := options.Cluster()
	cluster.ClusterStateReloadInterval = clusterReload
	return redis.NewClusterClient(cluster)
}

func clientOptions(o RedisOptions) *redis.UniversalOptions {
	options := &redis.UniversalOptions{
		Addrs: o.Addrs, Username: o.Username, Password: o.Password.Reveal(), DB: o.DB,
		MasterName: o.MasterName, IsClusterMode: o.Cluster,
		Protocol:    2,
		DialTimeout: redisTimeout, ReadTimeout: redisTimeout, WriteTimeout: redisTimeout, PoolTimeout: redisTimeout,
		DialerRetries: 1, MaxRetries: 1, // one more, for a connection that died unnoticed; every script bears it
		PoolSize:         max(redisPoolLow, 10*runtime.GOMAXPROCS(0)),
		PipelinePoolSize: -1,
		// CLIENT SETINFO and MAINT_NOTIFICATIONS ask for more rights than an ACL user needs.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		ReadBufferSize:           8 << 10, WriteBufferSize: 8 << 10,
	}
	if o.TLS {
		options.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs}
	}
	if !o.Cluster && o.MasterName == "" {
		options.Addrs = o.Addrs[:1] // more than one would mean a cluster to the client
	}
	return options
}

func (b *backend) shutdown() error {
	b.close()
	b.probes.Wait()
	err := b.UniversalClient.Close()
	if b.memory != nil {
		b.memory.Close()
	}
	return err
}

// hungUp tells of a connection that was closed: the next one may do better.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// errAnswer is of an answer that no script gives.
var errAnswer = errors.New("unexpected answer")

// errShut is what a shut gate says at once.
var errShut = errors.New("redis did not answer a moment ago")

// gate is shut by an operation that got no answer and opened by a probe that
// got one, so that a dead Redis costs a time-out now and then, not each
// request one.
type gate struct{ shut atomic.Bool }

// ask runs one operation on the slot of key, unless its gate is shut. The
// error is nil, redis.Nil, the caller's own context's, or ErrUnavailable.
func (b *backend) ask(ctx context.Context, operation, key string, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.gateOf(key).shut.Load() {
		return unavailable(operation, errShut)
	}
	return b.judge(ctx, operation, key, do(ctx))
}

// judge makes an operation's error one of those that ask returns, and shuts
// the gate where there was no answer at all. An error that Redis itself sent
// came quickly and may be of this one command.
func (b *backend) judge(ctx context.Context, operation, key string, err error) error {
	if err == nil || errors.Is(err, redis.Nil) {
		return err
	}
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	b.metrics.redisErrors.WithLabelValues(operation).Inc()
	if g := b.gateOf(key); !answered(err) && !hungUp(err) && g.shut.CompareAndSwap(false, true) {
		b.log.Warn("redis does not answer", zap.String("operation", operation), zap.Error(err))
		b.probes.Go(func() { b.probe(g, key) })
	}
	return unavailable(operation, err)
}

// answered tells whether Redis said something, be it an error.
func answered(err error) bool {
	var reply redis.Error
	return err == nil || errors.As(err, &reply)
}

// probe opens the gate as soon as Redis says anything about the key.
func (b *backend) probe(g *gate, key string) {
	for b.closing.Err() == nil {
		if cluster, ok := b.UniversalClient.(*redis.ClusterClient); ok {
			cluster.ReloadState(b.closing) // which the client doesn't for a node that is merely dead
		}
		if answered(b.Exists(b.closing, key).Err()) {
			g.shut.Store(false)
			b.log.Info("redis answers again")
			return
		}
		sleep(b.closing, probeInterval)
	}
}

func (b *backend) gateOf(key string) *gate {
	if len(b.gates) == 1 {
		return &b.gates[0]
	}
	return &b.gates[slot(key)*clusterGates/slots]
}

// run evaluates a script whose first key is keys[0], by its hash.
func (b *backend) run(ctx context.Context, s script, keys []string, args ...any) (any, error) {
	var answer any
	err := b.ask(ctx, s.name, keys[0], func(ctx context.Context) (err error) {
		answer, err = s.Run(ctx, b.UniversalClient, keys, args...).Result()
		return err
	})
	return answer, err
}

// runList is run for a script that answers with a list.
func (b *backend) runList(ctx context.Context, s script, keys []string, args ...any) ([]any, error) {
	answer, err := b.run(ctx, s, keys, args...)
	if err != nil {
		return nil, err
	}
	list, ok := answer.([]any)
	if !ok {
		return nil, unavailable(s.name, errAnswer)
	}
	return list, nil
}

// runInt is run for a script that answers with a number.
func (b *backend) runInt(ctx context.Context, s script, keys []string, args ...any) (int64, error) {
	answer, err := b.run(ctx, s, keys, args...)
	if err != nil {
		return 0, err
	}
	n, ok := answer.(int64)
	if !ok {
		return 0, unavailable(s.name, errAnswer)
	}
	return n, nil
}

const slots = 16384

// slot is the cluster's slot of a key: CRC16/XMODEM of its hash tag.
// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
func slot(key string) int {
	if _, rest, found := strings.Cut(key, "{"); found {
		if tag, _, closed := strings.Cut(rest, "}"); closed && tag != "" {
			key = tag
		}
	}
	crc := uint16(0)
	for i := range len(key) {
		crc ^= uint16(key[i]) << 8
		for range 8 {
			crc = crc<<1 ^ crc>>15*0x1021
		}
	}
	return int(crc) % slots
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// silent drops what the client library would print on stderr: each failure
// comes back as an error and is counted and logged here.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}
