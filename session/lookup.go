package session

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// sharedTimeout bounds a look-up that several requests wait for.
	sharedTimeout = 3 * time.Second

	// cachedTimeout bounds how long a request of a cached session waits: StaleIfError may
	// still allow it.
	cachedTimeout = 250 * time.Millisecond
)

// errNoReply is returned if Redis does not reply in time.
var errNoReply = fmt.Errorf("%w: load: no reply in time", ErrUnavailable)

// versionedReply is a reply shared by all callers that wait for it.
type versionedReply struct {
	storedSession
	version readVersion
}

// lookUp loads a session from Redis, once for all concurrent callers, and waits up to
// timeout. After a timeout, requests of cached sessions do not wait for the same Redis
// for a while. The end of one caller's context does not cancel the look-up for the
// others. If CacheTTL is zero, each call is a look-up of its own, since a shared reply
// may be older than the call.
func (s *Store) lookUp(ctx context.Context, sid, field string, timeout time.Duration) (storedSession, readVersion, error) {
	circuit := s.redis.circuitOf(s.keys.sessions(tagOf(sid)))
	if timeout == cachedTimeout && circuit.isSlow() {
		return storedSession{}, readVersion{}, errNoReply
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return storedSession{}, readVersion{}, ctx.Err()
	case <-timer.C:
		circuit.slowUntil.Store(time.Now().Add(redisTimeout).UnixNano())
		return storedSession{}, readVersion{}, errNoReply
	case result := <-s.startLookUp(ctx, sid, field):
		r, _ := result.Val.(versionedReply)
		return r.storedSession, r.version, result.Err
	}
}

func (s *Store) startLookUp(ctx context.Context, sid, field string) <-chan singleflight.Result {
	load := func() (any, error) {
		loadCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sharedTimeout)
		defer cancel()
		r, err := s.lookUpUnshared(loadCtx, sid, field)
		s.redis.circuitOf(s.keys.sessions(tagOf(sid))).slowUntil.Store(0)
		if loadCtx.Err() != nil {
			err = errNoReply // callers must not take this for the end of their own context
		}
		return r, err
	}
	if s.config.Load().CacheTTL > 0 {
		return s.lookUps.DoChan(sid+field, load)
	}
	result := make(chan singleflight.Result, 1)
	go func() {
		r, err := load()
		result <- singleflight.Result{Val: r, Err: err}
	}()
	return result
}

func (s *Store) lookUpUnshared(ctx context.Context, sid, field string) (versionedReply, error) {
	v := s.cache.readVersion(sid, s.now(), s.epoch.Load())
	r, err := s.load(ctx, sid, field)
	if err == nil {
		s.signAgain(r.outdated)
		err = s.checkApp(ctx, r)
	}
	return versionedReply{r, v}, err
}
