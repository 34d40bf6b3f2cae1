package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	claimFor   = 5 * time.Minute  // WeChat's own codes live as long
	answerFor  = 60 * time.Second // for a client that lost the answer
	waitFor    = 15 * time.Second // for the answer that another request is getting
	useFor     = 30 * time.Second // for do, once its client has gone
	waitStep   = 20 * time.Millisecond
	waitLonger = 200 * time.Millisecond
)

// UseCodeOnce has a login code used once over all instances: do runs for the first
// who comes with it. With an idempotencyKey, others with the same code and key
// get the same answer, waiting for it if need be, for 60 seconds; all others
// get ErrCodeUsed. The answer is sealed at rest.
//
// An error of do uses the code up, unless it is marked Retryable. do goes on
// when its client goes away, since that client may come back for the answer.
// ErrUnavailable before do has run leaves the code unused.
func (s *Store) UseCodeOnce(ctx context.Context, appid, code, idempotencyKey string, do func(context.Context) ([]byte, error)) ([]byte, error) {
	c := s.newClaim(appid, code, idempotencyKey)
	deadline := time.Now().Add(waitFor)
	for step := waitStep; ; step = min(2*step, waitLonger) {
		answer, state, err := c.acquire(ctx)
		switch {
		case err != nil:
			return nil, err
		case state == "mine":
			return c.run(ctx, do)
		case state == "answer":
			return answer, nil
		case state == "used":
			return nil, ErrCodeUsed
		case time.Now().After(deadline):
			return nil, fmt.Errorf("%w: the first login with this code has not ended", ErrUnavailable)
		}
		if sleep(ctx, step); ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// claim is one request's claim on a login code. Neither the code nor the
// client's key is in Redis, only hashes.
type claim struct {
	store    *Store
	claimant string
	code     string // hash
	key      string // hash, or empty
}

func (s *Store) newClaim(appid, code, idempotencyKey string) claim {
	c := claim{store: s, claimant: newID(), code: hashOf("code", appid, code)}
	if idempotencyKey != "" {
		c.key = hashOf("idempotency", appid, code, idempotencyKey)
	}
	return c
}

func (c claim) names() []string {
	return []string{c.store.keys.claim(c.code), c.store.keys.answer(c.code)}
}

func (c claim) acquire(ctx context.Context) (answer []byte, state string, err error) {
	list, err := c.store.redis.runList(ctx, claimLoginCodeScript, c.names(), c.claimant, c.key, claimFor.Milliseconds())
	if err != nil {
		return nil, "", err
	}
	r := reply(list)
	if state = r.text(0); state != "answer" {
		return nil, state, nil
	}
	answer, err = c.store.config.Load().keys.open(loginAnswerPurpose, []byte(r.text(1)), c.code, c.key)
	if err != nil {
		return nil, "used", nil // sealed under secrets that are gone
	}
	return answer, state, nil
}

func (c claim) run(ctx context.Context, do func(context.Context) ([]byte, error)) ([]byte, error) {
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), useFor)
	defer cancel()
	answer, err := do(own)
	outcome, sealed := "keep", []byte(nil)
	var released retryable
	switch {
	case errors.As(err, &released):
		outcome, err = "release", released.error
	case err == nil && c.key != "":
		sealed = c.store.config.Load().keys.seal(loginAnswerPurpose, answer, c.code, c.key)
	}
	// Without Redis the claim stays until it runs out, and the code is used up.
	_, _ = c.store.redis.runInt(own, finishLoginCodeScript, c.names(), c.claimant, c.key, outcome, sealed, answerFor.Milliseconds())
	return answer, err
}
