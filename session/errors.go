package session

import (
	"errors"
	"fmt"
	"time"
)

// The errors that callers distinguish. ErrUnavailable never means that something doesn't
// exist: it means that Redis could not be queried.
var (
	ErrTokenInvalid = errors.New("token is not one of ours")
	ErrTokenExpired = errors.New("token has expired")
	ErrSessionEnded = errors.New("session has ended")
	ErrUnavailable  = errors.New("session store is unavailable")
	ErrNotFound     = errors.New("not found")
	ErrCodeUsed     = errors.New("login code was used before")
)

// BlockedError is returned for a banned user.
type BlockedError struct {
	Reason string    // the operator's text, may be empty
	Until  time.Time // zero: permanent
}

func (e *BlockedError) Error() string { return "user is blocked" }

// retryable is an error after which UseCodeOnce releases its claim.
type retryable struct{ error }

func (r retryable) Unwrap() error { return r.error }

// Retryable marks err as one that did not use up the login code: UseCodeOnce then
// releases its claim, and the client can send the same code again.
func Retryable(err error) error {
	if err == nil {
		return nil
	}
	return retryable{err}
}

// unavailable wraps an error of Redis or of the connection to it.
func unavailable(operation string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, operation, err)
}
