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

// APISecurity is the configuration of WeChat's signed and encrypted server API for an app,
// as set in WeChat's console.
// https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/getting_started/api_signature.html
type APISecurity struct {
	Paths         []string    // of the calls that are signed and encrypted; a trailing /* matches all paths below
	Algorithms    string      // AES256GCMWithRSA or SM4GCMWithSM2
	KeySN         string      // serial number of Key
	Key           secret.Text // base64 of the symmetric key: 32 bytes, or 16 for SM4
	PrivateKey    secret.Text // PEM of the app's private key, which signs requests
	PlatformCerts []PlatformCert
}

// PlatformCert is a platform certificate of WeChat, which verifies its responses. While
// WeChat replaces it, both the old and the new one are in use.
type PlatformCert struct {
	SN  string
	PEM string // a certificate or a public key
}

// Values of APISecurity.Algorithms.
const (
	AES256GCMWithRSA = "aes256_gcm+rsa" // RSAwithSHA256: PSS with a salt of 32 bytes
	SM4GCMWithSM2    = "sm4_gcm+sm2"    // SM2withSM3
)

// neverEncrypted are the paths that WeChat accepts only unencrypted.
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

// newAPISecurity parses the keys. It returns nil if no path is configured. Its errors
// contain no secret.
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

// covers reports whether calls of a path are signed and encrypted.
func (s *apiSecurity) covers(apiPath string) bool {
	if s == nil || matchesAnyPath(neverEncrypted, strings.ToLower(path.Clean(apiPath))) {
		return false
	}
	return matchesAnyPath(s.paths, apiPath)
}

func matchesAnyPath(rules []string, apiPath string) bool {
	return slices.ContainsFunc(rules, func(rule string) bool {
		if prefix, ok := strings.CutSuffix(rule, "*"); ok {
			return strings.HasPrefix(apiPath, prefix)
		}
		return apiPath == rule
	})
}

// apiURL returns the URL that is signed: that of WeChat, even if Config.Base is the
// address of a proxy.
func apiURL(base *url.URL, apiPath string) string {
	if host := base.Hostname(); host == "weixin.qq.com" || strings.HasSuffix(host, ".weixin.qq.com") {
		return base.Scheme + "://" + base.Host + base.Path + apiPath
	}
	return DefaultBase + apiPath
}
