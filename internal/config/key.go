package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"wxgate/secret"
)

// A key of fewer different bytes than this is no random one: for 32 random bytes
// the chance is below 10⁻²⁷.
const (
	MinKeyBytes      = 32
	maxKeyBytes      = 1024
	minDistinctBytes = 8
)

// Key is one of the gateway's secrets: at least 32 random bytes, written in
// base64, standard or URL alphabet, padded or not.
type Key struct{ Raw secret.Text }

// UnmarshalText's errors never quote the text: it is a secret, or meant to be.
func (k *Key) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("is empty: `wxgate keygen` makes a secret")
	}
	raw, err := decodeBase64(string(text))
	if err != nil {
		return errors.New("is not base64: `wxgate keygen` makes a secret")
	}
	if len(raw) < MinKeyBytes || len(raw) > maxKeyBytes {
		return fmt.Errorf("holds %d bytes, not at least %d (and at most %d): `wxgate keygen` makes a secret", len(raw), MinKeyBytes, maxKeyBytes)
	}
	if strings.Contains(strings.ToLower(string(raw)), "changeme") {
		return errors.New("is not random: `wxgate keygen` makes a secret")
	}
	k.Raw = secret.Text(raw)
	return nil
}

func (k Key) MarshalText() ([]byte, error) { return k.Raw.MarshalText() }

func decodeBase64(text string) ([]byte, error) {
	text = strings.TrimRight(text, "=")
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("line breaks") // which package base64 skips
	}
	if strings.ContainsAny(text, "-_") {
		return base64.RawURLEncoding.DecodeString(text)
	}
	return base64.RawStdEncoding.DecodeString(text)
}

// looksRandom is wrong once in a lifetime of the universe for what keygen makes.
func (k Key) looksRandom() bool { return distinctBytes([]byte(k.Raw.Reveal())) >= minDistinctBytes }

func distinctBytes(raw []byte) int {
	var seen [256]bool
	count := 0
	for _, b := range raw {
		if !seen[b] {
			seen[b] = true
			count++
		}
	}
	return count
}
