// Package apierror is the table of errors that the gateway itself answers with:
// one code, one status, one JSON body, on both listeners.
//
// An Error has a public part, Code and Message, and a Cause for the log alone.
package apierror

import "time"

// Error is an error that is sent to a client.
type Error struct {
	Code    Code
	Message string // for a person; holds no secret and nothing the client sent

	// RetryAfter is sent in whole seconds, rounded up; 0 sends none.
	RetryAfter time.Duration

	// Allow is the Allow header's value; set on 405.
	Allow string

	// Close ends the connection after the answer: the request could not be
	// trusted to have been framed as the client meant it.
	Close bool

	// Time is the gateway's clock in Unix seconds, sent with proof_clock; 0: not sent.
	Time int64

	Cause error // for the log; never sent
}

// New makes an error with a message for a person.
func New(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// Because adds the cause that the log shows.
func (e *Error) Because(cause error) *Error {
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
