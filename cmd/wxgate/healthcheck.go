package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// healthcheckTimeout is less than the three seconds of the Dockerfile's HEALTHCHECK.
const healthcheckTimeout = 2 * time.Second

// healthcheckCommand requests /healthz of a running gateway. It is the container's
// HEALTHCHECK: the image has neither a shell nor curl.
type healthcheckCommand struct {
	URL string `default:"http://127.0.0.1:9090/healthz" env:"WXGATE_HEALTH_URL" help:"Health address of the private listener."`
}

// Run returns nil if the gateway responds with status 200.
func (c healthcheckCommand) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", withoutURL(err))
	}
	client := http.Client{Transport: healthTransport(req.URL.Hostname())}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", withoutURL(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("healthcheck: the gateway returned %s", resp.Status)
	}
	return nil
}

// healthTransport ignores the proxy variables of the environment: a proxy can't
// connect to the container's loopback address. Certificates are not verified on
// loopback: they are for another name, and the response is not confidential.
func healthTransport(host string) *http.Transport {
	ip, err := netip.ParseAddr(host)
	loopback := err == nil && ip.IsLoopback() || host == "localhost"
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: loopback}}
}

// withoutURL removes the URL, which may contain a password, from an error.
func withoutURL(err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		return withURL.Err
	}
	return err
}
