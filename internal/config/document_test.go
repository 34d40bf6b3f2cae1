package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestUnsupportedYAMLIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		line int
		what string
	}{
		"not YAML":         {"a: b\nc: [1, 2", 2, "is not valid YAML"},
		"wrong indent":     {"log:\n  level: info\n format: json\n", 3, "is not valid YAML"},
		"bare ${ in flow":  {"log: {level: ${X}}", 1, `write "${…}" in quotes`},
		"tab":              {"log:\n\tlevel: info", 2, "is not valid YAML"},
		"anchor":           {"a: &x 1\nb: *x", 1, "anchors (&) and aliases (*)"},
		"bare *":           {"a: 1\nhost: *.example.com", 2, "in quotes"},
		"merge key":        {"a: {b: 1}\nc:\n  <<: {d: 1}", 3, "merge keys"},
		"tag":              {"a: !!str 1", 1, "tags (!)"},
		"directive":        {"%YAML 1.2\n---\na: b", 1, "directives (%)"},
		"complex key":      {"? a\n: b", 1, "keys that begin with ?"},
		"two documents":    {"a: b\n---\nc: d", 3, "more than one document"},
		"deep brackets":    {"a: " + strings.Repeat("[", 50_000), 1, "nested more than 16 deep"},
		"deep list":        {strings.Repeat("- ", 50_000) + "a", 1, "nested more than 16 deep"},
		"deep by indent":   {deepByIndent(40), 1, "unknown key"},
		"NUL":              {"a: b\nc: \x00", 2, "not text in UTF-8"},
		"not UTF-8":        {"a: b\nc: \xff", 2, "not text in UTF-8"},
		"escape character": {"a: \x1b[31m", 1, "not text in UTF-8"},
		"too large":        {strings.Repeat("# 7890\n", 150_000), 0, "is larger than 1 MiB"},
		"too many lines":   {"a: |\n" + strings.Repeat("\n", 20_001), 0, "more than 20000 lines"},
		"too many values":  {"a: [" + strings.Repeat("a,", 60_000) + "]", 0, "has too many values"},
		"a list":           {"- a", 1, "must be a mapping, not a list"},
		"a word":           {"hello", 1, "must be a mapping, not text"},
	} {
		_, err := parse(t, c.text)
		var bad Error
		if !errors.As(err, &bad) {
			t.Errorf("%s: want an Error, got %v", name, err)
			continue
		}
		if got := bad[0]; got.Line != c.line || !strings.Contains(got.What, c.what) || strings.Contains(got.Error(), "\n") {
			t.Errorf("%s: want line %d: …%s…, got %v", name, c.line, c.what, got)
		}
	}
}

func deepByIndent(levels int) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestAnEmptyFileLacksTheRequiredKeys(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n\n", "# only a comment\n", "---\n", "\ufeff"} {
		_, err := parse(t, text)
		if err == nil || strings.Count(err.Error(), "is required") != 3 {
			t.Errorf("%q: want three missing keys, got %v", text, err)
		}
	}
}

// Block scalars, folded strings, comments and CRLF before a mistake don't shift its
// line.
func TestErrorsNameTheRightLine(t *testing.T) {
	t.Parallel()
	text := `
# a comment

listen: ":8080"  # another
wechat:
  # one more
  api_base: "https://
    x.com"
wrong1: a
redis:
  password: |
    two
    lines

  username: >-
    folded
    text
wrong2: a
token: {issuer: "a\
  b",
  wrong3: a}
log:
  level: plain
    text goes on

  # comment
  wrong4: a
routes:
  -
    wrong5: a
  - path: /x # why
    upstreams: [
      'http://x', # here

      'http://y']
    wrong6: a
`
	for _, text := range []string{text, strings.ReplaceAll(text, "\n", "\r\n"), "\ufeff" + text, "---" + text} {
		_, err := parse(t, text)
		for i, line := range strings.Split(text, "\n") {
			if key := strings.TrimSpace(line); strings.HasPrefix(key, "wrong") {
				key, _, _ = strings.Cut(key, ":")
				if want := fmt.Sprintf(":%d: %s: unknown key", i+1, key); err == nil ||
					!strings.Contains(strings.NewReplacer("token.", "", "log.", "", "routes[0].", "", "routes[1].", "").Replace(err.Error()), want) {
					t.Errorf("want %q in\n%v", want, err)
				}
			}
		}
	}
}

// The library's errors quote the lines around a syntax error, which may contain a
// secret.
func TestASyntaxErrorDoesNotQuoteTheFile(t *testing.T) {
	t.Parallel()
	_, err := parse(t, "redis: {password: hunter2\napps: [")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

// FuzzConfig checks that no text causes a panic, an endless loop, or an error
// without the file's name.
func FuzzConfig(f *testing.F) {
	if text, err := os.ReadFile(shippedConfig); err == nil {
		f.Add(string(text))
	}
	for _, c := range invalidValues("/nonexistent") {
		f.Add(withRequiredKeys(c.part))
	}
	f.Add("a: |\n" + strings.Repeat("\n", 300))
	f.Add("secrets: [${A:-${B}}, $${, ${file:x}]")
	f.Add("- - - ? : {[,]}: &a *a !b %c | > - @ `")
	f.Fuzz(func(t *testing.T, text string) {
		start := time.Now()
		c, err := Parse("config.yaml", []byte(text), environmentOf(map[string]string{"A": "5s", "B": "\n{"}))
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		if (c == nil) == (err == nil) {
			t.Errorf("a config and an error: %v", err)
		}
		var bad Error
		if err == nil {
			if err := WriteEffective(&strings.Builder{}, c); err != nil {
				t.Error(err)
			}
		} else if !errors.As(err, &bad) || len(bad) == 0 {
			t.Errorf("not an Error: %v", err)
		}
		for _, p := range bad {
			if p.File != "config.yaml" || p.What == "" || strings.ContainsAny(p.Error(), "\r\n") {
				t.Errorf("not one line that names the file: %q", p.Error())
			}
		}
	})
}
