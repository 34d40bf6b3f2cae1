package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
)

// purpose is what a sealed value is for. A value sealed for one purpose can't be
// opened for another.
type purpose string

const (
	sessionKeyPurpose    purpose = "session_key"
	jarPurpose           purpose = "cookie jar"
	accessTokenPurpose   purpose = "access token"
	loginResponsePurpose purpose = "login answer"
	pushReplyPurpose     purpose = "push reply"
	userKeyPurpose       purpose = "user key"
)

// seal encrypts text with the first secret: key id, nonce, ciphertext with tag. owner
// is what the value belongs to, as additional authenticated data: it can be opened
// only with the same owner.
func (r keyring) seal(p purpose, text []byte, owner ...string) []byte {
	d := r[0]
	aead := d.seals[p]
	out := make([]byte, len(d.id)+aead.NonceSize(), len(d.id)+aead.NonceSize()+len(text)+aead.Overhead())
	copy(out, d.id[:])
	nonce := out[len(d.id):]
	_, _ = rand.Read(nonce) // never fails: crypto/rand
	return aead.Seal(out, nonce, text, joinWithLengths(owner))
}

var errSeal = errors.New("sealed value can't be opened")

// open decrypts a value that seal encrypted with any of the secrets.
func (r keyring) open(p purpose, sealed []byte, owner ...string) ([]byte, error) {
	for _, d := range r {
		aead := d.seals[p]
		rest, found := cutID(sealed, d.id)
		if !found || len(rest) < aead.NonceSize() {
			continue
		}
		text, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], joinWithLengths(owner))
		if err == nil {
			return text, nil
		}
	}
	return nil, errSeal
}

// current reports whether the first secret sealed this value.
func (r keyring) current(sealed []byte) bool {
	_, found := cutID(sealed, r[0].id)
	return found
}

// cutID removes the key id from a sealed value, if it begins with that id.
func cutID(sealed []byte, id [4]byte) ([]byte, bool) {
	if len(sealed) < len(id) || [4]byte(sealed) != id {
		return nil, false
	}
	return sealed[len(id):], true
}

// joinWithLengths joins the parts, each after its length, so that different lists have
// different results.
func joinWithLengths(parts []string) []byte {
	var out []byte
	for _, p := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p)))
		out = append(out, p...)
	}
	return out
}

func newSeal(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // impossible: the key has 32 bytes
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // impossible for AES
	}
	return gcm
}
