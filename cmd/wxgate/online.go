package main

import (
	"context"
	"errors"
)

// checkOnline tries Redis, each upstream and each app's credentials.
func checkOnline(_ context.Context, _ *Config, _ *terminal) error {
	return errors.New("not built yet")
}
