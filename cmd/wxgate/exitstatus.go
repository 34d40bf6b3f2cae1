package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"wxgate/internal/config"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // failed while running
	exitUsage  = 2 // invalid command line or config
)

// usageError is an invalid command line.
type usageError struct{ what string }

func (e usageError) Error() string { return e.what + "; see wxgate --help" }

// report prints err, if it is not nil, and returns the exit status for it.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(stderr, "wxgate: %s\n", line)
	}
	var usage usageError
	var invalid config.Error
	if errors.As(err, &usage) || errors.As(err, &invalid) {
		return exitUsage
	}
	return exitFailed
}
