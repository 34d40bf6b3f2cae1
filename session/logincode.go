package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wxgate/internal/sleep"
)

const (
	claimFor    = 5 * time.Minute  // WeChat's own codes live as long
	answerFor   = 60 * time.Second // for a client that lost the answer
	waitFor     = 15 * time.Second // for the answer that another request is working on
	useFor      = 30 * time.Second // for do, once its client has gone
	answerDelay = 5 * time.Second  // until the answer of do is stored
	waitStep    = 20 * time.Millisecond
	waitLonger  = 200 * time.Millisecond
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
		answer, state, err = c.check(ctx)
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

// acquire claims the code, and counts the request where use has a rate. Most
// codes are new, for which a plain command does; check is for the others.
func (c claim) acquire(ctx context.Context, use CodeUse) (answer []byte, state string, err error) {
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
	return &call{keys: []string{key}, args: []any{"set", key, "open|" + c.claimant + "|" + c.key, "nx", "px", claimFor.Milliseconds()}}
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
// "answer" with the answer.
func (c claim) check(ctx context.Context) (answer []byte, state string, err error) {
	s := c.store
	keys := []string{s.keys.claim(c.code), s.keys.answer(c.code)}
	list, err := s.redis.runList(ctx, claimLoginCodeScript, keys,
		c.claimant, c.key, claimFor.Milliseconds(), c.prefetch, (useFor + answerDelay).Milliseconds())
	if err != nil {
		return nil, "", err
	}
	state = reply(list).text(0)
	if state == "" {
		return nil, "", unavailable(claimLoginCodeScript.name, errUnexpectedReply)
	}
	if state != "answer" {
		return nil, state, nil
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
		c.finish(own, "release")
	case c.sealedFor() == "": // the claim as it is refuses all others
	case err != nil:
		c.finish(own, "keep")
	default:
		c.keep(own, answer)
	}
	return answer, err
}

// keep queues the answer to be stored for a client that loses it; the reply to the
// present request doesn't wait for that. The claim needs no end: once a use can't be
// under way any more, it refuses all who find no answer.
func (c claim) keep(ctx context.Context, answer []byte) {
	key := c.store.keys.answer(c.code)
	sealed := c.store.config.Load().keys.seal(loginAnswerPurpose, answer, c.code, c.sealedFor())
	store := &call{keys: []string{key}, args: []any{"set", key, sealed, "px", answerFor.Milliseconds()}}
	select {
	case c.store.loginAnswers <- store:
	default:
		c.store.redis.runAll(ctx, []*call{store})
	}
}

// finish ends the claim without an answer: "keep" has the code used up, "release"
// lets it be used again. Without Redis the claim stays until it runs out, and the
// code is used up.
func (c claim) finish(ctx context.Context, outcome string) {
	_, _ = c.store.redis.runInt(ctx, finishLoginCodeScript, []string{c.store.keys.claim(c.code)}, c.claimant, c.key, outcome)
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
