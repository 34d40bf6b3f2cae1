package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
)

// purpose separates what is sealed for what: a value sealed for one can't be
// opened as another.
type purpose string

const (
	sessionKeyPurpose    purpose = "session_key"
	jarPurpose           purpose = "cookie jar"
	accessTokenPurpose   purpose = "access token"
	loginResponsePurpose purpose = "login answer"
	pushReplyPurpose     purpose = "push reply"
	userKeyPurpose       purpose = "user key"
)

// seal encrypts under the first secret: key id, nonce, text with tag. bind
// holds what the value belongs to; it opens nowhere else.
func (r keyring) seal(p purpose, text []byte, bind ...string) []byte {
	d := r[0]
	aead := d.seals[p]
	out := make([]byte, len(d.id)+aead.NonceSize(), len(d.id)+aead.NonceSize()+len(text)+aead.Overhead())
	copy(out, d.id[:])
	nonce := out[len(d.id):]
	_, _ = rand.Read(nonce) // never fails: crypto/rand
	return aead.Seal(out, nonce, text, joinWithLengths(bind))
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
		text, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], joinWithLengths(bind))
		if err == nil {
			return text, nil
		}
	}
	return nil, errSeal
}

// current reports whether the first secret sealed this value.
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

// binding joins the parts with their lengths, so that no two lists give the same text.
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
		panic(err) // only for lengths that 32 isn't
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // never for AES
	}
	return gcm
}
