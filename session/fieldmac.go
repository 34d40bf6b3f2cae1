package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"

	"go.uber.org/zap"
)

// Fields in Redis that grant something carry a MAC: a session's times, user id
// and roles, an opaque token's end, a user's unionid, phone, user id, roles and
// ban. Whoever can write to Redis but doesn't have a secret can't make himself an
// admin or another phone's owner. Each MAC is over the key, the field and the
// value, so that a value is valid nowhere else, and of one field only, so that
// scripts that change different fields at the same time don't invalidate each
// other's. It is made here and not in a script, which would have to be given
// the secret.
//
// It stops forgery. It doesn't stop the replay of a value that was once valid for the
// same field, nor its deletion.
const fieldMACLength = 16 // bytes, after the value

// signField returns the value as it is stored.
func (r keyring) signField(key, field, value string) string {
	return value + string(r[0].fieldMAC(key, field, value))
}

// verifyField returns the value that was signed, and whether the first secret did.
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

// records reads the signed fields of one key, and remembers those that another
// secret than the first has signed.
type signedFields struct {
	store    *Store
	key      string
	outdated []outdatedField
}

type outdatedField struct{ key, field, stored, value string }

func (s *Store) signedFields(key string) *signedFields { return &signedFields{store: s, key: key} }

// read returns the value of a field, empty and false where there is none or its
// MAC is not valid.
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

// text is read for a field that counts as empty where its MAC is not valid.
func (r *signedFields) text(field, stored string) string {
	value, _ := r.read(field, stored)
	return value
}

// maxSigningAgain bounds the fields that are being signed anew at one time; what
// has no room is signed at its next use.
const maxSigningAgain = 64

// resign signs fields anew under the first secret, beside the request that
// found them.
func (s *Store) signAgain(fields []outdatedField) {
	for _, f := range fields {
		select {
		case s.signingAgain <- struct{}{}:
		default:
			return
		}
		s.spawn(func() {
			defer func() { <-s.signingAgain }()
			fresh := s.config.Load().keys.signField(f.key, f.field, f.value)
			_, _ = s.redis.runInt(s.ctx, replaceFieldScript, []string{f.key}, f.field, f.stored, fresh)
		})
	}
}
