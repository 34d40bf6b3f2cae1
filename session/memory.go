package session

import (
	"errors"
	"fmt"

	"github.com/alicebob/miniredis/v2"
)

// openMemory starts the Redis within this process. Its time to live runs with
// the clock only on request.
func openMemory(password string) (*miniredis.Miniredis, error) {
	memory, err := miniredis.Run()
	if err != nil {
		return nil, fmt.Errorf("in-process store: %w", err)
	}
	memory.RequireAuth(password)
	memory.ClockTTL(true)
	return memory, nil
}

// StopMemory closes the Redis within this process and its connections, so that it
// refuses new ones as a server that is down does, until StartMemory. It keeps what
// it holds. For development: a developer sees what an outage does.
func (s *Store) StopMemory() error {
	memory, err := s.redis.inProcess()
	if err != nil {
		return err
	}
	memory.Close()
	return nil
}

// StartMemory makes the Redis within this process accept connections again.
func (s *Store) StartMemory() error {
	memory, err := s.redis.inProcess()
	if err != nil {
		return err
	}
	if err := memory.Restart(); err != nil {
		return fmt.Errorf("in-process store: %w", err)
	}
	return nil
}

func (c *redisClient) inProcess() (*miniredis.Miniredis, error) {
	if c.memory == nil {
		return nil, errors.New("the store is not in this process")
	}
	return c.memory, nil
}
