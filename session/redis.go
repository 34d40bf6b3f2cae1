package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.uber.org/zap"

	"wxgate/secret"
)

// RedisConfig is the address of Redis 6.2 or later, and how to connect. The zero value is
// an in-process Redis for one instance, whose data is lost when it stops.
//
// An ACL user needs the keys and the channels under KeyPrefix, and the commands
// eval evalsha get set del exists pexpire pttl hget hset hmget hgetall hdel
// hexists hkeys xadd xrevrange publish subscribe ping; in a cluster also
// cluster|slots. Without xadd and xrevrange only the audit trail doesn't work.
// The ACL user of a Sentinel needs sentinel|get-master-addr-by-name, sentinel|sentinels and
// sentinel|replicas, subscribe and ping.
type RedisConfig struct {
	Addrs      []string // host:port; of the Sentinels if MasterName is set
	Username   string   // ACL user, empty for the default one
	Password   secret.Text
	DB         int    // 0 in a cluster
	MasterName string // set: Addrs are Sentinels

	SentinelUsername string // of the Sentinels, which have users and passwords of their own
	SentinelPassword secret.Text

	Cluster   bool
	TLS       bool
	RootCAs   *x509.CertPool // CAs that verify the server's certificate; nil: the system's
	KeyPrefix string         // prefix of every key and channel
}

// Redis replies in well under a millisecond. A request does not wait for one that takes longer
// than redisTimeout: it uses the cached session, or fails.
const (
	redisTimeout  = time.Second
	minRedisPool  = 32 // connections; more on machines with many cores
	probeInterval = 100 * time.Millisecond
	probeTTL      = 5 * time.Second
	clusterReload = 10 * time.Second // for slots that have moved without a MOVED reply
)

// redisClient is the connection to Redis with its circuit breakers.
type redisClient struct {
	redis.UniversalClient
	metrics  *metrics
	log      *zap.Logger
	keys     keys
	circuits []circuit // one, or clusterCircuits of a cluster
	memory   *miniredis.Miniredis
	ctx      context.Context // of the probes; shutdown cancels it
	cancel   context.CancelFunc
	probes   sync.WaitGroup
}

func openRedis(o RedisConfig, m *metrics, log *zap.Logger) (*redisClient, error) {
	redis.SetLogger(noLogger{})
	c := &redisClient{metrics: m, log: log, keys: keys{o.KeyPrefix}, circuits: make([]circuit, 1)}
	if o.Cluster {
		c.circuits = make([]circuit, clusterCircuits)
	}
	if len(o.Addrs) == 0 {
		password := newID() // other programs on this machine could connect to it
		memory, err := openMemory(password)
		if err != nil {
			return nil, err
		}
		c.memory = memory
		o = RedisConfig{Addrs: []string{memory.Addr()}, Password: secret.Text(password)}
	}
	c.UniversalClient = newClient(o)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

func newClient(o RedisConfig) redis.UniversalClient {
	options := clientOptions(o)
	if !o.Cluster {
		return redis.NewUniversalClient(options)
	}
	cluster := options.Cluster()
	cluster.ClusterStateReloadInterval = clusterReload
	return redis.NewClusterClient(cluster)
}

func clientOptions(o RedisConfig) *redis.UniversalOptions {
	options := &redis.UniversalOptions{
		Addrs: o.Addrs, Username: o.Username, Password: o.Password.Reveal(), DB: o.DB,
		MasterName: o.MasterName, SentinelUsername: o.SentinelUsername, SentinelPassword: o.SentinelPassword.Reveal(),
		IsClusterMode: o.Cluster,
		Protocol:      2,
		DialTimeout:   redisTimeout, ReadTimeout: redisTimeout, WriteTimeout: redisTimeout, PoolTimeout: redisTimeout,
		DialerRetries: 1, MaxRetries: 1, // one more, for a connection that broke unnoticed; every script may be run twice
		PoolSize:         max(minRedisPool, 10*runtime.GOMAXPROCS(0)),
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
		options.Addrs = o.Addrs[:1] // the client takes several addresses for a cluster
	}
	return options
}

func (c *redisClient) shutdown() error {
	c.cancel()
	c.probes.Wait()
	err := c.UniversalClient.Close()
	if c.memory != nil {
		c.memory.Close()
	}
	return err
}

// connectionClosed reports whether the server closed the connection. An operation on
// another connection may succeed.
func connectionClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// errUnexpectedReply is returned for a reply that no script returns.
var errUnexpectedReply = errors.New("unexpected reply")

// run runs a script by its hash. keys[0] determines the circuit.
func (c *redisClient) run(ctx context.Context, s script, keys []string, args ...any) (any, error) {
	var result any
	err := c.do(ctx, s.name, keys[0], func(ctx context.Context) (err error) {
		result, err = s.Run(ctx, c.UniversalClient, keys, args...).Result()
		return err
	})
	return result, err
}

// runList is run for a script that returns a list.
func (c *redisClient) runList(ctx context.Context, s script, keys []string, args ...any) ([]any, error) {
	result, err := c.run(ctx, s, keys, args...)
	if err != nil {
		return nil, err
	}
	list, ok := result.([]any)
	if !ok {
		return nil, unavailable(s.name, errUnexpectedReply)
	}
	return list, nil
}

// runInt is run for a script that returns a number.
func (c *redisClient) runInt(ctx context.Context, s script, keys []string, args ...any) (int64, error) {
	result, err := c.run(ctx, s, keys, args...)
	if err != nil {
		return 0, err
	}
	n, ok := result.(int64)
	if !ok {
		return 0, unavailable(s.name, errUnexpectedReply)
	}
	return n, nil
}

// noLogger discards what the client library would print on stderr: each failure is
// returned as an error, and counted and logged here.
type noLogger struct{}

func (noLogger) Printf(context.Context, string, ...any) {}

// isMissing reports whether a key or field doesn't exist. It doesn't use errors.Is: if
// no Sentinel knows the master, the client's error wraps redis.Nil, and an outage must
// not be taken for a missing record.
func isMissing(err error) bool { return err == redis.Nil }
