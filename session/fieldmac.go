package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"

	"go.uber.org/zap"
)

// Fields in Redis that grant something have a MAC: a session's times, user id and roles,
// an opaque token's end, a user's unionid, phone, user id, roles and ban. An attacker who
// can write to Redis but has no secret can't become an administrator or the owner of
// another phone number. Each MAC covers the key, the field and the value, so that a value
// is valid nowhere else, and one field only, so that scripts that change different fields
// concurrently don't invalidate each other's. It is computed here: a script would need
// the secret.
//
// It prevents forgery. It doesn't prevent the replay of a value that was once valid for
// the same field, nor its deletion.
const fieldMACLength = 16 // bytes, after the value

// signField returns the value with its MAC, as it is stored.
func (r keyring) signField(key, field, value string) string {
	return value + string(r[0].fieldMAC(key, field, value))
}

// verifyField returns the value of a stored field. current reports whether the first
// secret signed it; ok is false if none did.
func (r keyring) verifyField(key, field, stored string) (value string, current, ok bool) {
	if len(stored) < fieldMACLength {
		return "", false, false
	}
	value, mac := stored[:len(stored)-fieldMACLength], stored[len(stored)-fieldMACLength:]
	for i, d := range r {
		if subtle.ConstantTimeCompare(d.fieldMAC(key, field, value), []byte(mac)) == 1 {
			return value, i == 0, true
		}
	}
	return "", false, false
}

func (d *secretKeys) fieldMAC(key, field, value string) []byte {
	h := hmac.New(sha256.New, d.record)
	h.Write(joinWithLengths([]string{key, field, value}))
	return h.Sum(nil)[:fieldMACLength]
}

// signedFields reads the signed fields of one key, and collects those that were signed
// with a secret other than the first.
type signedFields struct {
	store    *Store
	key      string
	outdated []outdatedField
}

type outdatedField struct{ key, field, stored, value string }

func (s *Store) signedFields(key string) *signedFields { return &signedFields{store: s, key: key} }

// read returns the value of a field; "" and false if it is missing or has no valid
// MAC.
func (r *signedFields) read(field, stored string) (string, bool) {
	if stored == "" {
		return "", false
	}
	value, current, ok := r.store.config.Load().keys.verifyField(r.key, field, stored)
	if !ok {
		r.store.metrics.refusedRecords.Inc()
		r.store.log.Warn("a field in redis without a valid MAC is ignored",
			zap.String("key", r.key), zap.Binary("field", []byte(field)))
		return "", false
	}
	if !current {
		r.outdated = append(r.outdated, outdatedField{r.key, field, stored, value})
	}
	return value, true
}

// text returns the value of a field; "" if it is missing or has no valid MAC.
func (r *signedFields) text(field, stored string) string {
	value, _ := r.read(field, stored)
	return value
}

// maxSigningAgain bounds how many fields are signed again concurrently. Further ones
// are signed again when they are read the next time.
const maxSigningAgain = 64

// signAgain signs fields with the first secret, in the background.
func (s *Store) signAgain(fields []outdatedField) {
	for _, f := range fields {
		select {
		case s.signingAgain <- struct{}{}:
		default:
			return
		}
		s.spawn(func() {
			defer func() { <-s.signingAgain }()
			signed := s.config.Load().keys.signField(f.key, f.field, f.value)
			_, _ = s.redis.runInt(s.ctx, replaceFieldScript, []string{f.key}, f.field, f.stored, signed)
		})
	}
}
