package config

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"wxgate/secret"
)

// The length of a key, in bytes.
const (
	MinKeyBytes = 32
	maxKeyBytes = 1024
)

// minDistinctBytes is how many different byte values a random key has at least:
// 32 random bytes have fewer with a probability below 10⁻²⁷.
const minDistinctBytes = 8

// Key is an entry of secrets: at least 32 random bytes, written in base64 with
// the standard or the URL alphabet, padded or not.
type Key struct{ Raw secret.Text }

// UnmarshalText's errors never quote the text: it is a secret.
func (k *Key) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("is empty: `wxgate keygen` prints a secret")
	}
	raw, err := decodeBase64(string(text))
	if err != nil {
		return errors.New("is not base64: `wxgate keygen` prints a secret")
	}
	if len(raw) < MinKeyBytes || len(raw) > maxKeyBytes {
		return fmt.Errorf("holds %d bytes, not %d to %d: `wxgate keygen` prints a secret", len(raw), MinKeyBytes, maxKeyBytes)
	}
	if !looksRandom(string(text), raw) {
		return errors.New("is not random: `wxgate keygen` prints a secret")
	}
	k.Raw = secret.Text(raw)
	return nil
}

func (k Key) MarshalText() ([]byte, error) { return k.Raw.MarshalText() }

func decodeBase64(text string) ([]byte, error) {
	text = strings.TrimRight(text, "=")
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("line breaks") // package base64 would skip them
	}
	if strings.ContainsAny(text, "-_") {
		return base64.RawURLEncoding.DecodeString(text)
	}
	return base64.RawStdEncoding.DecodeString(text)
}

// looksRandom refuses secrets that a person made up: repeated bytes, text (except
// hex digits, which tools print), and sentences that happen to be valid base64.
// It refuses fewer than one in a million keys of 32 random bytes.
func looksRandom(written string, raw []byte) bool {
	if distinctBytes(raw) < minDistinctBytes {
		return false
	}
	if isText(raw) && !isHexText(raw) {
		return false
	}
	return !hasTypicalWord(written) && !hasTypicalWord(string(raw)) && !isMostlyLowerCase(written)
}

// isText accepts UTF-8 without control characters.
func isText(raw []byte) bool {
	return utf8.Valid(raw) && !bytes.ContainsFunc(raw, func(c rune) bool { return c < ' ' && c != '\n' && c != '\t' || c == 0x7f })
}

func isHexText(raw []byte) bool {
	_, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	return err == nil && distinctBytes(raw) >= minDistinctBytes
}

// hasTypicalWord finds words that are typical of made-up secrets.
func hasTypicalWord(text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc([]string{"changeme", "secret", "password", "wxgate", "gateway", "example"},
		func(word string) bool { return strings.Contains(text, word) })
}

// isMostlyLowerCase finds sentences: random base64 has capitals and digits.
func isMostlyLowerCase(written string) bool {
	count := 0
	for _, c := range written {
		if 'a' <= c && c <= 'z' || c == '-' || c == '_' {
			count++
		}
	}
	return count*5 > len(written)*4
}

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

func (v *validator) checkSecrets() {
	nonEmpty(v, "secrets", v.Secrets)
	for i, key := range v.Secrets {
		if first := slices.Index(v.Secrets, key); first < i && key.Raw != "" {
			v.errorf(at("secrets", i), "is the same as %s", at("secrets", first))
		}
	}
}
