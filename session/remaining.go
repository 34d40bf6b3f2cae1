package session

import "time"

// Remaining is how long a session lasts if it isn't used any more: the idle
// time, or less where its absolute end is nearer.
func (s *Store) Remaining(session *Session) time.Duration {
	return min(s.config.Load().IdleTimeout, session.EndsAt.Sub(s.now()))
}
