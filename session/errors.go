package session

import (
	"errors"
	"fmt"
	"time"
)

// What callers tell apart. ErrUnavailable never means that something is not
// there: it means that Redis could not say.
var (
	ErrTokenInvalid = errors.New("token is not one of ours")
	ErrTokenExpired = errors.New("token has expired")
	ErrSessionEnded = errors.New("session has ended")
	ErrUnavailable  = errors.New("session store is unavailable")
	ErrNotFound     = errors.New("not found")
	ErrCodeUsed     = errors.New("login code was used before")
)

// BlockedError refuses a banned user.
type BlockedError struct {
	Reason string    // the operator's words, may be empty
	Until  time.Time // zero: for good
}

func (e *BlockedError) Error() string { return "user is blocked" }

// retryable is an error after which a claim is given back.
type retryable struct{ error }

func (r retryable) Unwrap() error { return r.error }

// Retryable marks err as one that did not use up the login code: UseCodeOnce then
// releases its claim, so that the client may try again with the same code.
func Retryable(err error) error {
	if err == nil {
		return nil
	}
	return retryable{err}
}

// unavailable wraps what Redis or the way to it reported.
func unavailable(operation string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, operation, err)
}
