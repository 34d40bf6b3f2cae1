package wechat

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"wxgate/secret"
)

// Sign returns the signature of a message with the session key: hex HMAC-SHA256. The
// HMAC key is the session key's base64 text, not decoded.
func Sign(key secret.Text, message string) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(message))
	return hex.EncodeToString(mac.Sum(nil))
}
