package session

import (
	"context"
	"time"

	"wxgate/internal/sleep"

	"go.uber.org/zap"
)

// maxUnpublished bounds the events that wait because Redis accepted a change but not
// its event. Any further ones are replaced by one eventMissed.
const maxUnpublished = 1000

const publishInterval = 100 * time.Millisecond

// publish applies an event on this instance, and sends it to the others. It is called
// after the script that made the change, so a canceled context doesn't stop it, and if
// Redis doesn't accept the event, it is sent again until it does. If this instance is
// killed in between, the others notice the change after CacheTTL.
func (s *Store) publish(ctx context.Context, event string) {
	if event == "" {
		return
	}
	s.applyEvent(event) // at once, even without a subscription
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sharedTimeout)
	defer cancel()
	if s.send(ctx, event) == nil {
		return
	}
	select {
	case s.unpublished <- event:
	default:
		s.missed.Store(true)
	}
}

func (s *Store) send(ctx context.Context, event string) error {
	return s.redis.do(ctx, "publish", s.keys.events(), func(ctx context.Context) error {
		return s.redis.Publish(ctx, s.keys.events(), event).Err()
	})
}

// publishAgain sends the events that Redis did not accept.
func (s *Store) publishAgain() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case event := <-s.unpublished:
			s.sendUntilAccepted(event)
		}
		if s.missed.Swap(false) {
			s.log.Warn("more events waited for redis than are kept: all instances ask again for what they have cached",
				zap.Int("kept", maxUnpublished))
			s.sendUntilAccepted(eventMissed)
		}
	}
}

func (s *Store) sendUntilAccepted(event string) {
	for s.ctx.Err() == nil && s.send(s.ctx, event) != nil {
		sleep.For(s.ctx, publishInterval)
	}
}
