package wechat

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"time"
)

// Reply returns the response body for a passive reply: in AES mode encrypted and signed, in
// the format of the push; in plain mode unchanged.
func (p *Push) Reply(m PushMessage, reply []byte, now time.Time) (body []byte, contentType string) {
	if p.aes == nil {
		return reply, string(m.envelope)
	}
	encrypted := p.aes.encrypt(reply)
	timestamp, nonce := strconv.FormatInt(now.Unix(), 10), newNonce()
	signature := p.signature(timestamp, nonce, encrypted)
	if m.envelope == PushJSON {
		return jsonReply(encrypted, signature, now.Unix(), nonce), string(PushJSON)
	}
	// Base64, hex and digits can't end a CDATA section.
	return fmt.Appendf(nil, "<xml><Encrypt><![CDATA[%s]]></Encrypt><MsgSignature><![CDATA[%s]]></MsgSignature><TimeStamp>%s</TimeStamp><Nonce><![CDATA[%s]]></Nonce></xml>",
		encrypted, signature, timestamp, nonce), string(PushXML)
}

// IsEncryptedReply reports whether a reply is already encrypted, as a backend's SDK does
// that has the aes_key too. It must not be encrypted again: WeChat could not read it.
func IsEncryptedReply(reply []byte) bool {
	format, ok := detectPushFormat(reply)
	if !ok {
		return false
	}
	fields, ok := parsePushFields(format, reply)
	_, encrypted := fields["encrypt"]
	return ok && encrypted
}

func jsonReply(encrypted, signature string, timestamp int64, nonce string) []byte {
	body, err := json.Marshal(struct {
		Encrypt      string
		MsgSignature string
		TimeStamp    int64
		Nonce        string
	}{encrypted, signature, timestamp, nonce})
	if err != nil {
		panic(err) // strings and an integer always encode
	}
	return body
}

// newNonce returns ten random digits, the length of WeChat's nonces.
func newNonce() string {
	n, err := rand.Int(rand.Reader, big.NewInt(9_000_000_000))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return strconv.FormatInt(n.Int64()+1_000_000_000, 10)
}
