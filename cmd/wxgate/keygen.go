package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"wxgate/internal/config"
)

// keygenCommand prints 32 random bytes in base64, one entry for secrets.
type keygenCommand struct{}

func (c *keygenCommand) Run(t *terminal) error {
	var key [config.MinKeyBytes]byte
	_, _ = rand.Read(key[:]) // never returns an error: it crashes the program instead
	_, err := fmt.Fprintln(t.out, base64.StdEncoding.EncodeToString(key[:]))
	return err
}
