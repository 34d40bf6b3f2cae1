package session

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.uber.org/zap"

	"wxgate/internal/sleep"
	"wxgate/internal/span"
)

// circuit is a circuit breaker for one Redis, or for one part of a cluster's
// slots. An operation that got no reply opens it, and a probe in the background
// that got one closes it, so that a dead Redis costs one time-out and not one
// for each request.
//
// gobreaker, which the calls to WeChat use, tries a half-open circuit with a
// caller's own request and waits a fixed time before. Here no request may be
// the probe, since each has a better way to go on than to wait a second, and
// the probe comes ten times a second.
type circuit struct {
	open      atomic.Bool
	slowUntil atomic.Int64 // Unix nanoseconds: until then a request of a cached session doesn't wait
}

func (c *circuit) isSlow() bool { return time.Now().UnixNano() < c.slowUntil.Load() }

// clusterCircuits is how many parts the 16384 slots are divided into, so that one
// master's death doesn't open the circuit for the others' slots.
const clusterCircuits = 16

// errCircuitOpen is returned at once while a circuit is open.
var errCircuitOpen = errors.New("redis did not respond a moment ago")

func (c *redisClient) circuitOf(key string) *circuit {
	if len(c.circuits) == 1 {
		return &c.circuits[0]
	}
	return &c.circuits[slot(key)*clusterCircuits/slots]
}

// do runs one operation on the slot of key, unless its circuit is open. The
// error is nil, redis.Nil, the caller's own context's, or ErrUnavailable.
func (c *redisClient) do(ctx context.Context, operation, key string, run func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.circuitOf(key).open.Load() {
		return unavailable(operation, errCircuitOpen)
	}
	ctx, end := span.StartClient(ctx, "Redis "+operation, semconv.DBSystemNameRedis, semconv.DBOperationName(operation))
	err := c.classifyError(ctx, operation, key, run(ctx))
	if isMissing(err) {
		end(nil)
	} else {
		end(err)
	}
	return err
}

// classifyError makes an operation's error one of those that do returns, and
// opens the circuit where there was no reply at all. An error that Redis itself
// sent came quickly and may be of this one command.
func (c *redisClient) classifyError(ctx context.Context, operation, key string, err error) error {
	if err == nil || isMissing(err) {
		return err
	}
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	c.metrics.redisErrors.WithLabelValues(operation).Inc()
	if circuit := c.circuitOf(key); !isReply(err) && !connectionClosed(err) && circuit.open.CompareAndSwap(false, true) {
		c.log.Warn("redis does not respond", zap.String("operation", operation), zap.Error(err))
		c.probes.Go(func() { c.probe(circuit, key) })
	}
	return unavailable(operation, err)
}

// isReply reports whether Redis replied, be it with an error.
func isReply(err error) bool {
	var reply redis.Error
	return err == nil || errors.As(err, &reply)
}

// probe closes the circuit as soon as Redis replies to a script that writes, as the
// operations do. A server that takes reads alone, during a CLIENT PAUSE WRITE for
// example, would otherwise close it too early.
func (c *redisClient) probe(circuit *circuit, key string) {
	for c.ctx.Err() == nil {
		if cluster, ok := c.UniversalClient.(*redis.ClusterClient); ok {
			cluster.ReloadState(c.ctx) // which the client doesn't for a node that is merely dead
		}
		if isReply(probeScript.Run(c.ctx, c.UniversalClient, []string{c.keys.probe(key)}, "", probeTTL.Milliseconds()).Err()) {
			circuit.open.Store(false)
			c.log.Info("redis responds again")
			return
		}
		sleep.For(c.ctx, probeInterval)
	}
}

const slots = 16384

// slot is the cluster's slot of a key: CRC16/XMODEM of its hash tag.
// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
func slot(key string) int {
	if tag, ok := hashTag(key); ok {
		key = tag
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

// hashTag is the part of a key in braces, which alone decides on its slot.
func hashTag(key string) (tag string, ok bool) {
	_, rest, _ := strings.Cut(key, "{")
	tag, _, closed := strings.Cut(rest, "}")
	return tag, closed && tag != ""
}
