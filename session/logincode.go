package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wxgate/internal/sleep"
)

const (
	claimFor   = 5 * time.Minute  // WeChat's own codes live as long
	answerFor  = 60 * time.Second // for a client that lost the answer
	waitFor    = 15 * time.Second // for the answer that another request is working on
	useFor     = 30 * time.Second // for do, once its client has gone
	waitStep   = 20 * time.Millisecond
	waitLonger = 200 * time.Millisecond
)

// CodeUse is a request that comes with a login code.
type CodeUse struct {
	AppID          string
	Code           string
	IdempotencyKey string // empty: the code works once

	// PrefetchOn: WeChat's pre-fetch may come with the code too, before the
	// client or after it. Each of the two gets the answer that the other got.
	PrefetchOn bool
	Prefetch   bool // this use is the pre-fetch, which WeChat may repeat; with PrefetchOn

	Limit string // what Rate counts for; it is asked in the same round trip
	Rate  Rate
}

// LimitedError refuses a request that came too soon.
type LimitedError struct{ RetryAfter time.Duration }

func (e *LimitedError) Error() string { return "rate limit exceeded" }

// UseCodeOnce uses a login code once over all instances: do runs for the first request
// with it. With an IdempotencyKey, others with the same code and key
// get the same answer, waiting for it if need be, for 60 seconds; all others
// get ErrCodeUsed. The answer is sealed at rest. A request above its rate gets a
// *LimitedError, and its code stays unused. With PrefetchOn the answer is kept
// for the other side in any case; a client without a key gets it once.
//
// An error of do uses the code up, unless it is marked Retryable. do goes on
// when its client goes away, since that client may ask again for the answer.
// ErrUnavailable before do has run leaves the code unused.
func (s *Store) UseCodeOnce(ctx context.Context, use CodeUse, do func(context.Context) ([]byte, error)) ([]byte, error) {
	c := s.newClaim(use)
	answer, state, err := c.acquire(ctx, use)
	deadline := time.Now().Add(waitFor)
	for step := waitStep; err == nil && state == "wait"; step = min(2*step, waitLonger) {
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%w: the first login with this code has not ended", ErrUnavailable)
		}
		if sleep.For(ctx, step); ctx.Err() != nil {
			return nil, ctx.Err()
		}
		answer, state, err = c.acquire(ctx, CodeUse{})
	}
	switch {
	case err != nil:
		return nil, err
	case state == "mine":
		return c.run(ctx, do)
	case state == "answer":
		return answer, nil
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

// sealedFor is the key that a kept answer is bound to: with a pre-fetch two keys
// open it, and Redis says which.
func (c claim) sealedFor() string {
	if c.prefetch != "" {
		return c.prefetch
	}
	return c.key
}

func (c claim) names() []string {
	return []string{c.store.keys.claim(c.code), c.store.keys.answer(c.code)}
}

// acquire claims the code, and counts the request where use has a rate.
func (c claim) acquire(ctx context.Context, use CodeUse) (answer []byte, state string, err error) {
	s := c.store
	claim := &call{script: claimLoginCodeScript, keys: c.names(), args: []any{c.claimant, c.key, claimFor.Milliseconds(), c.prefetch}}
	calls := []*call{claim}
	if use.Rate.Count > 0 {
		calls = append(calls, s.limitCall(use.Limit, use.Rate))
	}
	s.redis.runAll(ctx, calls)
	list, _ := claim.reply.([]any)
	state = reply(list).text(0)
	if len(calls) == 2 {
		if retryAfter, ok := s.limited(calls[1], use.Limit, use.Rate); !ok {
			if state == "mine" {
				c.finish(ctx, "release", nil)
			}
			return nil, "", &LimitedError{retryAfter}
		}
	}
	if claim.err == nil && state == "" {
		claim.err = unavailable(claim.name(), errUnexpectedReply)
	}
	if claim.err != nil || state != "answer" {
		return nil, state, claim.err
	}
	answer, err = s.config.Load().keys.open(loginAnswerPurpose, []byte(reply(list).text(1)), c.code, c.sealedFor())
	if err != nil {
		return nil, "used", nil // sealed under secrets that are gone
	}
	return answer, state, nil
}

func (c claim) run(ctx context.Context, do func(context.Context) ([]byte, error)) ([]byte, error) {
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), useFor)
	defer cancel()
	answer, err := do(own)
	var released retryable
	switch {
	case errors.As(err, &released):
		err = released.error
		c.finish(own, "release", nil)
	case c.sealedFor() == "": // the claim as it is refuses all others
	case err != nil:
		c.finish(own, "keep", nil)
	default:
		c.keep(own, answer)
	}
	return answer, err
}

// keep queues the answer to be stored for a client that loses it; the reply to the
// present request doesn't wait for that.
func (c claim) keep(ctx context.Context, answer []byte) {
	sealed := c.store.config.Load().keys.seal(loginAnswerPurpose, answer, c.code, c.sealedFor())
	select {
	case c.store.loginAnswers <- c.finishCall("keep", sealed):
	default:
		c.finish(ctx, "keep", sealed)
	}
}

// finish ends the claim. Without Redis it stays until it runs out, and the code
// is used up.
func (c claim) finish(ctx context.Context, outcome string, sealed []byte) {
	c.store.redis.runAll(ctx, []*call{c.finishCall(outcome, sealed)})
}

func (c claim) finishCall(outcome string, sealed []byte) *call {
	return &call{
		script: finishLoginCodeScript, keys: c.names(),
		args: []any{c.claimant, c.key, outcome, sealed, answerFor.Milliseconds()},
	}
}

// answerPause is how long answers wait for others, to be stored together.
const answerPause = 20 * time.Millisecond

// saveAnswers stores what keep has queued.
func (s *Store) saveAnswers() {
	for s.closing.Err() == nil {
		var calls []*call
		select {
		case c := <-s.loginAnswers:
			calls = append(calls, c)
		case <-s.closing.Done():
		}
		sleep.For(s.closing, answerPause)
		for len(s.loginAnswers) > 0 {
			calls = append(calls, <-s.loginAnswers)
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.closing), redisTimeout)
		s.redis.runAll(ctx, calls)
		cancel()
	}
}
