package session

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"wxgate/secret"
)

// RedisOptions says where Redis is. The zero value is a Redis within this
// process, for one instance, lost when it stops.
type RedisOptions struct {
	Addrs      []string // host:port; of the Sentinels where MasterName is set
	Username   string   // ACL user, empty for the default one
	Password   secret.Text
	DB         int    // 0 in a cluster
	MasterName string // set: Addrs are Sentinels
	Cluster    bool
	TLS        bool   // certificates checked against the system's pool
	KeyPrefix  string // leads every key and every channel
}

// Redis answers in well under a millisecond. What takes so long is sick, and a
// request has better ways to go on than to wait for it.
const (
	redisTimeout  = time.Second
	redisPoolLow  = 32 // connections at least, where the machine has few cores
	probeInterval = 200 * time.Millisecond
)

// backend is the way to Redis: the client and what keeps it from being asked
// when it doesn't answer.
type backend struct {
	redis.UniversalClient
	keys    keys
	metrics *metrics
	gates   []gate // one, or a few for the slots of a cluster
	memory  *miniredis.Miniredis
	closing context.Context
	close   context.CancelFunc
	probes  sync.WaitGroup
}

// clusterGates is how many parts the 16384 slots are watched in, so that one
// master's death doesn't shut the others' slots.
const clusterGates = 16

func openBackend(o RedisOptions, m *metrics) (*backend, error) {
	redis.SetLogger(silent{})
	b := &backend{keys: keys{o.KeyPrefix}, metrics: m, gates: make([]gate, 1)}
	if o.Cluster {
		b.gates = make([]gate, clusterGates)
	}
	if len(o.Addrs) == 0 {
		memory, err := openMemory()
		if err != nil {
			return nil, err
		}
		b.memory = memory
		o = RedisOptions{Addrs: []string{memory.Addr()}}
	}
	b.UniversalClient = redis.NewUniversalClient(clientOptions(o))
	b.closing, b.close = context.WithCancel(context.Background())
	return b, nil
}

// openMemory starts the Redis within this process. Its time to live runs with
// the clock only on request.
func openMemory() (*miniredis.Miniredis, error) {
	memory, err := miniredis.Run()
	if err != nil {
		return nil, fmt.Errorf("in-process store: %w", err)
	}
	memory.ClockTTL(true)
	return memory, nil
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
		options.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
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
	g := b.gateOf(key)
	if g.shut.Load() {
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, operation, errShut)
	}
	err := do(ctx)
	if err == nil || errors.Is(err, redis.Nil) {
		return err
	}
	if ctx.Err() == nil {
		b.metrics.redisErrors.WithLabelValues(operation).Inc()
		b.judge(g, key, err)
	}
	return unavailable(ctx, operation, err)
}

// judge shuts the gate where there was no answer. An error that Redis itself
// sent came quickly and may be of this one command.
func (b *backend) judge(g *gate, key string, err error) {
	var reply redis.Error
	if errors.As(err, &reply) || !g.shut.CompareAndSwap(false, true) {
		return
	}
	b.probes.Go(func() { b.probe(g, key) })
}

// probe opens the gate as soon as Redis says anything about the key.
func (b *backend) probe(g *gate, key string) {
	for b.closing.Err() == nil {
		err := b.Exists(b.closing, key).Err()
		var reply redis.Error
		if err == nil || errors.As(err, &reply) {
			g.shut.Store(false)
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
		return nil, fmt.Errorf("%w: %s: unexpected answer", ErrUnavailable, s.name)
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
		return 0, fmt.Errorf("%w: %s: unexpected answer", ErrUnavailable, s.name)
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
