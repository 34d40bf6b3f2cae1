package config

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"

	"wxgate/internal/httprule"
	"wxgate/secret"
)

// Values of apps[].api_security.algorithms.
const (
	aes256GCMWithRSA = "aes256_gcm+rsa"
	sm4GCMWithSM2    = "sm4_gcm+sm2"
)

// The lengths of the ciphers' keys, in bytes.
const (
	aes256KeyBytes = 32
	sm4KeyBytes    = 16
)

const minRSABits = 2048

func (v *validator) checkAPISecurity(key string, s APISecurity) {
	if len(s.Paths) == 0 {
		return
	}
	for i, path := range s.Paths {
		s.Paths[i] = v.checkSecuredPath(at(key+".paths", i), path)
	}
	distinct(v, key+".paths", s.Paths)
	for name, serial := range map[string]string{".key_sn": s.KeySN, ".cert_sn": s.CertSN} {
		v.checkSerial(key+name, serial)
	}
	v.checkCipherKey(key+".key", s)
	v.checkSigningKey(key+".private_key", s)
	nonEmpty(v, key+".platform_certs", s.PlatformCerts)
	for i, cert := range s.PlatformCerts {
		v.checkPlatformCert(at(key+".platform_certs", i), cert)
	}
}

// checkSecuredPath checks a path of the WeChat API and returns it with a leading
// slash.
func (v *validator) checkSecuredPath(key, path string) string {
	if path == "" || path[0] != '/' {
		path = "/" + path
	}
	exact := strings.TrimSuffix(path, "/*")
	switch err := httprule.CheckConfigPath(exact); {
	case exact == "" || strings.HasSuffix(exact, "/"):
		v.errorf(key, "%s is not the path of a call: write it in full, such as wxa/getuserriskrank, or wxa/business/* for all below", Quote(path))
	case err != nil:
		v.errorf(key, "%s %v", Quote(path), err)
	}
	return path
}

func (v *validator) checkSerial(key, serial string) {
	if serial == "" || len(serial) > 128 || !only(serial, isAlphanumeric, "-_") {
		v.errorf(key, "%s is not a number from WeChat's console: 1 to 128 letters and digits", Quote(serial))
	}
}

func (v *validator) checkCipherKey(key string, s APISecurity) {
	want := aes256KeyBytes
	if s.Algorithms == sm4GCMWithSM2 {
		want = sm4KeyBytes
	}
	raw, err := base64.StdEncoding.DecodeString(s.Key.Reveal())
	if err != nil || len(raw) != want {
		v.errorf(key, "is not the symmetric key of WeChat's console: base64 of %d bytes", want)
	}
}

// checkSigningKey accepts an RSA key, or any PEM block for SM2: package wechat
// parses SM2 keys.
func (v *validator) checkSigningKey(key string, s APISecurity) {
	if s.Algorithms == sm4GCMWithSM2 {
		if block, _ := pem.Decode([]byte(s.PrivateKey.Reveal())); block == nil {
			v.errorf(key, "is not a private key in PEM: ${file:…} reads it from a file")
		}
		return
	}
	if !isRSAPrivateKey(s.PrivateKey) {
		v.errorf(key, "is not an RSA private key of %d bits or more in PEM: ${file:…} reads it from a file", minRSABits)
	}
}

func isRSAPrivateKey(text secret.Text) bool {
	block, _ := pem.Decode([]byte(text.Reveal()))
	if block == nil {
		return false
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key.N.BitLen() >= minRSABits
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*rsa.PrivateKey)
	return err == nil && ok && key.N.BitLen() >= minRSABits
}

func (v *validator) checkPlatformCert(key string, cert PlatformCert) {
	v.checkSerial(key+".sn", cert.SN)
	if block, _ := pem.Decode([]byte(cert.Cert)); block == nil {
		v.errorf(key+".cert", "is not a certificate in PEM: ${file:…} reads it from a file")
	}
}
