package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"wxgate/secret"
)

// MinSecret is the least length of a secret in bytes.
const MinSecret = 32

// purpose separates what is sealed for what: a value sealed for one can't be
// opened as another.
type purpose string

const (
	sealSessionKey  purpose = "session_key"
	sealJar         purpose = "cookie jar"
	sealAccessToken purpose = "access token"
	sealAnswer      purpose = "login answer"
)

// keyring is everything derived from Settings.Secrets, one set a secret. The
// first signs and seals, every one verifies and opens.
type keyring []*derived

// keyID is a name for a secret that tells nothing of it.
type keyID [4]byte

// derived holds a secret's keys: HKDF-SHA256 with its own info for each, so
// that no key tells anything of another.
type derived struct {
	id        keyID  // leads every sealed value, so that its key is found
	kid       string // the same for the JWT's key
	signing   []byte // HS256
	opaque    []byte // the check on opaque tokens
	seals     map[purpose]cipher.AEAD
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

func derive(master []byte) (*derived, error) {
	if len(master) < MinSecret {
		return nil, fmt.Errorf("has %d bytes, at least %d are needed", len(master), MinSecret)
	}
	d := &derived{signing: expand(master, "jwt HS256"), opaque: expand(master, "opaque token"), seals: map[purpose]cipher.AEAD{}}
	copy(d.id[:], expand(master, "key id"))
	d.kid = base64.RawURLEncoding.EncodeToString(expand(master, "jwt kid")[:9])
	for _, p := range []purpose{sealSessionKey, sealJar, sealAccessToken, sealAnswer} {
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

func newSeal(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only for lengths that 32 isn't
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // never for AES
	}
	return gcm
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

// seal encrypts under the first secret: key id, nonce, text with tag. bind
// holds what the value belongs to; it opens nowhere else.
func (r keyring) seal(p purpose, text []byte, bind ...string) []byte {
	d := r[0]
	aead := d.seals[p]
	out := make([]byte, len(d.id)+aead.NonceSize(), len(d.id)+aead.NonceSize()+len(text)+aead.Overhead())
	copy(out, d.id[:])
	nonce := out[len(d.id):]
	_, _ = rand.Read(nonce) // never fails: crypto/rand
	return aead.Seal(out, nonce, text, binding(bind))
}

var errSeal = errors.New("sealed value can't be opened")

// open is the inverse of seal, under any of the secrets.
func (r keyring) open(p purpose, sealed []byte, bind ...string) ([]byte, error) {
	for _, d := range r {
		aead := d.seals[p]
		rest, ours := cutID(sealed, d.id)
		if !ours || len(rest) < aead.NonceSize() {
			continue
		}
		text, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], binding(bind))
		if err == nil {
			return text, nil
		}
	}
	return nil, errSeal
}

// current tells whether the first secret sealed this value.
func (r keyring) current(sealed []byte) bool {
	_, ours := cutID(sealed, r[0].id)
	return ours
}

func cutID(sealed []byte, id [4]byte) ([]byte, bool) {
	if len(sealed) < len(id) || [4]byte(sealed) != id {
		return nil, false
	}
	return sealed[len(id):], true
}

// binding joins the parts with their lengths, so that no two lists give one text.
func binding(parts []string) []byte {
	var out []byte
	for _, p := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p)))
		out = append(out, p...)
	}
	return out
}

// mac is the check on an opaque token: 16 bytes.
func (d *derived) mac(text []byte) []byte {
	h := hmac.New(sha256.New, d.opaque)
	h.Write(text)
	return h.Sum(nil)[:16]
}
