package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"
)

// Options are what stays for the life of a Store.
type Options struct {
	Redis    RedisOptions
	Settings Settings
	Now      func() time.Time      // nil: time.Now
	Log      *zap.Logger           // nil: none
	Registry prometheus.Registerer // nil: metrics are counted and shown nowhere
}

// Store is all that this package does. It may be used by any number of
// goroutines, and lives on through Configure.
type Store struct {
	redis    *backend
	keys     keys
	now      func() time.Time
	log      *zap.Logger
	metrics  *metrics
	instance string

	config     atomic.Pointer[config]
	configured sync.Mutex

	copies     *copies
	asking     singleflight.Group
	epoch      atomic.Uint32 // counts the times that events may have been missed
	subscribed atomic.Bool
	touches    chan *liveCopy
	watched    watchList
	renewals   *renewals
	assertions *assertions
	limits     *localLimits

	background sync.WaitGroup
	closing    context.Context
	close      context.CancelFunc
	stop       func() error
}

// Open starts a Store. It doesn't wait for Redis, which may come later: Ready
// tells. Errors are of the settings only.
func Open(o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	c, err := newConfig(o.Settings, o.Now)
	if err != nil {
		return nil, err
	}
	s := &Store{
		keys: keys{o.Redis.KeyPrefix}, now: o.Now, log: o.Log, instance: newID(), copies: newCopies(),
		touches: make(chan *liveCopy, touchQueue), renewals: newRenewals(), assertions: newAssertions(), limits: newLocalLimits(),
	}
	s.metrics = newMetrics(o.Registry, s)
	if s.redis, err = openBackend(o.Redis, s.metrics, s.log); err != nil {
		return nil, err
	}
	s.config.Store(c)
	s.closing, s.close = context.WithCancel(context.Background())
	s.stop = sync.OnceValue(func() error {
		s.close()
		s.background.Wait()
		return s.redis.shutdown()
	})
	for _, work := range []func(){s.listen, s.saveTouches, s.watchDeadlines} {
		s.background.Go(work)
	}
	return s, nil
}

// Configure replaces the settings. Tokens and sessions of the old ones stay
// good as far as the new secrets and the new issuer allow.
func (s *Store) Configure(settings Settings) error {
	c, err := newConfig(settings, s.now)
	if err != nil {
		return err
	}
	s.configured.Lock()
	defer s.configured.Unlock()
	s.forget(s.config.Swap(c).tokens, c.tokens)
	s.renewals.forget()
	return nil
}

// forget lets the tokens go that are good no longer, and only those: with its
// last token goes the copy of a session, which is needed when Redis is away.
func (s *Store) forget(old, now *tokens) {
	for hash, known := range s.copies.tokens.All() {
		if !now.accepts(old, known.key) {
			s.copies.tokens.Invalidate(hash)
		}
	}
}

// Close stops everything, after writing the last uses of sessions that are
// still on their way. It takes no longer than a second or two where Redis is
// away.
func (s *Store) Close() error { return s.stop() }

// Ready returns nil when Redis can be written to and endings on other
// instances are heard of, or what is wrong.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.redis.Set(ctx, s.keys.ready(), s.instance, 5*time.Second).Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if s.redis.gateOf(s.keys.ready()).shut.Load() {
		return unavailable("ready", errShut) // open again in a moment
	}
	if !s.subscribed.Load() {
		return fmt.Errorf("%w: %w", ErrUnavailable, errors.New("events of other instances are not received"))
	}
	return nil
}
