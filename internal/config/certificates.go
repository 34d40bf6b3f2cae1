package config

import (
	"crypto/tls"
	"crypto/x509"
)

// checkKeyPair accepts neither file, or a certificate and its private key.
func (v *validator) checkKeyPair(key string, cert, private Path) {
	switch {
	case cert == "" && private == "":
	case cert == "":
		v.errorf(key+".cert_file", "is empty while %s.key_file is not: set both or neither", key)
	case private == "":
		v.errorf(key+".key_file", "is empty while %s.cert_file is not: set both or neither", key)
	default:
		if _, err := tls.LoadX509KeyPair(string(cert), string(private)); err != nil {
			v.errorf(key+".cert_file", "can't be used with key_file: %v", err)
		}
	}
}

// checkCAFile accepts a file with at least one certificate in PEM.
func (v *validator) checkCAFile(key, file string) {
	pem, err := readRegularFile(file, maxFileSize)
	if err != nil {
		v.errorf(key, "%v", err)
		return
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		v.errorf(key, "the file %s holds no certificate in PEM", file)
	}
}
