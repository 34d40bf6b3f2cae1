package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"
)

// Store is the session store. It is safe for concurrent use.
type Store struct {
	redis    *redisClient
	keys     keys
	now      func() time.Time
	log      *zap.Logger
	metrics  *metrics
	instance string

	config      atomic.Pointer[activeConfig]
	configuring sync.Mutex // held during Configure

	cache      *cache
	apps       appEnds
	lookUps    singleflight.Group
	epoch      atomic.Uint32 // increased whenever events may have been missed
	subscribed atomic.Bool
	touches    chan *cachedSession
	watched    watchList
	renewals   *renewals
	assertions *assertions
	limits     *localLimits
	nonces     nonces
	userKeys   userKeys

	unpublished    chan string
	missed         atomic.Bool   // unpublished was full: an event was dropped
	signingAgain   chan struct{} // a semaphore: one element for each field that is being signed again
	loginResponses chan *call    // to be stored

	background sync.WaitGroup
	spawning   sync.RWMutex    // read-locked while background is added to, so that Close waits for everything
	ctx        context.Context // of the background goroutines; Close cancels it
	cancel     context.CancelFunc
	closeOnce  func() error
}

// Open starts a Store. It does not wait for Redis, see Ready. It returns an error only
// if the Config is invalid.
func Open(config Config) (*Store, error) {
	config = config.withDefaults()
	active, err := newActiveConfig(config, config.Now)
	if err != nil {
		return nil, err
	}
	s := &Store{
		keys: keys{config.Redis.KeyPrefix}, now: config.Now, log: config.Log, instance: newID(), cache: newCache(),
		touches: make(chan *cachedSession, touchQueue), renewals: newRenewals(), assertions: newAssertions(), limits: newLocalLimits(),
		nonces: newNonces(), userKeys: newUserKeys(),
		apps: appEnds{apps: map[string]appEnd{}}, unpublished: make(chan string, maxUnpublished), signingAgain: make(chan struct{}, maxSigningAgain),
		loginResponses: make(chan *call, batchSize),
	}
	s.metrics = newMetrics(config.Registry, s)
	if s.redis, err = openRedis(config.Redis, s.metrics, s.log); err != nil {
		return nil, err
	}
	s.config.Store(active)
	s.cache.resize(config.CacheSize)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.closeOnce = sync.OnceValue(func() error {
		s.spawning.Lock()
		s.cancel()
		s.spawning.Unlock()
		s.background.Wait()
		return s.redis.shutdown()
	})
	for _, work := range []func(){s.listen, s.saveTouches, s.watchDeadlines, s.publishAgain, s.saveResponses} {
		s.background.Go(work)
	}
	return s, nil
}

// Configure replaces the Config, except for what only Open reads. Tokens and sessions
// stay valid as far as the new secrets and issuer accept them.
func (s *Store) Configure(config Config) error {
	active, err := newActiveConfig(config.withDefaults(), s.now)
	if err != nil {
		return err
	}
	s.configuring.Lock()
	defer s.configuring.Unlock()
	s.removeRejectedTokens(s.config.Swap(active).tokens, active.tokens)
	s.removeUnconfiguredApps(active)
	s.cache.resize(active.CacheSize)
	s.renewals.clear()
	return nil
}

// removeRejectedTokens removes the cached tokens that the new secrets or issuer don't
// accept, and no others: a session is removed with its last token, and without it the
// user would be logged out while Redis is unreachable.
func (s *Store) removeRejectedTokens(previous, current *tokens) {
	s.cache.removeTokens(func(t *cachedToken) bool { return current.stillAccepts(previous, t.key) })
}

// spawn runs work in the background; Close waits for it. While the Store is being
// closed, it runs work in the caller's goroutine.
func (s *Store) spawn(work func()) {
	s.spawning.RLock()
	defer s.spawning.RUnlock()
	if s.ctx.Err() != nil {
		work()
		return
	}
	s.background.Go(work)
}

// Close writes the last uses of sessions that are not written yet, and stops
// everything. If Redis is unreachable, that takes up to two seconds.
func (s *Store) Close() error { return s.closeOnce() }

// Ready returns nil if Redis runs scripts that write and events of other instances are
// received; otherwise what fails.
func (s *Store) Ready(ctx context.Context) error {
	key := s.keys.probe("ready")
	if err := probeScript.Run(ctx, s.redis, []string{key}, s.instance, probeTTL.Milliseconds()).Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if s.redis.circuitOf(key).open.Load() {
		return unavailable("ready", errCircuitOpen) // until the background probe closes it
	}
	if !s.subscribed.Load() {
		return fmt.Errorf("%w: %w", ErrUnavailable, errors.New("events of other instances are not received"))
	}
	return nil
}
