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

// codeLifetime is the lifetime of codes of both kinds.
const codeLifetime = 5 * time.Minute

type code struct {
	kind    codeKind
	user    *User
	expires time.Time
	used    bool
}

// issueCode creates a code, and deletes those that expired long ago.
func (s *Server) issueCode(kind codeKind, u *User) string {
	now := s.now()
	for text, c := range s.codes {
		if now.Sub(c.expires) > codeLifetime {
			delete(s.codes, text)
		}
	}
	text := "0" + rand.Text()
	s.codes[text] = &code{kind: kind, user: u, expires: now.Add(codeLifetime)}
	return text
}

// findCode returns the code; ok is false if it has another kind or has expired. It may be used
// up.
func (s *Server) findCode(text string, kind codeKind) (c *code, ok bool) {
	c = s.codes[text]
	return c, c != nil && c.kind == kind && s.now().Before(c.expires)
}
