package wechattest

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// APIKeys are what WeChat's console gives and asks for when an app switches signed and
// encrypted calls on, named as the gateway's configuration names them.
type APIKeys struct {
	Paths         []string       `json:"paths"`
	Algorithms    string         `json:"algorithms"` // aes256_gcm+rsa or sm4_gcm+sm2
	KeySN         string         `json:"key_sn"`
	Key           string         `json:"key"`
	CertSN        string         `json:"cert_sn"`
	PrivateKey    string         `json:"private_key"`
	PlatformCerts []PlatformCert `json:"platform_certs"`
}

// PlatformCert is a certificate by which the platform signs its answers.
type PlatformCert struct {
	SN   string `json:"sn"`
	Cert string `json:"cert"`
}

// security is an app's signed and encrypted API as the platform knows it.
type security struct {
	keys      APIKeys
	aead      cipher.AEAD
	verify    func(message, signature []byte) bool
	platforms []platformKey // newest first, two at most
}

// platformKey signs answers.
type platformKey struct {
	sn   string
	sign func(message []byte) ([]byte, error)
}

// SecureAPI makes keys for an app, and from now on takes calls of these paths signed
// and encrypted alone. Calls of other paths may be.
func (s *Server) SecureAPI(appid, algorithms string, paths ...string) (APIKeys, error) {
	suite, known := suites[algorithms]
	if !known {
		return APIKeys{}, errors.New("algorithms must be aes256_gcm+rsa or sm4_gcm+sm2")
	}
	key := make([]byte, suite.keySize)
	_, _ = rand.Read(key)
	aead, err := suite.aead(key)
	if err != nil {
		return APIKeys{}, err
	}
	own, err := suite.newKey()
	if err != nil {
		return APIKeys{}, err
	}
	sec := &security{aead: aead, verify: own.verify, keys: APIKeys{
		Paths: paths, Algorithms: algorithms, KeySN: newSerial(), Key: base64.StdEncoding.EncodeToString(key),
		CertSN: newSerial(), PrivateKey: own.privatePEM,
	}}
	if err := sec.addPlatformKey(); err != nil {
		return APIKeys{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.app(appid)
	if err != nil {
		return APIKeys{}, err
	}
	a.security = sec
	return sec.keys, nil
}

// RotatePlatformCert gives the app another platform certificate. Answers are signed by
// both, the old one as deprecated.
func (s *Server) RotatePlatformCert(appid string) (PlatformCert, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.app(appid)
	if err != nil {
		return PlatformCert{}, err
	}
	if a.security == nil {
		return PlatformCert{}, errors.New("the app has no API keys")
	}
	if err := a.security.addPlatformKey(); err != nil {
		return PlatformCert{}, err
	}
	return a.security.keys.PlatformCerts[0], nil
}

func (sec *security) addPlatformKey() error {
	k, err := suites[sec.keys.Algorithms].newKey()
	if err != nil {
		return err
	}
	sn := newSerial()
	sec.platforms = append([]platformKey{{sn, k.sign}}, sec.platforms...)
	sec.platforms = sec.platforms[:min(len(sec.platforms), 2)]
	sec.keys.PlatformCerts = append([]PlatformCert{{sn, k.certPEM}}, sec.keys.PlatformCerts...)
	return nil
}

func newSerial() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// apiBase is the address that is signed, wherever this WeChat listens.
const apiBase = "https://api.weixin.qq.com"

// apiSkew is how far the time of a call may be from the platform's.
const apiSkew = 5 * time.Minute

// sealed is an encrypted body.
type sealed struct {
	IV      []byte `json:"iv"`
	Data    []byte `json:"data"`
	AuthTag []byte `json:"authtag"`
}

// unseal verifies and decrypts a signed call in place, and says whether it is to be
// served. A plain call of a path that must be signed is not.
func (s *Server) unseal(r *request) (response, bool) {
	s.mu.Lock()
	a := s.apps[r.Header.Get("Wechatmp-Appid")]
	s.mu.Unlock()
	if r.Header.Get("Wechatmp-Signature") == "" {
		return s.mayBePlain(r)
	}
	if a == nil || a.security == nil {
		return failure(40233, "invalid appid of signature"), false
	}
	timestamp := r.Header.Get("Wechatmp-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if age := s.now().Sub(time.Unix(seconds, 0)); err != nil || age > apiSkew || age < -apiSkew {
		return failure(40231, "timestamp expired"), false
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxJSON))
	if err != nil {
		return failure(44002, "empty post data"), false
	}
	signature, err := base64.StdEncoding.DecodeString(r.Header.Get("Wechatmp-Signature"))
	if err != nil || !a.security.verify([]byte(apiBase+r.URL.Path+"\n"+a.ID+"\n"+timestamp+"\n"+string(body)), signature) {
		return failure(40234, "invalid signature"), false
	}
	return r.decrypt(a, timestamp, body)
}

func (s *Server) mayBePlain(r *request) (response, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[r.query.Get("access_token")]
	if t != nil && t.app.security != nil && slices.Contains(t.app.security.keys.Paths, r.URL.Path) {
		return failure(40232, "signature missing"), false
	}
	return response{}, true
}

// decrypt puts the parameters into the body, and into the query for calls that read
// them there.
func (r *request) decrypt(a *app, timestamp string, body []byte) (response, bool) {
	var got sealed
	if json.Unmarshal(body, &got) != nil || len(got.IV) != a.security.aead.NonceSize() {
		return failure(40235, "invalid encrypted data"), false
	}
	plain, err := a.security.aead.Open(nil, got.IV, append(got.Data, got.AuthTag...), a.security.additional(a.ID, r.URL.Path, timestamp))
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(plain))
	d.UseNumber()
	if err != nil || d.Decode(&fields) != nil || fields["_appid"] != a.ID || fmt.Sprint(fields["_timestamp"]) != timestamp || fields["_n"] == "" {
		return failure(40237, "decrypt failed"), false
	}
	for name, value := range fields {
		switch value := value.(type) {
		case string, json.Number, bool:
			if name[0] != '_' {
				r.query.Set(name, fmt.Sprint(value))
			}
		}
	}
	r.sealed = a
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(plain)), int64(len(plain))
	return response{}, true
}

func (sec *security) additional(appid, path, timestamp string) []byte {
	return []byte(apiBase + path + "|" + appid + "|" + timestamp + "|" + sec.keys.KeySN)
}

// seal encrypts and signs the answer to a call that was.
func (s *Server) seal(r *request, res response) response {
	a, now := r.sealed, s.now().Unix()
	fields := map[string]json.RawMessage{}
	if json.Unmarshal(res.body, &fields) != nil {
		return res // a picture
	}
	timestamp := strconv.FormatInt(now, 10)
	fields["_n"], fields["_appid"], fields["_timestamp"] = mustJSON(newSerial()), mustJSON(a.ID), mustJSON(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	iv := make([]byte, a.security.aead.NonceSize())
	_, _ = rand.Read(iv)
	out := a.security.aead.Seal(nil, iv, mustJSON(fields), a.security.additional(a.ID, r.URL.Path, timestamp))
	tag := len(out) - a.security.aead.Overhead()
	res.body = mustJSON(sealed{iv, out[:tag], out[tag:]})
	res.header = http.Header{"Wechatmp-Appid": {a.ID}, "Wechatmp-TimeStamp": {timestamp}}
	message := []byte(apiBase + r.URL.Path + "\n" + a.ID + "\n" + timestamp + "\n" + string(res.body))
	for i, suffix := range []string{"", "-Deprecated"}[:len(a.security.platforms)] {
		signature, err := a.security.platforms[i].sign(message)
		if err != nil {
			return failure(-1, "system error")
		}
		res.header.Set("Wechatmp-Serial"+suffix, a.security.platforms[i].sn)
		res.header.Set("Wechatmp-Signature"+suffix, base64.StdEncoding.EncodeToString(signature))
	}
	return res
}
