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

// awaitSync waits until the replica has what the master has now.
func awaitSync(t testing.TB, master, replica *Server) {
	t.Helper()
	want, err := master.replicationOffset("master_repl_offset:")
	if err != nil {
		t.Fatal(err)
	}
	testkit.NoErrorWithin(t, syncLimit, func() error {
		got, err := replica.replicationOffset("slave_repl_offset:")
		if err == nil && got < want {
			err = fmt.Errorf("redistest: the replica's offset is %d of %d", got, want)
		}
		return err
	})
}

// replicationOffset returns a field of INFO replication.
func (s *Server) replicationOffset(field string) (int, error) {
	text, err := s.Do("INFO", "replication")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(text, field)
	number, _, _ := strings.Cut(rest, "\r")
	return strconv.Atoi(number)
}
