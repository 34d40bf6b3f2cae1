package config

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Parts of a valid file. The secret passes as random, but is not in use anywhere.
const (
	validSecret  = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
	validSecrets = "secrets: [" + validSecret + "]\n"
	validApps    = "apps: [{appid: wx1, secret: hush}]\n"
	validRoutes  = "routes: [{path: /api/, upstreams: ['http://127.0.0.1:3000']}]\n"
)

// withRequiredKeys adds the required keys that a part of a config file lacks.
func withRequiredKeys(part string) string {
	for key, good := range map[string]string{"secrets": validSecrets, "apps": validApps, "routes": validRoutes} {
		if !strings.Contains("\n"+part, "\n"+key+":") {
			part += "\n" + good
		}
	}
	return part
}

// inRoute returns routes with one entry: the given lines and valid required keys.
func inRoute(lines string) string {
	if !strings.Contains("\n"+lines, "\npath:") {
		lines = "path: /api/\n" + lines
	}
	if !strings.Contains("\n"+lines, "\nupstreams:") {
		lines = "upstreams: ['https://127.0.0.1:3000']\n" + lines
	}
	return "routes:\n  - " + strings.ReplaceAll(lines, "\n", "\n    ") + "\n"
}

// environmentOf returns a look-up function for a test's variables.
func environmentOf(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

func parse(t *testing.T, text string) (*Config, error) {
	t.Helper()
	return Parse("config.yaml", []byte(text), environmentOf(nil))
}

// validPush is the push mapping of a valid app.
const validPush = "upstream: http://127.0.0.1:3000\ntoken: abc123\naes_key: abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG\n"

func validAPISecurity() string {
	return "paths: [wxa/a]\nkey_sn: '1'\nkey: " + validSecret + "\ncert_sn: '2'\nprivate_key: " + strconv.Quote(testRSAKey()) +
		"\nplatform_certs: [{sn: '3', cert: \"-----BEGIN CERTIFICATE-----\\nMAA=\\n-----END CERTIFICATE-----\\n\"}]\n"
}

// testRSAKey generates a private key once for all tests.
var testRSAKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
})

// replaceLines replaces the lines of valid whose keys are in lines, and appends
// the latter.
func replaceLines(valid, lines string) string {
	var kept []string
	for line := range strings.SplitSeq(valid, "\n") {
		if key, _, _ := strings.Cut(line, ":"); key != "" && !strings.Contains("\n"+lines, "\n"+key+":") {
			kept = append(kept, line)
		}
	}
	return strings.Join(append(kept, lines), "\n")
}

// shippedEnvironment has the variables that the shipped config.yaml requires.
func shippedEnvironment() func(string) (string, bool) {
	return environmentOf(map[string]string{
		"WXGATE_SECRET": validSecret,
		"WECHAT_APPID":  "wx0123456789abcdef",
		"WECHAT_SECRET": "0123456789abcdef0123456789abcdef",
	})
}

const shippedConfig = "../../config.yaml"

func effective(t *testing.T, c *Config) string {
	t.Helper()
	var b strings.Builder
	if err := WriteEffective(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func writeFile(t *testing.T, file, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
