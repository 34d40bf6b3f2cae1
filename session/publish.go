package session

import (
	"context"
	"time"

	"wxgate/internal/sleep"

	"go.uber.org/zap"
)

// maxUnpublished bounds the events that wait for a Redis that took a change and
// then not its event. Those above it are replaced by one eventMissed.
const maxUnpublished = 1000

const publishInterval = 100 * time.Millisecond

// publish applies an event here and sends it to the other instances, after the script
// that made the change. A cancelled context doesn't stop it, and where Redis
// doesn't take it, it is sent again until it does: the change is made. An
// instance that is killed between the two leaves the others to CacheTTL.
func (s *Store) publish(ctx context.Context, event string) {
	if event == "" {
		return
	}
	s.applyEvent(event) // here at once, subscribed or not
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

// publishAgain sends what Redis did not take.
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
