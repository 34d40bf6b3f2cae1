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

// healthcheckLimit is below the three seconds that the Dockerfile's HEALTHCHECK allows.
const healthcheckLimit = 2 * time.Second

// healthcheckCommand asks a running gateway whether it is alive: the container's
// HEALTHCHECK, since the image has no shell and no curl.
type healthcheckCommand struct {
	URL string `default:"http://127.0.0.1:9090/healthz" env:"WXGATE_HEALTH_URL" help:"Health address of the private listener."`
}

// Run returns nil when the gateway answers 200.
func (c healthcheckCommand) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healthcheckLimit)
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
		return fmt.Errorf("healthcheck: the gateway answered %s", resp.Status)
	}
	return nil
}

// healthTransport goes through no proxy of the environment, which couldn't reach
// the container's loopback. There a certificate isn't checked: it is for another
// name, and the answer is not confidential.
func healthTransport(host string) *http.Transport {
	ip, err := netip.ParseAddr(host)
	loopback := err == nil && ip.IsLoopback() || host == "localhost"
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: loopback}}
}

// withoutURL drops the address, which may hold a password, from an error.
func withoutURL(err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		return withURL.Err
	}
	return err
}
