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

// pushCipher encrypts and decrypts messages and replies with AES-256-CBC. The iv is the
// first half of the key. The plaintext is 16 random bytes, the length of the message in
// four bytes, the message, and the appid, padded to a multiple of 32.
type pushCipher struct {
	appid string
	block cipher.Block
	iv    []byte
}

const (
	aesKeyLength   = 43 // characters: the base64 of 32 bytes without its =
	pushBlockSize  = 32 // bytes that padding fills, two blocks of AES
	pushRandomSize = 16
	pushHeaderSize = pushRandomSize + 4
)

func newPushCipher(appid string, aesKey secret.Text) (*pushCipher, error) {
	// The last character has two unused bits, which are set in WeChat's example: no Strict.
	key, err := base64.StdEncoding.DecodeString(aesKey.Reveal() + "=")
	if err != nil || len(aesKey) != aesKeyLength {
		return nil, errors.New("wechat: a push aes_key (EncodingAESKey) has 43 letters and digits")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errors.New("wechat: push aes_key: not a key of 32 bytes")
	}
	return &pushCipher{appid: appid, block: block, iv: key[:aes.BlockSize]}, nil
}

// decrypt returns the message; ok is false if padding, length or appid are wrong.
func (c *pushCipher) decrypt(encrypted string) (message []byte, ok bool) {
	data, err := base64.StdEncoding.Strict().DecodeString(encrypted)
	if err != nil || len(data) == 0 || len(data)%pushBlockSize != 0 {
		return nil, false
	}
	cipher.NewCBCDecrypter(c.block, c.iv).CryptBlocks(data, data)
	text, ok := unpad(data, pushBlockSize)
	if !ok || len(text) < pushHeaderSize {
		return nil, false
	}
	length, rest := int64(binary.BigEndian.Uint32(text[pushRandomSize:])), text[pushHeaderSize:]
	if length > int64(len(rest)) {
		return nil, false
	}
	message, appid := rest[:length], rest[length:]
	return message, subtle.ConstantTimeCompare(appid, []byte(c.appid)) == 1
}

// encrypt returns the encrypted message in base64.
func (c *pushCipher) encrypt(message []byte) string {
	random := make([]byte, pushRandomSize)
	_, _ = rand.Read(random) // never fails
	return c.encryptWith(random, message)
}

func (c *pushCipher) encryptWith(random, message []byte) string {
	data := append([]byte{}, random...)
	data = binary.BigEndian.AppendUint32(data, uint32(len(message)))
	data = append(data, message...)
	data = append(data, c.appid...)
	n := pushBlockSize - len(data)%pushBlockSize
	data = append(data, bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(c.block, c.iv).CryptBlocks(data, data)
	return base64.StdEncoding.EncodeToString(data)
}
