package wechat

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm4"
	"github.com/emmansun/gmsm/smx509"

	"wxgate/secret"
)

type (
	aead        = cipher.AEAD
	apiSigner   func(message []byte) ([]byte, error)
	apiVerifier func(message, signature []byte) bool
)

// apiSuite is an encryption and a signature algorithm.
type apiSuite struct {
	keySize     int
	newAEAD     func(key []byte) (aead, error)
	newSigner   func(pemKey secret.Text) (apiSigner, error)
	newVerifier func(pemCert string) (apiVerifier, error)
}

var apiSuites = map[string]apiSuite{
	AES256GCMWithRSA: {keySize: 32, newAEAD: newAESGCM, newSigner: newRSASigner, newVerifier: newRSAVerifier},
	SM4GCMWithSM2:    {keySize: 16, newAEAD: newSM4GCM, newSigner: newSM2Signer, newVerifier: newSM2Verifier},
}

var (
	errPrivateKey   = errors.New("wechat: api_security: private_key is no PEM key of the algorithm")
	errPlatformCert = errors.New("wechat: api_security: a platform certificate is no PEM certificate of the algorithm")
)

func newAESGCM(key []byte) (aead, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func newSM4GCM(key []byte) (aead, error) {
	block, err := sm4.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// pss are the options of what WeChat calls RSAwithSHA256.
var pss = rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256}

const minRSABits = 2048

func newRSASigner(pemKey secret.Text) (apiSigner, error) {
	block, _ := pem.Decode([]byte(pemKey.Reveal()))
	if block == nil {
		return nil, errPrivateKey
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok || key.N.BitLen() < minRSABits {
		return nil, errPrivateKey
	}
	return func(message []byte) ([]byte, error) {
		sum := sha256.Sum256(message)
		return rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &pss)
	}, nil
}

func newRSAVerifier(pemCert string) (apiVerifier, error) {
	key, ok := publicKeyOf(pemCert).(*rsa.PublicKey)
	if !ok || key.N.BitLen() < minRSABits {
		return nil, errPlatformCert
	}
	return func(message, signature []byte) bool {
		sum := sha256.Sum256(message)
		return rsa.VerifyPSS(key, crypto.SHA256, sum[:], signature, &pss) == nil
	}, nil
}

// newSM2Signer signs with SM2withSM3: over the SM3 hash of the signer's id and public key
// and of the message. Without the option, the library would sign the message as if it
// were the hash.
func newSM2Signer(pemKey secret.Text) (apiSigner, error) {
	block, _ := pem.Decode([]byte(pemKey.Reveal()))
	if block == nil {
		return nil, errPrivateKey
	}
	parsed, err := smx509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		parsed, err = smx509.ParseSM2PrivateKey(block.Bytes)
	}
	key, ok := parsed.(*sm2.PrivateKey)
	if err != nil || !ok {
		return nil, errPrivateKey
	}
	return func(message []byte) ([]byte, error) {
		return key.Sign(rand.Reader, message, sm2.NewSM2SignerOption(true, nil))
	}, nil
}

func newSM2Verifier(pemCert string) (apiVerifier, error) {
	key, ok := publicKeyOf(pemCert).(*ecdsa.PublicKey)
	if !ok || key.Curve != sm2.P256() {
		return nil, errPlatformCert
	}
	return func(message, signature []byte) bool { return sm2.VerifyASN1WithSM2(key, nil, message, signature) }, nil
}

// publicKeyOf parses the PEM of a certificate or of a public key. It returns nil for
// anything else.
func publicKeyOf(text string) any {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil
	}
	if cert, err := smx509.ParseCertificate(block.Bytes); err == nil {
		return cert.PublicKey
	}
	key, err := smx509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil
	}
	return key
}
