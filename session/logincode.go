package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wxgate/internal/sleep"
)

const (
	claimTTL        = 5 * time.Minute  // WeChat's own codes are valid as long
	responseTTL     = 60 * time.Second // for a client that did not receive it
	waitTimeout     = 15 * time.Second // for the response of another request
	useTimeout      = 30 * time.Second // for do, once its client has disconnected
	storeTimeout    = 5 * time.Second  // until the response of do is stored
	minPollInterval = 20 * time.Millisecond
	maxPollInterval = 200 * time.Millisecond
)

// CodeUse is a request that comes with a login code.
type CodeUse struct {
	AppID          string
	Code           string
	IdempotencyKey string // empty: the code works once

	// PrefetchOn: WeChat's pre-fetch may come with the code too, before the
	// client or after it. Each of the two gets the same response.
	PrefetchOn bool
	Prefetch   bool // this use is the pre-fetch, which WeChat may repeat; with PrefetchOn

	Limit string // what Rate counts for; it is counted in the same round trip
	Rate  Rate
}

// LimitedError refuses a request that came too soon.
type LimitedError struct{ RetryAfter time.Duration }

func (e *LimitedError) Error() string { return "rate limit exceeded" }

// UseCodeOnce uses a login code once over all instances: do runs for the first request
// with it. With an IdempotencyKey, others with the same code and key
// get the same response, waiting for it if need be, for 60 seconds; all others
// get ErrCodeUsed. The response is sealed at rest. A request above its rate gets a
// *LimitedError, and its code stays unused. With PrefetchOn the response is kept
// for the other side in any case; a client without a key gets it once.
//
// An error of do uses the code up, unless it is marked Retryable. do goes on
// when its client disconnects, since that client may repeat the request.
// ErrUnavailable before do has run leaves the code unused.
func (s *Store) UseCodeOnce(ctx context.Context, use CodeUse, do func(context.Context) ([]byte, error)) ([]byte, error) {
	c := s.newClaim(use)
	response, state, err := c.acquire(ctx, use)
	deadline := time.Now().Add(waitTimeout)
	for step := minPollInterval; err == nil && state == "wait"; step = min(2*step, maxPollInterval) {
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%w: the first login with this code has not ended", ErrUnavailable)
		}
		if sleep.For(ctx, step); ctx.Err() != nil {
			return nil, ctx.Err()
		}
		response, state, err = c.check(ctx)
	}
	switch {
	case err != nil:
		return nil, err
	case state == "mine":
		return c.run(ctx, do)
	case state == "response":
		return response, nil
	}
	return nil, ErrCodeUsed
}

// claim is one request's claim on a login code. Neither the code nor the
// client's key is in Redis, only hashes.
type claim struct {
	store    *Store
	claimant string
	code     string // hash
	key      string // hash, or empty
	prefetch string // hash that is the pre-fetch's key, or empty: it is off
}

func (s *Store) newClaim(use CodeUse) claim {
	c := claim{store: s, claimant: newID(), code: hashOf("code", use.AppID, use.Code)}
	if use.PrefetchOn {
		c.prefetch = hashOf("prefetch", use.AppID, use.Code)
	}
	switch {
	case use.Prefetch:
		c.key = c.prefetch
	case use.IdempotencyKey != "":
		c.key = hashOf("idempotency", use.AppID, use.Code, use.IdempotencyKey)
	}
	return c
}

// sealedFor is the key that a kept response is bound to: with a pre-fetch two keys
// open it, and Redis says which.
func (c claim) sealedFor() string {
	if c.prefetch != "" {
		return c.prefetch
	}
	return c.key
}

// acquire claims the code, and counts the request where use has a rate. Most
// codes are new, for which a plain command does; check is for the others.
func (c claim) acquire(ctx context.Context, use CodeUse) (response []byte, state string, err error) {
	set := c.setCall()
	calls := []*call{set}
	if use.Rate.Count > 0 {
		calls = append(calls, c.store.limitCall(use.Limit, use.Rate))
	}
	c.store.redis.runAll(ctx, calls)
	isNew, err := set.wasSet()
	if len(calls) == 2 {
		if retryAfter, ok := c.store.limited(calls[1], use.Limit, use.Rate); !ok {
			if err == nil { // new or not: the reply to a first attempt may have been lost
				c.finish(ctx, "release")
			}
			return nil, "", &LimitedError{retryAfter}
		}
	}
	if err != nil || isNew {
		return nil, "mine", err
	}
	return c.check(ctx)
}

// setCall claims the code if it is new.
func (c claim) setCall() *call {
	key := c.store.keys.claim(c.code)
	return &call{keys: []string{key}, args: []any{"set", key, "open|" + c.claimant + "|" + c.key, "nx", "px", claimTTL.Milliseconds()}}
}

// wasSet reads the reply to a SET with NX: false where the key was there.
func (c *call) wasSet() (bool, error) {
	switch {
	case isMissing(c.err):
		return false, nil
	case c.err == nil && c.reply != "OK":
		return false, unavailable(c.name(), errUnexpectedReply)
	}
	return c.err == nil, c.err
}

// check gives the state of a code that was claimed: "mine", "wait", "used", or
// "response" with the response.
func (c claim) check(ctx context.Context) (response []byte, state string, err error) {
	s := c.store
	keys := []string{s.keys.claim(c.code), s.keys.response(c.code)}
	list, err := s.redis.runList(ctx, claimLoginCodeScript, keys,
		c.claimant, c.key, claimTTL.Milliseconds(), c.prefetch, (useTimeout + storeTimeout).Milliseconds())
	if err != nil {
		return nil, "", err
	}
	state = reply(list).text(0)
	if state == "" {
		return nil, "", unavailable(claimLoginCodeScript.name, errUnexpectedReply)
	}
	if state != "response" {
		return nil, state, nil
	}
	response, err = s.config.Load().keys.open(loginResponsePurpose, []byte(reply(list).text(1)), c.code, c.sealedFor())
	if err != nil {
		return nil, "used", nil // sealed under secrets that are gone
	}
	return response, state, nil
}

func (c claim) run(ctx context.Context, do func(context.Context) ([]byte, error)) ([]byte, error) {
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), useTimeout)
	defer cancel()
	response, err := do(own)
	var released retryable
	switch {
	case errors.As(err, &released):
		err = released.error
		c.finish(own, "release")
	case c.sealedFor() == "": // the claim as it is refuses all others
	case err != nil:
		c.finish(own, "keep")
	default:
		c.keep(own, response)
	}
	return response, err
}

// keep queues the response to be stored for a client that did not receive it; the present
// request does not wait for that. The claim needs no end: once a use can't be
// under way any more, it refuses all who find no response.
func (c claim) keep(ctx context.Context, response []byte) {
	key := c.store.keys.response(c.code)
	sealed := c.store.config.Load().keys.seal(loginResponsePurpose, response, c.code, c.sealedFor())
	store := &call{keys: []string{key}, args: []any{"set", key, sealed, "px", responseTTL.Milliseconds()}}
	select {
	case c.store.loginResponses <- store:
	default:
		c.store.redis.runAll(ctx, []*call{store})
	}
}

// finish ends the claim without a response: "keep" has the code used up, "release"
// lets it be used again. Without Redis the claim stays until it runs out, and the
// code is used up.
func (c claim) finish(ctx context.Context, outcome string) {
	_, _ = c.store.redis.runInt(ctx, finishLoginCodeScript, []string{c.store.keys.claim(c.code)}, c.claimant, c.key, outcome)
}

// responsePause is how long responses wait for others, to be stored together.
const responsePause = 20 * time.Millisecond

// saveResponses stores what keep has queued.
func (s *Store) saveResponses() {
	for s.ctx.Err() == nil {
		var calls []*call
		select {
		case c := <-s.loginResponses:
			calls = append(calls, c)
		case <-s.ctx.Done():
		}
		sleep.For(s.ctx, responsePause)
		for len(s.loginResponses) > 0 {
			calls = append(calls, <-s.loginResponses)
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), redisTimeout)
		s.redis.runAll(ctx, calls)
		cancel()
	}
}
