package config

import (
	"encoding/base64"

	"wxgate/secret"
)

// Values of apps[].push.mode: whether WeChat encrypts its pushes.
const (
	PushAES   = "aes"
	PushPlain = "plain"
)

// aesKeyLength is the length of WeChat's EncodingAESKey, in characters: 32 bytes
// in base64 without padding.
const aesKeyLength = 43

func (v *validator) checkPush(key string, p Push) {
	if p.Upstream.URL == nil {
		if p.Token != "" || p.AESKey != "" {
			v.errorf(key+".upstream", "is empty while token or aes_key is not: write the URL of the backend that receives the messages")
		}
		return
	}
	v.checkURL(key+".upstream", p.Upstream.URL, "http", "https")
	if p.Upstream.RawQuery != "" {
		v.errorf(key+".upstream", "can't have a query (?): the gateway adds its own")
	}
	if token := p.Token.Reveal(); len(token) < 3 || len(token) > 32 || !only(token, isAlphanumeric, "") {
		v.errorf(key+".token", "is not a token of WeChat's console: 3 to 32 letters and digits")
	}
	switch {
	case p.Mode == PushPlain:
		v.warnf(key+".mode", "plain: the signature does not cover the body, so anybody who has seen one push can send others; write aes, here and in WeChat's console")
	case !isAESKey(p.AESKey):
		v.errorf(key+".aes_key", "is not an EncodingAESKey of WeChat's console: %d letters and digits", aesKeyLength)
	}
}

// isAESKey accepts an EncodingAESKey. Only four bits of its last character belong
// to the key; the other two may have any value.
func isAESKey(key secret.Text) bool {
	text := key.Reveal()
	raw, err := base64.StdEncoding.DecodeString(text + "=")
	return err == nil && len(text) == aesKeyLength && len(raw) == 32 && only(text, isAlphanumeric, "+/")
}
