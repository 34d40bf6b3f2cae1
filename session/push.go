package session

import (
	"context"
	"errors"
	"time"
)

const (
	// pushTTL is how long a message is remembered. WeChat repeats a message within
	// seconds, and the check of its time refuses a copy that is older.
	pushTTL = time.Hour

	// pushGrace is how long a claim stays valid after the call that it was made for must
	// have ended.
	pushGrace = 2 * time.Second
)

// ErrPushBusy is returned for a message that is being handled, on this or another
// instance.
var ErrPushBusy = errors.New("the message is being handled")

// PushClaim is the right to handle one message of WeChat's push. Finish or Release
// ends it; otherwise it expires.
type PushClaim struct {
	store    *Store
	claimant string
	message  string // hash
}

// ClaimPush claims a message, so that it is handled once over all instances. id
// identifies it within its app. If it was handled before, claim is nil and reply is
// what was sent then. It returns ErrPushBusy while another request has the claim,
// which expires two seconds after timeout, and ErrUnavailable.
func (s *Store) ClaimPush(ctx context.Context, appid, id string, timeout time.Duration) (claim *PushClaim, reply []byte, err error) {
	c := &PushClaim{store: s, claimant: newID(), message: hashOf("push", appid, id)}
	result, err := s.redis.runList(ctx, claimPushScript, c.keys(), c.claimant, (timeout + pushGrace).Milliseconds())
	if err != nil {
		return nil, nil, err
	}
	return c.readClaim(result)
}

func (c *PushClaim) readClaim(result reply) (*PushClaim, []byte, error) {
	switch result.text(0) {
	case "mine":
		return c, nil, nil
	case "busy":
		return nil, nil, ErrPushBusy
	case "done":
		reply, err := c.store.config.Load().keys.open(pushReplyPurpose, []byte(result.text(1)), c.message)
		if err != nil {
			return nil, nil, nil // sealed under secrets that are no longer configured: handled, and the reply is lost
		}
		return nil, reply, nil
	}
	return nil, nil, unavailable("claim_push", errUnexpectedReply)
}

// Finish records that the message was handled, and stores the reply for repeats,
// sealed.
func (c *PushClaim) Finish(ctx context.Context, reply []byte) error {
	return c.end(ctx, "keep", c.store.config.Load().keys.seal(pushReplyPurpose, reply, c.message))
}

// Release ends the claim, so that the message can be handled when it is sent again.
func (c *PushClaim) Release(ctx context.Context) error { return c.end(ctx, "release", nil) }

func (c *PushClaim) end(ctx context.Context, outcome string, sealed []byte) error {
	_, err := c.store.redis.runInt(ctx, finishPushScript, c.keys(), c.claimant, outcome, sealed, pushTTL.Milliseconds())
	return err
}

func (c *PushClaim) keys() []string { return []string{c.store.keys.push(c.message)} }
