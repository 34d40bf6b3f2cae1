package session

import (
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"wxgate/secret"
)

// MinSecret is the minimum length of a secret, in bytes.
const MinSecret = 32

// keyring holds the keys derived from Config.Secrets, one set for each secret. The
// first signs and seals, all of them verify and open.
type keyring []*secretKeys

// keyID identifies a secret, and reveals nothing of it.
type keyID [4]byte

// secretKeys holds the keys derived from one secret by HKDF-SHA256, each with its own
// info, so that no key reveals anything of another.
type secretKeys struct {
	id        keyID  // the first bytes of every sealed value
	kid       string // key id of JWTs
	signing   []byte // HS256
	opaque    []byte // MAC of opaque tokens
	seals     map[purpose]cipher.AEAD
	record    []byte            // MACs of fields in Redis
	web       []byte            // tickets and cookies of web pages
	assertion *ecdsa.PrivateKey // ES256
	assertKid string            // key id of assertions
}

func newKeyring(secrets []secret.Text) (keyring, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no secret is given")
	}
	ring := make(keyring, 0, len(secrets))
	for i, s := range secrets {
		d, err := derive([]byte(s.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("secret %d: %w", i+1, err)
		}
		ring = append(ring, d)
	}
	return ring, nil
}

// derive derives all keys from a secret.
func derive(master []byte) (*secretKeys, error) {
	if len(master) < MinSecret {
		return nil, fmt.Errorf("has %d bytes, at least %d are needed", len(master), MinSecret)
	}
	d := &secretKeys{signing: expand(master, "jwt HS256"), opaque: expand(master, "opaque token"), record: expand(master, "redis record"), web: expand(master, "web page"), seals: map[purpose]cipher.AEAD{}}
	copy(d.id[:], expand(master, "key id"))
	d.kid = base64.RawURLEncoding.EncodeToString(expand(master, "jwt kid")[:9])
	for _, p := range []purpose{sessionKeyPurpose, jarPurpose, accessTokenPurpose, loginResponsePurpose, pushReplyPurpose, userKeyPurpose} {
		d.seals[p] = newSeal(expand(master, "seal "+string(p)))
	}
	d.assertion = deriveAssertionKey(master)
	d.assertKid = base64.RawURLEncoding.EncodeToString(expand(master, "assertion kid")[:9])
	return d, nil
}

// expand derives one key of 32 bytes.
func expand(master []byte, info string) []byte {
	key, err := hkdf.Key(sha256.New, master, nil, "wxgate "+info, 32)
	if err != nil {
		panic(err) // impossible: 32 bytes is a valid length
	}
	return key
}

// deriveAssertionKey returns the first derived number that is a valid P-256 private
// key. One in 2^32 isn't. Every instance derives the same key.
func deriveAssertionKey(master []byte) *ecdsa.PrivateKey {
	for i := 0; ; i++ {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), expand(master, fmt.Sprintf("assertion ES256 %d", i)))
		if err == nil {
			return key
		}
	}
}

// mac returns the MAC of an opaque token: 16 bytes.
func (d *secretKeys) mac(text []byte) []byte {
	h := hmac.New(sha256.New, d.opaque)
	h.Write(text)
	return h.Sum(nil)[:16]
}
