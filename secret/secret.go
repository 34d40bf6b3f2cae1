// Package secret provides a type for text that must never be printed: AppSecrets, session
// keys, tokens, passwords.
package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
)

// Redacted is the output of printing or encoding any Text.
const Redacted = "[redacted]"

// Text is a secret. Printing or encoding it in any way (fmt with any verb, JSON, YAML,
// zap) writes Redacted; only Reveal and a conversion to string return the value.
type Text string

// Reveal returns the secret.
func (t Text) Reveal() string { return string(t) }

// Equal compares in constant time. Only the time for texts of different lengths differs.
func (t Text) Equal(s string) bool {
	return subtle.ConstantTimeCompare([]byte(t), []byte(s)) == 1
}

func (t Text) String() string { return Redacted }

// Format implements fmt.Formatter. Without it, verbs such as %d and %#v would print the
// value.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText is used by encoders of JSON, YAML and other text formats.
func (t Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
