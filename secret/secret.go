// Package secret holds text that must never be printed: AppSecrets, session
// keys, tokens, passwords.
package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
)

// Redacted is what every printed Text reads as.
const Redacted = "[redacted]"

// Text is a secret. Every way of printing or encoding it (fmt with any verb,
// JSON, YAML, text, zap) gives Redacted; only Reveal gives the value.
// The zero value is the empty secret.
type Text string

// Reveal gives the secret itself, for the one place that needs it.
func (t Text) Reveal() string { return string(t) }

// Equal compares in constant time for equal lengths; only the length leaks.
func (t Text) Equal(s string) bool {
	return subtle.ConstantTimeCompare([]byte(t), []byte(s)) == 1
}

func (t Text) String() string { return Redacted }

// Format covers every verb, %x and %q included, which would otherwise reach
// through String to the value.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText covers JSON, YAML and every encoder that asks for text.
func (t Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
