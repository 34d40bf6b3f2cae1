package main

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"wxgate/internal/config"
)

// goodSecret consists of different bytes; it is nobody's.
const goodSecret = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="

// around completes a part of a config file with what a file must have.
func around(part string) string {
	for key, good := range map[string]string{
		"secrets": "secrets: [" + goodSecret + "]\n",
		"apps":    "apps: [{appid: wx1, secret: hush}]\n",
		"routes":  "routes: [{path: /api/, upstreams: ['http://127.0.0.1:3000']}]\n",
	} {
		if !strings.Contains("\n"+part, "\n"+key+":") {
			part += "\n" + good
		}
	}
	return part
}

func parse(t *testing.T, text string) (*config.Config, error) {
	t.Helper()
	return config.Parse("config.yaml", []byte(text), environment(nil))
}

// environment is a set of variables for a test.
func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

func write(t *testing.T, file, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
