package wechattest

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm4"
	"github.com/emmansun/gmsm/smx509"
)

// suite is an encryption and a signature algorithm.
type suite struct {
	keySize int
	aead    func(key []byte) (cipher.AEAD, error)
	newKey  func() (signKey, error)
}

var suites = map[string]suite{
	"aes256_gcm+rsa": {32, gcmOf(aes.NewCipher), newRSAKey},
	"sm4_gcm+sm2":    {16, gcmOf(sm4.NewCipher), newSM2Key},
}

func gcmOf(newBlock func([]byte) (cipher.Block, error)) func([]byte) (cipher.AEAD, error) {
	return func(key []byte) (cipher.AEAD, error) {
		block, err := newBlock(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCM(block)
	}
}

// signKey is a key pair, with a certificate.
type signKey struct {
	privatePEM, certPEM string
	sign                func(message []byte) ([]byte, error)
	verify              func(message, signature []byte) bool
}

func newRSAKey() (signKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return signKey{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return signKey{}, err
	}
	cert, err := x509.CreateCertificate(rand.Reader, certTemplate(), certTemplate(), key.Public(), key)
	pss := &rsa.PSSOptions{SaltLength: 32}
	return signKey{
		privatePEM: pemOf("PRIVATE KEY", private), certPEM: pemOf("CERTIFICATE", cert),
		sign: func(message []byte) ([]byte, error) {
			sum := sha256.Sum256(message)
			return rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], pss)
		},
		verify: func(message, signature []byte) bool {
			sum := sha256.Sum256(message)
			return rsa.VerifyPSS(&key.PublicKey, crypto.SHA256, sum[:], signature, pss) == nil
		},
	}, err
}

func newSM2Key() (signKey, error) {
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return signKey{}, err
	}
	private, err := smx509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return signKey{}, err
	}
	cert, err := smx509.CreateCertificate(rand.Reader, certTemplate(), certTemplate(), &key.PublicKey, key)
	return signKey{
		privatePEM: pemOf("PRIVATE KEY", private), certPEM: pemOf("CERTIFICATE", cert),
		sign: func(message []byte) ([]byte, error) {
			return key.Sign(rand.Reader, message, sm2.NewSM2SignerOption(true, nil))
		},
		verify: func(message, signature []byte) bool {
			return sm2.VerifyASN1WithSM2((*ecdsa.PublicKey)(&key.PublicKey), nil, message, signature)
		},
	}, err
}

func certTemplate() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "simulated WeChat"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
	}
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
