package config

import (
	"io"

	"github.com/goccy/go-yaml"

	"wxgate/secret"
)

// WriteEffective writes the configuration as YAML with every key in place.
// Secrets read as [redacted].
func WriteEffective(w io.Writer, c *Config) error {
	encoder := yaml.NewEncoder(w,
		yaml.IndentSequence(true),
		yaml.CustomMarshaler[secret.Text](hidden),
		yaml.CustomMarshaler[Key](func(k Key) ([]byte, error) { return hidden(k.Raw) }),
		yaml.CustomMarshaler[Size](func(s Size) ([]byte, error) { return s.MarshalText() }),
		yaml.CustomMarshaler[Fraction](func(f Fraction) ([]byte, error) { return f.MarshalText() }),
	)
	return encoder.Encode(c)
}

// hidden tells a secret that is there from none at all.
func hidden(s secret.Text) ([]byte, error) {
	if s == "" {
		return []byte(`""`), nil
	}
	return []byte(`"` + secret.Redacted + `"`), nil
}
