package config

import (
	"encoding/base64"

	"wxgate/secret"
)

// Words of apps[].push.mode: whether WeChat encrypts its pushes.
const (
	PushAES   = "aes"
	PushPlain = "plain"
)

// aesKeyLength is that of WeChat's EncodingAESKey, in characters: 32 bytes in
// base64 without its padding.
const aesKeyLength = 43

func (v *validator) checkPush(key string, p Push) {
	if p.Upstream.URL == nil {
		if p.Token != "" || p.AESKey != "" {
			v.errorf(key+".upstream", "is empty while token or aes_key is not: write the URL of the backend that the messages go to")
		}
		return
	}
	v.checkURL(key+".upstream", p.Upstream.URL, "http", "https")
	if p.Upstream.RawQuery != "" {
		v.errorf(key+".upstream", "can't have a query (?): the gateway puts one there")
	}
	if token := p.Token.Reveal(); len(token) < 3 || len(token) > 32 || !only(token, isAlphanumeric, "") {
		v.errorf(key+".token", "is not a token of WeChat's console: 3 to 32 letters and digits")
	}
	switch {
	case p.Mode == PushPlain:
		v.warnf(key+".mode", "plain: the signature covers no body, so anybody who has seen one push can send others; write aes, here and in WeChat's console")
	case !isAESKey(p.AESKey):
		v.errorf(key+".aes_key", "is not an EncodingAESKey of WeChat's console: %d letters and digits", aesKeyLength)
	}
}

// isAESKey: WeChat's last character carries four bits only, the two that are
// left over may be anything.
func isAESKey(key secret.Text) bool {
	text := key.Reveal()
	raw, err := base64.StdEncoding.DecodeString(text + "=")
	return err == nil && len(text) == aesKeyLength && len(raw) == 32 && only(text, isAlphanumeric, "+/")
}
