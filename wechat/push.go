package wechat

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"time"
	"unicode/utf8"

	"wxgate/secret"
)

// ErrPush is the error for all that can be wrong with a push: one and the same, so
// that a sender doesn't learn how far a forgery came.
var ErrPush = errors.New("wechat: push refused")

// PushConfig is an app's message push as set in WeChat's console.
type PushConfig struct {
	AppID  string
	Token  secret.Text // 3 to 32 letters and digits
	AESKey secret.Text // EncodingAESKey: 43 characters; empty in plain mode
	Plain  bool        // messages come unencrypted: their signature covers no body
}

// Push verifies and decrypts what WeChat pushes to an app, and encrypts the replies.
// It is safe for concurrent use.
type Push struct {
	token secret.Text
	aes   *pushCipher // nil in plain mode
}

// NewPush checks the settings. Its errors hold no secret.
func NewPush(c PushConfig) (*Push, error) {
	if !validPushToken(c.Token.Reveal()) {
		return nil, errors.New("wechat: a push token has 3 to 32 letters and digits")
	}
	if c.Plain {
		return &Push{token: c.Token}, nil
	}
	aes, err := newPushCipher(c.AppID, c.AESKey)
	if err != nil {
		return nil, err
	}
	return &Push{c.Token, aes}, nil
}

func validPushToken(token string) bool {
	return len(token) >= 3 && len(token) <= 32 && isAlphanumeric(token)
}

func isAlphanumeric(text string) bool {
	for i := range len(text) {
		c := text[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') {
			return false
		}
	}
	return text != ""
}

// Bounds of a push.
const (
	MaxPush        = 1 << 20          // bytes of a body
	pushSkew       = 10 * time.Minute // of the request's timestamp, either way
	pushMessageAge = time.Hour        // of CreateTime; WeChat repeats for seconds
	maxEchostr     = 64
	maxMsgID       = 64
)

// CheckURL verifies the request by which WeChat's console checks an address, and
// gives the echostr to answer with: 1 to 64 letters and digits.
func (p *Push) CheckURL(rawQuery string, now time.Time) (echostr string, err error) {
	q, ok := p.verifyQuery(rawQuery, now)
	echo := q.Get("echostr")
	if !ok || len(echo) > maxEchostr || !isAlphanumeric(echo) {
		return "", ErrPush
	}
	return echo, nil
}

// PushFormat is how a message is written.
type PushFormat string

const (
	PushJSON PushFormat = "application/json"
	PushXML  PushFormat = "text/xml"
)

// PushMessage is a verified message.
type PushMessage struct {
	Body   []byte     // as WeChat wrote it, decrypted
	Format PushFormat // of Body; its value is the Content-Type
	ID     string     // tells a repeat from another message of the app
	OpenID string     // FromUserName; empty in plain mode, where nothing covers it
	Query  string     // timestamp, nonce and signature, which SDKs check again

	envelope PushFormat // of the request's own body, and so of the reply
}

// Open verifies a push, and decrypts it in AES mode, where only what was encrypted
// counts. Error: ErrPush.
func (p *Push) Open(rawQuery string, body []byte, now time.Time) (PushMessage, error) {
	q, ok := p.verifyQuery(rawQuery, now)
	if !ok || len(body) > MaxPush {
		return PushMessage{}, ErrPush
	}
	m := PushMessage{Body: body, Query: url.Values{
		"timestamp": q["timestamp"], "nonce": q["nonce"], "signature": q["signature"],
	}.Encode()}
	if m.envelope, ok = pushFormat(body); !ok {
		return PushMessage{}, ErrPush
	}
	if p.aes != nil {
		if m.Body, ok = p.decrypt(q, m.envelope, body); !ok {
			return PushMessage{}, ErrPush
		}
	}
	if !p.read(&m, now) {
		return PushMessage{}, ErrPush
	}
	return m, nil
}

// decrypt verifies the signature of the encrypted text, and decrypts it.
func (p *Push) decrypt(q url.Values, format PushFormat, body []byte) ([]byte, bool) {
	fields, ok := pushFields(format, body)
	if !ok {
		return nil, false
	}
	encrypted, ok := fields["encrypt"].text()
	if !ok || !p.signed(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), encrypted) {
		return nil, false
	}
	return p.aes.decrypt(encrypted)
}

// read takes out of the message what the gateway needs.
func (p *Push) read(m *PushMessage, now time.Time) bool {
	var ok bool
	if m.Format, ok = pushFormat(m.Body); !ok {
		return false
	}
	fields, ok := pushFields(m.Format, m.Body)
	if !ok || !freshMessage(fields["createtime"], now) {
		return false
	}
	sum := sha256.Sum256(m.Body)
	m.ID = "sha256:" + hex.EncodeToString(sum[:])
	if p.aes == nil {
		return true
	}
	if id, given := fields["msgid"]; given {
		text, ok := id.text()
		if !ok || len(text) > maxMsgID || !isAlphanumeric(text) {
			return false
		}
		m.ID = "id:" + text
	}
	if from, given := fields["fromusername"]; given {
		m.OpenID, ok = from.text()
		return ok && validText(m.OpenID, maxID)
	}
	return true
}

func freshMessage(created pushField, now time.Time) bool {
	text, ok := created.text()
	seconds, digits := parseTimestamp(text)
	if !ok || !digits {
		return false
	}
	age := now.Sub(time.Unix(seconds, 0))
	return age <= pushMessageAge && age >= -pushSkew
}

// pushFormat tells JSON from XML by the content: WeChat's and SDKs' Content-Types
// are not to be relied upon.
func pushFormat(body []byte) (PushFormat, bool) {
	for _, c := range body {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '{':
			return PushJSON, utf8.Valid(body)
		case '<':
			return PushXML, utf8.Valid(body)
		}
		break
	}
	return "", false
}

func pushFields(format PushFormat, body []byte) (map[string]pushField, bool) {
	if format == PushJSON {
		return jsonPushFields(body)
	}
	return xmlPushFields(body)
}
