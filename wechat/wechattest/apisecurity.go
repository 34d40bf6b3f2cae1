package wechattest

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
)

// APIKeys are the settings of signed and encrypted calls in WeChat's console, with the
// names of the gateway's configuration.
type APIKeys struct {
	Paths         []string       `json:"paths"`
	Algorithms    string         `json:"algorithms"` // aes256_gcm+rsa or sm4_gcm+sm2
	KeySN         string         `json:"key_sn"`
	Key           string         `json:"key"`
	CertSN        string         `json:"cert_sn"`
	PrivateKey    string         `json:"private_key"`
	PlatformCerts []PlatformCert `json:"platform_certs"`
}

// PlatformCert is a certificate with which WeChat signs responses.
type PlatformCert struct {
	SN   string `json:"sn"`
	Cert string `json:"cert"`
}

// security is WeChat's side of an app's signed and encrypted calls.
type security struct {
	keys      APIKeys
	aead      cipher.AEAD
	verify    func(message, signature []byte) bool
	platforms []platformKey // newest first, two at most
}

// platformKey signs responses.
type platformKey struct {
	sn   string
	sign func(message []byte) ([]byte, error)
}

// SecureAPI creates keys for an app. From then on, calls of these paths must be signed and
// encrypted, and calls of other paths can be.
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

// RotatePlatformCert adds a platform certificate. Responses are signed with the new one and,
// as deprecated, with the previous one.
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
