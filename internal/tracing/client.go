package tracing

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// newClient makes the client that spans are posted with. The exporter (v1.47)
// takes every 2xx for success, follows redirects by a GET without the spans, and
// gives a batch up when a kept connection turns out to be closed.
func newClient() (*http.Client, error) {
	config, err := tlsFromEnvironment()
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Timeout:       exportTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &strictTransport{http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second,
			TLSHandshakeTimeout: exportTimeout, MaxResponseHeaderBytes: 64 << 10, TLSClientConfig: config,
		}},
	}, nil
}

// tlsFromEnvironment reads the certificates that the exporter reads where it
// makes its own client.
func tlsFromEnvironment() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if file := variable("CERTIFICATE"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificate in it", file)
		}
	}
	certificate, key := variable("CLIENT_CERTIFICATE"), variable("CLIENT_KEY")
	if certificate == "" || key == "" {
		return config, nil
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	config.Certificates = []tls.Certificate{pair}
	return config, err
}

// variable is the one for traces, else that for all signals.
func variable(name string) string {
	return cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_"+name), os.Getenv("OTEL_EXPORTER_OTLP_"+name))
}

// strictTransport refuses an answer that no collector gives.
type strictTransport struct{ http.Transport }

func (t *strictTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.Transport.RoundTrip(r)
	if connectionLost(err) && r.GetBody != nil {
		if r.Body, err = r.GetBody(); err == nil {
			res, err = t.Transport.RoundTrip(r)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := checkAnswer(res); err != nil {
		res.Body.Close()
		return nil, err
	}
	return res, nil
}

// connectionLost is an error of the connection, after which a batch is sent
// once more: a collector that gets one twice knows spans by their ids.
func connectionLost(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op) && op.Op != "dial"
}

func checkAnswer(res *http.Response) error {
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		return fmt.Errorf("the collector redirects (status %d): set its own address", res.StatusCode)
	}
	if res.StatusCode >= 400 || res.ContentLength == 0 {
		return nil // the exporter knows these
	}
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err == nil && strings.HasPrefix(kind, "text/") {
		return fmt.Errorf("the answer is %s: no collector speaks so", kind)
	}
	return nil
}
