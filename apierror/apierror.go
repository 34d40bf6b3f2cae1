// Package apierror is the table of the errors that the gateway itself sends to
// clients, on both listeners: each code has one status and one form of JSON body.
//
// An Error has a public part, Code and Message, and a Cause that only the log shows.
package apierror

import "time"

// Error is an error that is sent to a client.
type Error struct {
	Code    Code
	Message string // for a person; holds no secret and nothing the client sent

	// RetryAfter is the Retry-After header, sent in whole seconds, rounded up. 0: not sent.
	RetryAfter time.Duration

	// Allow is the value of the Allow header of a 405. Empty: not sent.
	Allow string

	// Close closes the connection after the response: the gateway and the client may
	// disagree where the request ends.
	Close bool

	// Time is the gateway's clock in Unix seconds, sent with proof_clock. 0: not sent.
	Time int64

	Cause error // for the log; never sent
}

// New returns an error with a message for a person.
func New(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// WithCause sets the cause, which only the log shows, and returns e.
func (e *Error) WithCause(cause error) *Error {
	e.Cause = cause
	return e
}

func (e *Error) Error() string {
	if e.Cause == nil {
		return string(e.Code) + ": " + e.Message
	}
	return string(e.Code) + ": " + e.Cause.Error()
}

func (e *Error) Unwrap() error { return e.Cause }
