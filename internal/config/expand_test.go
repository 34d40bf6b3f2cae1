package config

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestValuesComeFromTheEnvironmentAndFromFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "word"), "  from file\r\n\n", 0o600)
	e := expander{dir: dir, lookup: environmentOf(map[string]string{"A": "one", "EMPTY": "", "LOOP": "${A}", "_x9": "under"})}
	for text, want := range map[string]string{
		"plain":                    "plain",
		"":                         "",
		"a $ and a } and $A":       "a $ and a } and $A",
		"${A}":                     "one",
		"<${A}${A}>":               "<oneone>",
		"${_x9}":                   "under",
		"${A:-other}":              "one",
		"${NONE:-other}":           "other",
		"${NONE:-:8080}":           ":8080",
		"${NONE:-}":                "",
		"${EMPTY:-other}":          "other",
		"${EMPTY}":                 "",
		"${LOOP}":                  "${A}",
		"$${A}":                    "${A}",
		"$$${A}":                   "$${A}",
		"${file:word}":             "from file",
		"${file:" + dir + "/word}": "from file",
	} {
		got, err := e.expand(text)
		if err != nil || got.text != want {
			t.Errorf("%q: want %q, got %q, %v", text, want, got.text, err)
		}
	}
}

func TestInvalidExpansionsAreErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "empty"), " \n", 0o600)
	writeFile(t, filepath.Join(dir, "large"), strings.Repeat("x", maxIncludedFile+1), 0o600)
	e := expander{dir: dir, lookup: environmentOf(map[string]string{"EMPTY": ""})}
	for text, want := range map[string]string{
		"${NONE}":           "environment variable NONE is not set",
		"${NONE":            "no closing }",
		"${}":               "${…} must be",
		"${9A}":             "${…} must be",
		"${A-B}":            "${…} must be",
		"${A:-${B}}":        "${…} must be",
		"${env:A}":          "${…} must be",
		"${file:}":          "names no file",
		"${file:none}":      "none: no such file",
		"${file:empty}":     "is empty",
		"${file:.}":         "not a regular file",
		"${file:large}":     "larger than 65536 bytes",
		"${file:/dev/zero}": "not a regular file",
	} {
		if got, err := e.expand(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: want %q, got %q, %v", text, want, got.text, err)
		}
	}
}

func TestNumbersDurationsAndBooleansMayComeFromTheEnvironment(t *testing.T) {
	t.Parallel()
	text := withRequiredKeys("redis: {db: '${DB:-3}', tls: \"${TLS:-false}\", addrs: ['${REDIS}']}\n" +
		"session: {idle_timeout: '${IDLE:-1h}'}\n" +
		"limits: {max_body: '${BODY}', login_per_ip: ${RATE:-5/s}}\n" +
		"log:\n  level: ${LEVEL:-info}\n")
	text = strings.Replace(text, "${RATE:-5/s}", "'${RATE:-5/s}'", 1)
	c, err := Parse("config.yaml", []byte(text), environmentOf(map[string]string{
		"REDIS": "r:1", "TLS": "true", "BODY": "0", "LEVEL": "debug",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Redis.DB != 3 || !c.Redis.TLS || c.Redis.Addrs[0] != "r:1" || c.Session.IdleTimeout.Std() != time.Hour ||
		c.Limits.MaxBody != 0 || c.Limits.LoginPerIP != (Rate{5, time.Second}) || c.Log.Level != "debug" {
		t.Errorf("got %+v", c)
	}
	_, err = Parse("config.yaml", []byte(text), environmentOf(map[string]string{
		"REDIS": "r:1", "TLS": "yes", "BODY": "lots", "DB": "three", "LEVEL": "loud", "IDLE": "1d",
	}))
	for _, want := range []string{
		`1: redis.db: "three" is not a whole number`,
		`1: redis.tls: "yes" is not true or false`,
		`2: session.idle_timeout: "1d" is not a duration`,
		`3: limits.max_body: "lots" is not a size`,
		`5: log.level: "loud" is not one of`,
	} {
		if err == nil || !strings.Contains(err.Error(), "config.yaml:"+want) {
			t.Errorf("want %s, got\n%v", want, err)
		}
	}
}

// Inserted text is a value, never YAML.
func TestTheEnvironmentCannotAddKeys(t *testing.T) {
	t.Parallel()
	_, err := Parse("config.yaml", []byte(withRequiredKeys("log: {level: '${L}'}")),
		environmentOf(map[string]string{"L": "info, format: console}\nlisten: :1"}))
	if err == nil || !strings.Contains(err.Error(), `log.level: "info, format: console}\nlisten: :1" is not one of`) {
		t.Errorf("got %v", err)
	}
}

func TestNoErrorContainsASecretFromTheEnvironment(t *testing.T) {
	t.Parallel()
	_, err := Parse("config.yaml", []byte(withRequiredKeys("secrets: ['${S}', hunter2hunter2]\n"+
		"apps: [{appid: wx1, secret: '${S} ${S}'}]\n"+
		"admin: {tokens: [{name: a, token: '${S}', scopes: [admin]}]}\n"+
		"hooks: {login: {url: 'https://${S}@x'}}\n"+
		inRoute("upstreams: ['http://u:${S}@x', 'http://%zz${S}']\nrequest_headers: {set: {X-A: \"${S}\\n\"}}"))),
		environmentOf(map[string]string{"S": "hunter2"}))
	if err == nil || strings.Count(err.Error(), "\n") < 6 || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}
