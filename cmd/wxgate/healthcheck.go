package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// healthcheckLimit is below the three seconds that the Dockerfile's HEALTHCHECK allows.
const healthcheckLimit = 2 * time.Second

// healthcheckCmd asks a running gateway whether it is alive: the container's
// HEALTHCHECK, since the image has no shell and no curl.
type healthcheckCmd struct {
	URL string `default:"http://127.0.0.1:9090/healthz" env:"WXGATE_HEALTH_URL" help:"Health address of the private listener."`
}

// Run returns nil when the gateway answers 200.
func (c healthcheckCmd) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healthcheckLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", withoutURL(err))
	}
	// Never through the proxy of the environment: it can't reach the container's loopback.
	client := http.Client{Transport: &http.Transport{}}
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

// withoutURL drops the address, which may hold a password, from an error.
func withoutURL(err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		return withURL.Err
	}
	return err
}
