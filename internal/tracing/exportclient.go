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

// newExportClient returns the HTTP client that posts spans. It compensates for
// the exporter (v1.47), which treats every 2xx as success, follows redirects with
// a GET without the spans, and drops a batch when a reused connection turns out to
// be closed.
func newExportClient() (*http.Client, error) {
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

// tlsFromEnvironment loads the certificates of the standard variables. The
// exporter loads them only for a client of its own.
func tlsFromEnvironment() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if file := exporterVariable("CERTIFICATE"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: holds no certificate", file)
		}
	}
	certificate, key := exporterVariable("CLIENT_CERTIFICATE"), exporterVariable("CLIENT_KEY")
	if certificate == "" || key == "" {
		return config, nil
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	config.Certificates = []tls.Certificate{pair}
	return config, err
}

// exporterVariable returns the variable for traces or, if that is not set, the
// one for all signals.
func exporterVariable(name string) string {
	return cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_"+name), os.Getenv("OTEL_EXPORTER_OTLP_"+name))
}

// strictTransport refuses responses that don't come from a collector, and
// repeats a request whose connection was lost.
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
	if err := checkResponse(res); err != nil {
		res.Body.Close()
		return nil, err
	}
	return res, nil
}

// connectionLost reports whether an established connection failed. The batch is
// then sent once more: span ids let a collector detect the duplicate.
func connectionLost(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op) && op.Op != "dial"
}

func checkResponse(res *http.Response) error {
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		return fmt.Errorf("the collector redirects (status %d): set its own address", res.StatusCode)
	}
	if res.StatusCode >= 400 || res.ContentLength == 0 {
		return nil // the exporter handles these
	}
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err == nil && strings.HasPrefix(kind, "text/") {
		return fmt.Errorf("the response is %s: not from a collector", kind)
	}
	return nil
}
