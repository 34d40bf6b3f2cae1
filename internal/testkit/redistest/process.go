package redistest

import (
	"context"
	"errors"
	"os/exec"
	"strings"

	"wxgate/internal/testkit/process"
)

var errPortTaken = errors.New("the port is in use")

// startProcess starts redis-server and returns when its log says that it is ready.
// It reads the log and doesn't connect, because another process could listen on the
// port.
func startProcess(log string, args []string) (*process.Process, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("redis-server is not installed, and the tests need a real one: " +
			"`apt-get install redis-server` (Debian, Ubuntu) or `brew install redis` (macOS); `make test` installs it where it may")
	}
	p, err := process.Start("redis-server", log, exec.Command(path, args...))
	if err != nil {
		return nil, err
	}
	err = p.Await(context.Background(), func() bool { return logsReady(p.Output()) })
	if err != nil {
		p.Kill()
		if strings.Contains(p.Output(), "Address already in use") {
			return nil, errPortTaken
		}
	}
	return p, err
}

// logsReady reports whether the log has the last line that a server or a sentinel
// prints at start.
func logsReady(log string) bool {
	return strings.Contains(log, "eady to accept connections") || strings.Contains(log, "Sentinel ID is ") ||
		strings.Contains(log, "Thread 0 alive") // KeyDB
}
