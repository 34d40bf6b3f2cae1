package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wxgate/internal/sleep"
)

const (
	claimTTL        = 5 * time.Minute  // lifetime of a claim: that of WeChat's codes
	responseTTL     = 60 * time.Second // how long the response is stored, for a client that did not receive it
	waitTimeout     = 15 * time.Second // how long a request waits for the response of another one
	useTimeout      = 30 * time.Second // bounds do, which continues after its client has disconnected
	storeTimeout    = 5 * time.Second  // until the response of do is stored, at the latest
	minPollInterval = 20 * time.Millisecond
	maxPollInterval = 200 * time.Millisecond
)

// CodeUse describes a request with a login code.
type CodeUse struct {
	AppID          string
	Code           string
	IdempotencyKey string // empty: the code works once

	// PrefetchOn is set if WeChat's pre-fetch may also send the code, before the client
	// or after it. Both get the same response.
	PrefetchOn bool
	Prefetch   bool // this request is the pre-fetch, which WeChat may repeat; requires PrefetchOn

	Limit string // the key that Rate limits; counted in the same round trip
	Rate  Rate
}

// LimitedError is returned for a request above its rate.
type LimitedError struct{ RetryAfter time.Duration }

func (e *LimitedError) Error() string { return "rate limit exceeded" }

// UseCodeOnce uses a login code once over all instances: it calls do for the first
// request with the code. For 60 seconds, requests with the same code and the same
// IdempotencyKey get the response of do; if do is still running, they wait for it. All
// other requests get ErrCodeUsed. A request above its rate gets a *LimitedError, and
// its code stays unused. With PrefetchOn the response is always stored for the other
// party, and a client without a key gets it once. Stored responses are sealed.
//
// An error of do uses up the code, unless it is Retryable. do continues after its
// client disconnects, since the client may repeat the request. ErrUnavailable before
// the call of do leaves the code unused.
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

// claim is one request's claim on a login code. Redis stores only hashes of the code
// and of the client's key.
type claim struct {
	store    *Store
	claimant string
	code     string // hash
	key      string // hash, or empty
	prefetch string // hash: the pre-fetch's key; empty if pre-fetch is off
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

// sealedFor returns the key that a stored response is bound to. With pre-fetch two
// keys may get it, and the script decides.
func (c claim) sealedFor() string {
	if c.prefetch != "" {
		return c.prefetch
	}
	return c.key
}

// acquire claims the code, and counts the request if use has a rate. Most codes are
// new, and a plain command claims them; check handles the others.
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
			if err == nil { // even if the code isn't new: the reply to a first attempt may have been lost
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

// setCall returns the operation that claims a new code.
func (c claim) setCall() *call {
	key := c.store.keys.claim(c.code)
	return &call{keys: []string{key}, args: []any{"set", key, "open|" + c.claimant + "|" + c.key, "nx", "px", claimTTL.Milliseconds()}}
}

// wasSet reads the reply to SET with NX: false if the key existed.
func (c *call) wasSet() (bool, error) {
	switch {
	case isMissing(c.err):
		return false, nil
	case c.err == nil && c.reply != "OK":
		return false, unavailable(c.name(), errUnexpectedReply)
	}
	return c.err == nil, c.err
}

// check returns the state of a code that was claimed before: "mine", "wait", "used",
// or "response" with the response.
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
		return nil, "used", nil // sealed under a secret that is no longer configured
	}
	return response, state, nil
}

// run calls do, and stores its response or ends the claim.
func (c claim) run(ctx context.Context, do func(context.Context) ([]byte, error)) ([]byte, error) {
	useCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), useTimeout)
	defer cancel()
	response, err := do(useCtx)
	var released retryable
	switch {
	case errors.As(err, &released):
		err = released.error
		c.finish(useCtx, "release")
	case c.sealedFor() == "": // nobody can get the response: the claim refuses all others
	case err != nil:
		c.finish(useCtx, "keep")
	default:
		c.keep(useCtx, response)
	}
	return response, err
}

// keep queues the response, to be stored for a client that did not receive it. The
// current request doesn't wait for that. The claim stays as it is: after useTimeout
// and storeTimeout it refuses requests that find no response.
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

// finish ends the claim without a response: "keep" uses up the code, "release" makes
// it usable again. If Redis is unreachable, the claim stays until it expires, and the
// code is used up.
func (c claim) finish(ctx context.Context, outcome string) {
	_, _ = c.store.redis.runInt(ctx, finishLoginCodeScript, []string{c.store.keys.claim(c.code)}, c.claimant, c.key, outcome)
}

// responsePause is how long a queued response waits for others, to be stored together.
const responsePause = 20 * time.Millisecond

// saveResponses stores the queued responses.
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
