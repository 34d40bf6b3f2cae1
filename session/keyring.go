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

// MinSecret is the least length of a secret in bytes.
const MinSecret = 32

// keyring is everything derived from Config.Secrets, one set a secret. The
// first signs and seals, every one verifies and opens.
type keyring []*secretKeys

// keyID is a name for a secret that reveals nothing of it.
type keyID [4]byte

// secretKeys holds a secret's keys: HKDF-SHA256 with its own info for each, so
// that no key reveals anything of another.
type secretKeys struct {
	id        keyID  // leads every sealed value, so that its key is found
	kid       string // the same for the JWT's key
	signing   []byte // HS256
	opaque    []byte // the check on opaque tokens
	seals     map[purpose]cipher.AEAD
	record    []byte            // the MACs of fields in Redis
	web       []byte            // tickets and cookies of web pages
	assertion *ecdsa.PrivateKey // ES256
	assertKid string
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
	d.assertion = assertionKey(master)
	d.assertKid = base64.RawURLEncoding.EncodeToString(expand(master, "assertion kid")[:9])
	return d, nil
}

func expand(master []byte, info string) []byte {
	key, err := hkdf.Key(sha256.New, master, nil, "wxgate "+info, 32)
	if err != nil {
		panic(err) // only for lengths that 32 isn't
	}
	return key
}

// assertionKey takes the first derived number that is a P-256 private key;
// all but one in 2^32 are. Every instance arrives at the same.
func assertionKey(master []byte) *ecdsa.PrivateKey {
	for i := 0; ; i++ {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), expand(master, fmt.Sprintf("assertion ES256 %d", i)))
		if err == nil {
			return key
		}
	}
}

// mac is the check on an opaque token: 16 bytes.
func (d *secretKeys) mac(text []byte) []byte {
	h := hmac.New(sha256.New, d.opaque)
	h.Write(text)
	return h.Sum(nil)[:16]
}
