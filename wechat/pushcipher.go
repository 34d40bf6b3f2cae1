package wechat

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"wxgate/secret"
)

// pushCipher is the encryption of messages and replies: AES-256-CBC, the iv being
// the key's first half, over 16 random bytes, the message's length in four bytes,
// the message, and the appid, padded to 32.
type pushCipher struct {
	appid string
	block cipher.Block
	iv    []byte
}

const (
	aesKeyLength = 43 // characters: the base64 of 32 bytes without its =
	pushBlock    = 32 // bytes that are padded to, twice AES's own block
	pushRandom   = 16
	pushHead     = pushRandom + 4
)

func newPushCipher(appid string, aesKey secret.Text) (*pushCipher, error) {
	// The last character holds two bits too many; WeChat's own example has them set.
	key, err := base64.StdEncoding.DecodeString(aesKey.Reveal() + "=")
	if err != nil || len(aesKey) != aesKeyLength {
		return nil, errors.New("wechat: a push aes_key (EncodingAESKey) has 43 letters and digits")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errors.New("wechat: push aes_key: no key of 32 bytes")
	}
	return &pushCipher{appid: appid, block: block, iv: key[:aes.BlockSize]}, nil
}

// decrypt gives the message, if padding, length and appid are right.
func (c *pushCipher) decrypt(encrypted string) ([]byte, bool) {
	data, err := base64.StdEncoding.Strict().DecodeString(encrypted)
	if err != nil || len(data) == 0 || len(data)%pushBlock != 0 {
		return nil, false
	}
	cipher.NewCBCDecrypter(c.block, c.iv).CryptBlocks(data, data)
	text, ok := unpad(data, pushBlock)
	if !ok || len(text) < pushHead {
		return nil, false
	}
	length, rest := int64(binary.BigEndian.Uint32(text[pushRandom:])), text[pushHead:]
	if length > int64(len(rest)) {
		return nil, false
	}
	message, appid := rest[:length], rest[length:]
	return message, subtle.ConstantTimeCompare(appid, []byte(c.appid)) == 1
}

// encrypt is the reverse, in base64.
func (c *pushCipher) encrypt(message []byte) string {
	random := make([]byte, pushRandom)
	_, _ = rand.Read(random) // never fails
	return c.encryptWith(random, message)
}

func (c *pushCipher) encryptWith(random, message []byte) string {
	data := append([]byte{}, random...)
	data = binary.BigEndian.AppendUint32(data, uint32(len(message)))
	data = append(data, message...)
	data = append(data, c.appid...)
	n := pushBlock - len(data)%pushBlock
	data = append(data, bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(c.block, c.iv).CryptBlocks(data, data)
	return base64.StdEncoding.EncodeToString(data)
}
