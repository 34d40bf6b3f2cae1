package wechattest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"slices"
	"strings"
)

// This is a second implementation of the encryption of pushes: tests compare package
// wechat's with it.

const pushBlock = 32 // bytes that padding fills

// pushSignature is the hex SHA-1 of the parts, sorted and joined.
func pushSignature(parts ...string) string {
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

func pushKey(aesKey string) (cipher.Block, []byte, error) {
	key, err := base64.StdEncoding.DecodeString(aesKey + "=")
	if err != nil || len(key) != 32 {
		return nil, nil, errors.New("an aes_key has 43 letters and digits")
	}
	block, err := aes.NewCipher(key)
	return block, key[:aes.BlockSize], err
}

func encryptPush(aesKey, appid string, message []byte) (string, error) {
	block, iv, err := pushKey(aesKey)
	if err != nil {
		return "", err
	}
	data := make([]byte, 16, 20+len(message)+len(appid)+pushBlock)
	_, _ = rand.Read(data)
	data = binary.BigEndian.AppendUint32(data, uint32(len(message)))
	data = append(append(data, message...), appid...)
	n := pushBlock - len(data)%pushBlock
	data = append(data, bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	return base64.StdEncoding.EncodeToString(data), nil
}

// decryptPushReply verifies and decrypts a reply; ok is false if WeChat could not.
func decryptPushReply(settings PushSettings, appid string, body []byte) (reply string, ok bool) {
	var got struct {
		Encrypt      string
		MsgSignature string
		TimeStamp    json.Number
		Nonce        string
	}
	decode := json.Unmarshal
	if settings.XML {
		decode = xml.Unmarshal
	}
	if decode(body, &got) != nil || got.MsgSignature != pushSignature(settings.Token, got.TimeStamp.String(), got.Nonce, got.Encrypt) {
		return "", false
	}
	block, iv, err := pushKey(settings.AESKey)
	data, errData := base64.StdEncoding.DecodeString(got.Encrypt)
	if err != nil || errData != nil || len(data) == 0 || len(data)%pushBlock != 0 {
		return "", false
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(data, data)
	return openPushReply(data, appid)
}

func openPushReply(data []byte, appid string) (string, bool) {
	n := int(data[len(data)-1])
	if n == 0 || n > pushBlock || n+20 > len(data) {
		return "", false
	}
	data = data[:len(data)-n]
	length := int64(binary.BigEndian.Uint32(data[16:]))
	if length > int64(len(data)-20) || string(data[20+length:]) != appid {
		return "", false
	}
	return string(data[20 : 20+length]), true
}
