package wechattest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// User is a user of one app, with a phone. Ids and phone numbers are derived from the
// names, so that they are the same after a restart.
type User struct {
	server *Server
	app    *app

	AppID, Name, OpenID, UnionID string // read-only

	phone      string
	key        string // session key; empty before the first wx.login
	blocked    bool
	keys       []userKey // newest first
	keyVersion int
	minute     time.Time // in which logins are counted
	logins     int
}

// User returns the user with this name, and creates it on first use. An empty appid means
// the first app.
func (s *Server) User(appid, name string) (*User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.app(appid)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, errors.New("a user needs a name")
	}
	u := a.users[name]
	if u == nil {
		u = s.newUser(a, name)
		a.users[name] = u
	}
	return u, nil
}

func (s *Server) newUser(a *app, name string) *User {
	u := &User{server: s, app: a, AppID: a.ID, Name: name, OpenID: derivedID("openid", a.ID, name), phone: derivedPhone(name)}
	if !a.NoUnionID {
		u.UnionID = derivedID("unionid", name)
	}
	return u
}

// derivedID returns an id of WeChat's form: 28 characters that begin with o.
func derivedID(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return "o" + base64.RawURLEncoding.EncodeToString(sum[:])[:27]
}

func derivedPhone(name string) string {
	sum := sha256.Sum256([]byte("phone " + name))
	return fmt.Sprintf("138%08d", binary.BigEndian.Uint32(sum[:])%100_000_000)
}

// Code simulates wx.login: it returns a code for jscode2session, which works once and for
// five minutes, and changes the session key.
func (u *User) Code() string {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	u.key = newSessionKey()
	return u.server.issueCode(loginCode, u)
}

// PhoneCode simulates a tap on the phone button: it returns a code for getuserphonenumber.
func (u *User) PhoneCode() string {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	return u.server.issueCode(phoneCode, u)
}

// RotateSessionKey changes the session key, as a wx.login on another device does.
func (u *User) RotateSessionKey() {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	u.key = newSessionKey()
}

// SessionKey returns the current session key; empty before the first wx.login.
func (u *User) SessionKey() string {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	return u.key
}

// Block sets whether WeChat rates the user as high risk (40226).
func (u *User) Block(blocked bool) {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	u.blocked = blocked
}

// Phone returns the user's phone number without country code.
func (u *User) Phone() string {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	return u.phone
}

// SetPhone changes the user's phone number.
func (u *User) SetPhone(number string) {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	u.phone = number
}

// RawData returns the unencrypted data of wx.getUserInfo and its signature.
func (u *User) RawData() (rawData, signature string) {
	rawData = string(mustJSON(u.profile()))
	return rawData, u.SignRawData(rawData)
}

// SignRawData returns the signature of wx: hex SHA-1 of the text and the session key.
func (u *User) SignRawData(rawData string) string {
	sum := sha1.Sum([]byte(rawData + u.SessionKey()))
	return hex.EncodeToString(sum[:])
}

func (u *User) profile() map[string]any {
	return map[string]any{
		"nickName": u.Name, "avatarUrl": "https://thirdwx.qlogo.cn/mmopen/vi_32/" + u.OpenID + "/132",
		"gender": 0, "language": "zh_CN", "city": "", "province": "", "country": "",
	}
}

// tooManyLogins counts a login, and reports whether it exceeds the limit of this minute.
func (u *User) tooManyLogins(now time.Time, limit int) bool {
	if minute := now.Truncate(time.Minute); !minute.Equal(u.minute) {
		u.minute, u.logins = minute, 0
	}
	u.logins++
	return u.logins > limit
}

// validSignature verifies the signature of the empty message with the session key, whose
// base64 text is the HMAC key.
func (u *User) validSignature(signature string) bool {
	mac := hmac.New(sha256.New, []byte(u.key))
	return u.key != "" && hmac.Equal([]byte(signature), []byte(hex.EncodeToString(mac.Sum(nil))))
}

func (a *app) userByOpenID(openid string) *User {
	for _, u := range a.users {
		if u.OpenID == openid {
			return u
		}
	}
	return nil
}

func newSessionKey() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}
