package session

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// MaxAuditTrail is how many entries of an audit trail are kept; older ones are deleted.
const MaxAuditTrail = 1000

// AuditEntry is one entry of an audit trail.
type AuditEntry struct {
	ID   string // ascending: milliseconds of Redis's clock and a number
	At   time.Time
	Text string
}

// AppendAudit adds an entry to a trail. If Redis's reply is lost, the entry may be
// added twice. The entry has a MAC like a signed field: someone who can write to Redis
// but has no secret can delete or repeat entries, but not forge one.
func (s *Store) AppendAudit(ctx context.Context, trail, text string) error {
	key := s.keys.audit(trail)
	signed := s.config.Load().keys.signField(key, auditField, text)
	return s.redis.do(ctx, "append_audit", key, func(ctx context.Context) error {
		return s.redis.XAdd(ctx, &redis.XAddArgs{Stream: key, MaxLen: MaxAuditTrail, Values: []any{auditField, signed}}).Err()
	})
}

// auditField is the one field of an entry in the stream.
const auditField = "e"

// Audit returns the entries of a trail that are older than before, the newest first.
// before is an entry's ID, or empty for all. Entries without a valid MAC are left out.
func (s *Store) Audit(ctx context.Context, trail, before string) ([]AuditEntry, error) {
	key, newest := s.keys.audit(trail), "+"
	if before != "" {
		newest = "(" + before
	}
	var messages []redis.XMessage
	err := s.redis.do(ctx, "audit", key, func(ctx context.Context) (err error) {
		messages, err = s.redis.XRevRangeN(ctx, key, newest, "-", MaxAuditTrail).Result()
		return err
	})
	if err != nil && !isMissing(err) {
		return nil, err
	}
	return s.readAudit(key, messages), nil
}

func (s *Store) readAudit(key string, messages []redis.XMessage) []AuditEntry {
	keyring, refused := s.config.Load().keys, 0
	entries := make([]AuditEntry, 0, len(messages))
	for _, m := range messages {
		stored, _ := m.Values[auditField].(string)
		text, _, ok := keyring.verifyField(key, auditField, stored)
		if !ok {
			refused++
			continue
		}
		entries = append(entries, AuditEntry{ID: m.ID, At: auditTime(m.ID), Text: text})
	}
	if refused > 0 {
		s.metrics.refusedRecords.Add(float64(refused))
		s.log.Warn("entries of the audit trail without a valid MAC are ignored", zap.String("key", key), zap.Int("entries", refused))
	}
	return entries
}

// auditTime returns when Redis added an entry.
func auditTime(id string) time.Time {
	text, _, _ := strings.Cut(id, "-")
	ms, _ := strconv.ParseInt(text, 10, 64)
	return time.UnixMilli(ms)
}

// ValidAuditID reports whether text has the form of an entry's ID.
func ValidAuditID(text string) bool {
	ms, number, ok := strings.Cut(text, "-")
	_, msErr := strconv.ParseUint(ms, 10, 63)
	_, numberErr := strconv.ParseUint(number, 10, 64)
	return ok && msErr == nil && numberErr == nil
}
