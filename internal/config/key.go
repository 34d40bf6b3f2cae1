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
	if !looksRandom(string(text), raw) {
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

// looksRandom refuses what somebody made up: bytes that repeat, text (but for
// the digits of a number, which tools make), and sentences that happen to be
// base64 as they are. For 32 random bytes it is wrong less than once in a
// million times.
func looksRandom(written string, raw []byte) bool {
	if distinctBytes(raw) < minDistinctBytes {
		return false
	}
	if isText(raw) && !isHexText(raw) {
		return false
	}
	return !hasPlainWord(written) && !hasPlainWord(string(raw)) && !isSmallLetters(written)
}

// isText: UTF-8 without control characters, which 32 random bytes are not.
func isText(raw []byte) bool {
	return utf8.Valid(raw) && !bytes.ContainsFunc(raw, func(c rune) bool { return c < ' ' && c != '\n' && c != '\t' || c == 0x7f })
}

func isHexText(raw []byte) bool {
	_, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	return err == nil && distinctBytes(raw) >= minDistinctBytes
}

// hasPlainWord finds words that people put into secrets they make up.
func hasPlainWord(text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc([]string{"changeme", "secret", "password", "wxgate", "gateway", "example"},
		func(word string) bool { return strings.Contains(text, word) })
}

// isSmallLetters finds a sentence written where base64 is wanted: it has nearly
// no capitals and digits.
func isSmallLetters(written string) bool {
	small := 0
	for _, c := range written {
		if 'a' <= c && c <= 'z' || c == '-' || c == '_' {
			small++
		}
	}
	return small*5 > len(written)*4
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
