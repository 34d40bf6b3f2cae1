package session

import (
	"errors"
	"fmt"

	"github.com/alicebob/miniredis/v2"
)

// openMemory starts the in-process Redis. Its keys expire by the clock, which
// miniredis does only if asked.
func openMemory(password string) (*miniredis.Miniredis, error) {
	memory, err := miniredis.Run()
	if err != nil {
		return nil, fmt.Errorf("in-process store: %w", err)
	}
	memory.RequireAuth(password)
	memory.ClockTTL(true)
	return memory, nil
}

// StopMemory closes the in-process Redis and its connections until StartMemory, like a
// server that is down. Its data is kept. It is for development, to show what an outage
// does.
func (s *Store) StopMemory() error {
	memory, err := s.redis.inProcess()
	if err != nil {
		return err
	}
	memory.Close()
	return nil
}

// StartMemory makes the in-process Redis accept connections again.
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
