package redistest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

const syncLimit = 30 * time.Second

// says is nil when the answer to the command contains want.
func (s *Server) says(command, want string) error {
	text, err := s.Do(strings.Fields(command)...)
	if err != nil {
		return err
	}
	if !strings.Contains(text, want) {
		return fmt.Errorf("%s: %s doesn't say %q:\n%s", s.Addr, command, want, text)
	}
	return nil
}

// awaitSync waits until the replica has what the master has now.
func awaitSync(t testing.TB, master, replica *Server) {
	t.Helper()
	want, err := master.offset("master_repl_offset:")
	if err != nil {
		t.Fatal(err)
	}
	testkit.NoErrorWithin(t, syncLimit, func() error {
		got, err := replica.offset("slave_repl_offset:")
		if err == nil && got < want {
			err = fmt.Errorf("redistest: the replica is at %d of %d", got, want)
		}
		return err
	})
}

// offset is a field of INFO replication.
func (s *Server) offset(field string) (int, error) {
	text, err := s.Do("INFO", "replication")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(text, field)
	number, _, _ := strings.Cut(rest, "\r")
	return strconv.Atoi(number)
}
