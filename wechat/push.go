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

// ErrPush is the error for every fault of a push. It is always the same, so that the
// sender of a forgery doesn't learn which check failed.
var ErrPush = errors.New("wechat: push refused")

// PushConfig are the settings of an app's message push in WeChat's console.
type PushConfig struct {
	AppID  string
	Token  secret.Text // 3 to 32 letters and digits
	AESKey secret.Text // EncodingAESKey: 43 characters; empty in plain mode
	Plain  bool        // plain mode: messages are not encrypted, and the signature doesn't cover them
}

// Push verifies and decrypts the messages that WeChat pushes to an app, and encrypts the
// replies. It is safe for concurrent use.
type Push struct {
	token secret.Text
	aes   *pushCipher // nil in plain mode
}

// NewPush validates the settings. Its errors contain no secret.
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

// Limits of a push.
const (
	MaxPush        = 1 << 20          // bytes of a body
	pushSkew       = 10 * time.Minute // maximum difference between the request's timestamp and the own clock
	pushMessageAge = time.Hour        // of CreateTime; WeChat retries within seconds
	maxEchostr     = 64
	maxMsgID       = 64
)

// CheckURL verifies the request by which WeChat's console checks an address, and returns
// the echostr to respond with: 1 to 64 letters and digits. Error: ErrPush.
func (p *Push) CheckURL(rawQuery string, now time.Time) (echostr string, err error) {
	q, ok := p.verifyQuery(rawQuery, now)
	echo := q.Get("echostr")
	if !ok || len(echo) > maxEchostr || !isAlphanumeric(echo) {
		return "", ErrPush
	}
	return echo, nil
}

// PushFormat is the format of a message.
type PushFormat string

const (
	PushJSON PushFormat = "application/json"
	PushXML  PushFormat = "text/xml"
)

// PushMessage is a verified message.
type PushMessage struct {
	Body   []byte     // decrypted, otherwise unchanged
	Format PushFormat // of Body; its value is the Content-Type
	ID     string     // the same for each retry of a message, unique among the app's messages
	OpenID string     // FromUserName; empty in plain mode: no signature covers it
	Query  string     // timestamp, nonce and signature, for SDKs that verify them

	envelope PushFormat // of the request body and of the reply
}

// Open verifies a push. In AES mode it decrypts the encrypted message, and uses nothing
// else of the body. Error: ErrPush.
func (p *Push) Open(rawQuery string, body []byte, now time.Time) (PushMessage, error) {
	q, ok := p.verifyQuery(rawQuery, now)
	if !ok || len(body) > MaxPush {
		return PushMessage{}, ErrPush
	}
	m := PushMessage{Body: body, Query: url.Values{
		"timestamp": q["timestamp"], "nonce": q["nonce"], "signature": q["signature"],
	}.Encode()}
	if m.envelope, ok = detectPushFormat(body); !ok {
		return PushMessage{}, ErrPush
	}
	if p.aes != nil {
		if m.Body, ok = p.decrypt(q, m.envelope, body); !ok {
			return PushMessage{}, ErrPush
		}
	}
	if !p.parseMessage(&m, now) {
		return PushMessage{}, ErrPush
	}
	return m, nil
}

// decrypt verifies the signature of the encrypted text and decrypts it.
func (p *Push) decrypt(q url.Values, format PushFormat, body []byte) ([]byte, bool) {
	fields, ok := parsePushFields(format, body)
	if !ok {
		return nil, false
	}
	encrypted, ok := fields["encrypt"].text()
	if !ok || !p.validSignature(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), encrypted) {
		return nil, false
	}
	return p.aes.decrypt(encrypted)
}

// parseMessage sets Format, ID and OpenID from the message. ok is false if it is
// malformed or too old.
func (p *Push) parseMessage(m *PushMessage, now time.Time) (ok bool) {
	if m.Format, ok = detectPushFormat(m.Body); !ok {
		return false
	}
	fields, ok := parsePushFields(m.Format, m.Body)
	if !ok || !validCreateTime(fields["createtime"], now) {
		return false
	}
	sum := sha256.Sum256(m.Body)
	m.ID = "sha256:" + hex.EncodeToString(sum[:])
	if p.aes == nil {
		return true
	}
	if id, present := fields["msgid"]; present {
		text, ok := id.text()
		if !ok || len(text) > maxMsgID || !isAlphanumeric(text) {
			return false
		}
		m.ID = "id:" + text
	}
	if from, present := fields["fromusername"]; present {
		m.OpenID, ok = from.text()
		return ok && validText(m.OpenID, maxID)
	}
	return true
}

// validCreateTime reports whether a message is recent.
func validCreateTime(created pushField, now time.Time) bool {
	text, ok := created.text()
	seconds, isTimestamp := parseTimestamp(text)
	return ok && isTimestamp && isRecent(seconds, now, pushMessageAge, pushSkew)
}

// detectPushFormat tells JSON from XML by the content: the Content-Types of WeChat and of
// SDKs are unreliable.
func detectPushFormat(body []byte) (PushFormat, bool) {
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

func parsePushFields(format PushFormat, body []byte) (map[string]pushField, bool) {
	if format == PushJSON {
		return jsonPushFields(body)
	}
	return xmlPushFields(body)
}
