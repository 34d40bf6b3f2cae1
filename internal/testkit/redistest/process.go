package redistest

import (
	"context"
	"errors"
	"os/exec"
	"strings"

	"wxgate/internal/testkit/process"
)

var errPortTaken = errors.New("the port is taken")

// run starts redis-server and returns once it says that it is ready. Its log is
// asked rather than its port, where another process may answer.
func run(log string, args []string) (*process.Process, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("redis-server is not installed, and the tests need a real one: " +
			"`apt-get install redis-server` (Debian, Ubuntu) or `brew install redis` (macOS); `make test` installs it where it may")
	}
	p, err := process.Start("redis-server", log, exec.Command(path, args...))
	if err != nil {
		return nil, err
	}
	err = p.Await(context.Background(), func() bool { return saysReady(p.Output()) })
	if err != nil {
		p.Kill()
		if strings.Contains(p.Output(), "Address already in use") {
			return nil, errPortTaken
		}
	}
	return p, err
}

// saysReady knows the last line that a server and a sentinel print at start.
func saysReady(log string) bool {
	return strings.Contains(log, "eady to accept connections") || strings.Contains(log, "Sentinel ID is ") ||
		strings.Contains(log, "Thread 0 alive") // KeyDB
}
