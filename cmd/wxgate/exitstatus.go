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
	exitFine   = 0
	exitFailed = 1 // while running
	exitBad    = 2 // usage or config
)

// usageError is a command line that says nothing wxgate knows.
type usageError struct{ what string }

func (e usageError) Error() string { return e.what + "; see wxgate --help" }

// report prints err, if there is one, and gives the exit status for it.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitFine
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(stderr, "wxgate: %s\n", line)
	}
	var usage usageError
	var invalid config.Error
	if errors.As(err, &usage) || errors.As(err, &invalid) {
		return exitBad
	}
	return exitFailed
}
