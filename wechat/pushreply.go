package wechat

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"time"
)

// Reply gives what a passive reply is answered with: in AES mode encrypted and
// signed, in the format of the push, else as it is.
func (p *Push) Reply(m PushMessage, reply []byte, now time.Time) (body []byte, contentType string) {
	if p.aes == nil {
		return reply, string(m.envelope)
	}
	encrypted := p.aes.encrypt(reply)
	timestamp, nonce := strconv.FormatInt(now.Unix(), 10), newNonce()
	signature := p.sign(timestamp, nonce, encrypted)
	if m.envelope == PushJSON {
		return jsonReply(encrypted, signature, now.Unix(), nonce), string(PushJSON)
	}
	// Neither base64, hex nor digits can end a CDATA section.
	return fmt.Appendf(nil, "<xml><Encrypt><![CDATA[%s]]></Encrypt><MsgSignature><![CDATA[%s]]></MsgSignature><TimeStamp>%s</TimeStamp><Nonce><![CDATA[%s]]></Nonce></xml>",
		encrypted, signature, timestamp, nonce), string(PushXML)
}

// EncryptedReply says whether a reply is an encrypted one already, as a backend makes it
// whose SDK holds the aes_key too. WeChat can't read what is encrypted twice.
func EncryptedReply(reply []byte) bool {
	format, ok := pushFormat(reply)
	if !ok {
		return false
	}
	fields, ok := pushFields(format, reply)
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
		panic(err) // texts and a number always encode
	}
	return body
}

// newNonce is ten digits, as WeChat's are.
func newNonce() string {
	n, err := rand.Int(rand.Reader, big.NewInt(9_000_000_000))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return strconv.FormatInt(n.Int64()+1_000_000_000, 10)
}
