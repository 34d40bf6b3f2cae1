package session

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.uber.org/zap"

	"wxgate/internal/sleep"
	"wxgate/internal/span"
)

// circuit is a circuit breaker for one Redis, or for a part of a cluster's slots. An
// operation that gets no reply opens it; a probe in the background that gets one
// closes it. So an unreachable Redis costs one timeout, not one for each request.
//
// gobreaker, which calls to WeChat use, probes a half-open circuit with a caller's
// request, after a fixed time. Here no request is used as the probe: each has
// something better to do than to wait for a second, and a probe is sent ten times a
// second.
type circuit struct {
	open      atomic.Bool
	slowUntil atomic.Int64 // Unix nanoseconds: until then a request of a cached session doesn't wait
}

func (c *circuit) isSlow() bool { return time.Now().UnixNano() < c.slowUntil.Load() }

// clusterCircuits is the number of parts into which the 16384 slots are divided: the
// failure of one master does not open the circuits of the others' slots.
const clusterCircuits = 16

// errCircuitOpen is returned at once while a circuit is open.
var errCircuitOpen = errors.New("redis did not respond a moment ago")

func (c *redisClient) circuitOf(key string) *circuit {
	if len(c.circuits) == 1 {
		return &c.circuits[0]
	}
	return &c.circuits[slot(key)*clusterCircuits/slots]
}

// do runs one operation on the slot of key, unless its circuit is open. It returns
// nil, redis.Nil, the error of the caller's context, or ErrUnavailable.
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

// classifyError converts an operation's error to one that do returns, and opens the
// circuit if there was no reply. An error that Redis sent doesn't open it: it came
// quickly, and may concern this command only.
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

// isReply reports whether Redis replied, even with an error.
func isReply(err error) bool {
	var reply redis.Error
	return err == nil || errors.As(err, &reply)
}

// probe closes the circuit as soon as Redis replies to a script that writes, as the
// operations do. A server that accepts only reads, for example during CLIENT PAUSE
// WRITE, must not close it.
func (c *redisClient) probe(circuit *circuit, key string) {
	for c.ctx.Err() == nil {
		if cluster, ok := c.UniversalClient.(*redis.ClusterClient); ok {
			cluster.ReloadState(c.ctx) // the client doesn't do so by itself for a node that only stops responding
		}
		if isReply(probeScript.Run(c.ctx, c.UniversalClient, []string{c.keys.probe(key)}, "", probeTTL.Milliseconds()).Err()) {
			circuit.open.Store(false)
			c.log.Info("redis responds again")
			return
		}
		sleep.For(c.ctx, probeInterval)
	}
}
