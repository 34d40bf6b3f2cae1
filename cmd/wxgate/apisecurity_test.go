package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wxgate/internal/testkit"
	"wxgate/wechat/wechattest"
)

// check also validates SM2 keys and platform certificates, which only package wechat
// can parse.
func TestCheckValidatesTheKeysOfTheSignedAPI(t *testing.T) {
	t.Parallel()
	sim := wechattest.New(wechattest.Options{Apps: []wechattest.App{{ID: "wx1", Secret: "s"}}})
	rsa, err := sim.SecureAPI("wx1", "aes256_gcm+rsa")
	testkit.Must(t, err)
	sm, err := sim.SecureAPI("wx1", "sm4_gcm+sm2")
	testkit.Must(t, err)
	for name, c := range map[string]struct {
		key, cert string
		ok        bool
	}{
		"SM2":                    {sm.PrivateKey, sm.PlatformCerts[0].Cert, true},
		"an RSA key for SM2":     {rsa.PrivateKey, sm.PlatformCerts[0].Cert, false},
		"an RSA cert for SM2":    {sm.PrivateKey, rsa.PlatformCerts[0].Cert, false},
		"a key for a cert":       {sm.PrivateKey, sm.PrivateKey, false},
		"a certificate for both": {sm.PlatformCerts[0].Cert, sm.PlatformCerts[0].Cert, false},
	} {
		dir := t.TempDir()
		testkit.Must(t, os.WriteFile(filepath.Join(dir, "key.pem"), []byte(c.key), 0o600))
		testkit.Must(t, os.WriteFile(filepath.Join(dir, "cert.pem"), []byte(c.cert), 0o600))
		file := filepath.Join(dir, "config.yaml")
		testkit.Must(t, os.WriteFile(file, []byte(`
secrets: ["ilDAS3WpU0lpXkhpKWAzXYyl54fKLZJ1iVKtFvmAKCA="]
apps:
  - appid: wx1
    secret: secret-of-the-app
    api_security: {paths: [/wxa/getuserriskrank], algorithms: sm4_gcm+sm2, key_sn: a, key: `+sm.Key+`, cert_sn: b, private_key: "${file:key.pem}", platform_certs: [{sn: c, cert: "${file:cert.pem}"}]}
routes: [{path: /, upstreams: ["http://127.0.0.1:1"]}]
`), 0o600))
		_, err := loadConfig(file)
		if (err == nil) != c.ok || err != nil && (!strings.HasPrefix(err.Error(), file+": apps: ") || strings.Contains(err.Error(), "BEGIN")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
