package session

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"wxgate/internal/sleep"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// The events on the channel: a word and its arguments.
//
//	ended sid…         these sessions have ended
//	changed sid…       their user's data has changed
//	renewed sid end    the session has a new token with this end (Unix seconds)
//	app_ended ms appid all sessions of the app that were created until then have ended
//	missed             events were lost: everything cached is stale
//
// Redis does not store events. After an interruption of the subscription, everything
// cached is loaded again: subscription increases the epoch.
const (
	eventEnded    = "ended"
	eventChanged  = "changed"
	eventRenewed  = "renewed"
	eventAppEnded = "app_ended"
	eventMissed   = "missed"
)

const (
	heartbeatInterval   = 300 * time.Millisecond
	heartbeatTimeout    = 1500 * time.Millisecond
	resubscribeInterval = 200 * time.Millisecond
)

// listen subscribes to events, and again after each failure, until the Store is
// closed.
func (s *Store) listen() {
	for s.ctx.Err() == nil {
		err := s.subscription(s.ctx)
		if s.subscribed.Swap(false) && s.ctx.Err() == nil {
			s.log.Warn("events of other instances are not received", zap.Error(err))
		}
		sleep.For(s.ctx, resubscribeInterval)
	}
}

// subscription receives events until something fails. A connection may stay open and
// deliver nothing, for example to a master that was replaced. So the instance
// publishes heartbeats to itself, and their absence is a failure.
func (s *Store) subscription(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	beat := s.keys.heartbeat(s.instance)
	sub := s.redis.Subscribe(ctx, s.keys.events(), beat)
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	for range 2 {
		if err := awaitSubscribed(ctx, sub); err != nil {
			return err
		}
	}
	s.epoch.Add(1)
	s.background.Go(func() { s.sendHeartbeats(ctx, beat) })
	return s.receive(ctx, sub, beat)
}

func awaitSubscribed(ctx context.Context, sub *redis.PubSub) error {
	message, err := sub.ReceiveTimeout(ctx, redisTimeout)
	if err != nil {
		return err
	}
	if _, ok := message.(*redis.Subscription); !ok {
		return fmt.Errorf("unexpected %T on subscribing", message)
	}
	return nil
}

func (s *Store) sendHeartbeats(ctx context.Context, channel string) {
	for ctx.Err() == nil {
		_ = s.redis.Publish(ctx, channel, "").Err() // if this fails, receive notices
		sleep.For(ctx, heartbeatInterval)
	}
}

func (s *Store) receive(ctx context.Context, sub *redis.PubSub, beat string) error {
	last := time.Now()
	for {
		received, err := sub.ReceiveTimeout(ctx, heartbeatTimeout)
		if err != nil {
			return err
		}
		message, _ := received.(*redis.Message)
		switch {
		case message == nil: // the client has subscribed again by itself: events may have been missed
			return fmt.Errorf("unexpected %T", received)
		case message.Channel == beat:
			last = time.Now()
			s.heartbeatReceived()
		case time.Since(last) > heartbeatTimeout:
			return fmt.Errorf("no heartbeat in %s", heartbeatTimeout)
		default:
			s.applyEvent(message.Payload)
		}
	}
}

// heartbeatReceived is called for each heartbeat. The first one proves that the
// subscription works.
func (s *Store) heartbeatReceived() {
	if !s.subscribed.Swap(true) {
		s.log.Info("events of other instances are received")
	}
}

// applyEvent applies an event of this or another instance to the cache.
func (s *Store) applyEvent(payload string) {
	kind, rest, _ := strings.Cut(payload, " ")
	args := strings.Fields(rest)
	switch kind {
	case eventEnded:
		for _, sid := range args {
			s.cache.applyEvent(sid, func(cs *cachedSession) { s.markEnded(cs, "") })
		}
	case eventChanged:
		for _, sid := range args {
			s.cache.applyEvent(sid, func(cs *cachedSession) { cs.set(stale) })
		}
	case eventMissed:
		s.epoch.Add(1)
	case eventAppEnded:
		s.applyAppEnd(rest)
	case eventRenewed:
		if len(args) == 2 {
			end, _ := strconv.ParseInt(args[1], 10, 64)
			s.cache.applyEvent(args[0], func(cs *cachedSession) { cs.raiseTokenEnd(end) })
		}
	}
}

func (s *Store) applyAppEnd(args string) {
	ms, appid, _ := strings.Cut(args, " ")
	before, err := strconv.ParseInt(ms, 10, 64)
	if err != nil || !s.config.Load().hasApp(appid) {
		return
	}
	s.apps.applyEvent(appid, before)
	s.cache.countEvent()
	s.endCached(appid, before)
}

// sessionEvent returns an event about some sessions of one user; "" for none.
func sessionEvent(kind, tag string, raw reply) string {
	if len(raw) == 0 {
		return ""
	}
	event := []string{kind}
	for i := range raw {
		if half := raw.text(i); len(half) == rawLength {
			event = append(event, tag+textHalf(half))
		}
	}
	return strings.Join(event, " ")
}
