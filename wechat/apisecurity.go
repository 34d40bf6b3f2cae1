package wechat

import (
	"encoding/base64"
	"errors"
	"net/url"
	"path"
	"slices"
	"strings"

	"wxgate/secret"
)

// APISecurity is an app's keys for WeChat's signed and encrypted server API, as set
// in WeChat's console.
// https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/getting_started/api_signature.html
type APISecurity struct {
	Paths         []string    // that are called so; a trailing /* takes everything below
	Algorithms    string      // AES256GCMWithRSA or SM4GCMWithSM2
	KeySN         string      // serial number of Key
	Key           secret.Text // base64 of the symmetric key: 32 bytes, or 16 for SM4
	PrivateKey    secret.Text // PEM of the app's private key, which signs requests
	PlatformCerts []PlatformCert
}

// PlatformCert is a certificate of WeChat's, which verifies its answers. While
// WeChat replaces one, the old and the new one are both in use.
type PlatformCert struct {
	SN  string
	PEM string // a certificate, or a public key alone
}

// The pairs of algorithms.
const (
	AES256GCMWithRSA = "aes256_gcm+rsa" // RSAwithSHA256: PSS with a salt of 32 bytes
	SM4GCMWithSM2    = "sm4_gcm+sm2"    // SM2withSM3
)

// neverEncrypted are calls that WeChat takes in the plain alone.
var neverEncrypted = []string{
	"/sns/*", "/cgi-bin/token", "/cgi-bin/stable_token", "/wxa/checksession",
}

// apiSecurity is APISecurity, parsed.
type apiSecurity struct {
	appid     string
	paths     []string
	keySN     string
	aead      aead
	signer    apiSigner
	verifiers map[string]apiVerifier // by the certificate's serial number
}

// newAPISecurity checks the keys; nil for none. Its errors hold no secret.
func newAPISecurity(appid string, s *APISecurity) (*apiSecurity, error) {
	if s == nil || len(s.Paths) == 0 {
		return nil, nil
	}
	suite, known := apiSuites[s.Algorithms]
	if !known {
		return nil, errors.New("wechat: api_security: unknown algorithms")
	}
	if s.KeySN == "" || len(s.PlatformCerts) == 0 {
		return nil, errors.New("wechat: api_security: key_sn and platform_certs are needed")
	}
	key, err := base64.StdEncoding.DecodeString(s.Key.Reveal())
	if err != nil || len(key) != suite.keySize {
		return nil, errors.New("wechat: api_security: the key is not base64, or not of the algorithm's size")
	}
	parsed := &apiSecurity{appid: appid, paths: s.Paths, keySN: s.KeySN, verifiers: map[string]apiVerifier{}}
	if parsed.aead, err = suite.newAEAD(key); err != nil {
		return nil, errors.New("wechat: api_security: the key can't be used")
	}
	if parsed.signer, err = suite.newSigner(s.PrivateKey); err != nil {
		return nil, err
	}
	for _, c := range s.PlatformCerts {
		if parsed.verifiers[c.SN], err = suite.newVerifier(c.PEM); err != nil {
			return nil, err
		}
	}
	return parsed, nil
}

// covers says whether calls of a path are signed and encrypted.
func (s *apiSecurity) covers(apiPath string) bool {
	if s == nil || matchesAny(neverEncrypted, strings.ToLower(path.Clean(apiPath))) {
		return false
	}
	return matchesAny(s.paths, apiPath)
}

func matchesAny(rules []string, apiPath string) bool {
	return slices.ContainsFunc(rules, func(rule string) bool {
		if below, ok := strings.CutSuffix(rule, "*"); ok {
			return strings.HasPrefix(apiPath, below)
		}
		return apiPath == rule
	})
}

// apiURL is the URL that is signed: WeChat's own, also where calls reach it by way of
// another address.
func apiURL(base *url.URL, apiPath string) string {
	if host := base.Hostname(); host == "weixin.qq.com" || strings.HasSuffix(host, ".weixin.qq.com") {
		return base.Scheme + "://" + base.Host + base.Path + apiPath
	}
	return DefaultBase + apiPath
}
