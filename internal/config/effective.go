package config

import (
	"io"

	"github.com/goccy/go-yaml"

	"wxgate/secret"
)

// WriteEffective writes the effective configuration as YAML, every key included.
// Secrets are printed as [redacted].
func WriteEffective(w io.Writer, c *Config) error {
	encoder := yaml.NewEncoder(w,
		yaml.IndentSequence(true),
		yaml.CustomMarshaler[secret.Text](redact),
		yaml.CustomMarshaler[Key](func(k Key) ([]byte, error) { return redact(k.Raw) }),
		yaml.CustomMarshaler[Size](func(s Size) ([]byte, error) { return s.MarshalText() }),
		yaml.CustomMarshaler[Fraction](func(f Fraction) ([]byte, error) { return f.MarshalText() }),
	)
	return encoder.Encode(c)
}

// redact prints an empty secret as "", so that a missing one can be seen.
func redact(s secret.Text) ([]byte, error) {
	if s == "" {
		return []byte(`""`), nil
	}
	return []byte(`"` + secret.Redacted + `"`), nil
}
