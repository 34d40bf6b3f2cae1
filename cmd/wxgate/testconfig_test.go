package main

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"wxgate/internal/config"
)

// validSecret passes as random, but is not in use anywhere.
const validSecret = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="

// withRequiredKeys adds the required keys that a part of a config file lacks.
func withRequiredKeys(part string) string {
	for key, valid := range map[string]string{
		"secrets": "secrets: [" + validSecret + "]\n",
		"apps":    "apps: [{appid: wx1, secret: hush}]\n",
		"routes":  "routes: [{path: /api/, upstreams: ['http://127.0.0.1:3000']}]\n",
	} {
		if !strings.Contains("\n"+part, "\n"+key+":") {
			part += "\n" + valid
		}
	}
	return part
}

func parse(t *testing.T, text string) (*config.Config, error) {
	t.Helper()
	return config.Parse("config.yaml", []byte(text), environmentOf(nil))
}

// environmentOf returns a look-up function for a test's variables.
func environmentOf(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

func writeFile(t *testing.T, file, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
