package wechattest

import (
	"crypto/rand"
	"time"
)

type codeKind int

const (
	loginCode codeKind = iota
	phoneCode
)

// codeLife is how long a code works: five minutes, for both kinds.
const codeLife = 5 * time.Minute

type code struct {
	kind codeKind
	user *User
	ends time.Time
	used bool
}

// mintCode makes a code, and forgets those that ended long ago.
func (s *Server) mintCode(kind codeKind, u *User) string {
	now := s.now()
	for text, c := range s.codes {
		if now.Sub(c.ends) > codeLife {
			delete(s.codes, text)
		}
	}
	text := "0" + rand.Text()
	s.codes[text] = &code{kind: kind, user: u, ends: now.Add(codeLife)}
	return text
}

// valid says whether the code is one of that kind that has not run out; it may be
// used up.
func (s *Server) valid(text string, kind codeKind) (*code, bool) {
	c := s.codes[text]
	return c, c != nil && c.kind == kind && s.now().Before(c.ends)
}
