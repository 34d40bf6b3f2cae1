package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// maxIncludedFile bounds a file that ${file:…} names, in bytes.
const maxIncludedFile = 64 << 10

// expander replaces ${…} in the values of a config file:
//
//	${NAME}           the environment variable; not set is an error
//	${NAME:-default}  the default if NAME is not set or is empty
//	${file:PATH}      a file's content without surrounding white space; PATH is
//	                  relative to the config file's directory; empty is an error
//	$${               a literal ${
//
// Inserted text is not expanded again.
type expander struct {
	lookup func(name string) (string, bool)
	dir    string
}

// expansion is a value with every ${…} replaced.
type expansion struct {
	text     string
	external bool     // a variable or file was inserted
	files    []string // the files that were read
}

// expand returns text with every ${…} replaced.
func (e *expander) expand(text string) (expansion, error) {
	var out expansion
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			out.text = b.String()
			return out, nil
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(escaped + "${")
			text = rest
			continue
		}
		b.WriteString(before)
		inside, after, closed := strings.Cut(rest, "}")
		if !closed {
			return out, errors.New("${ has no closing }")
		}
		value, err := e.resolve(inside, &out)
		if err != nil {
			return out, err
		}
		b.WriteString(value)
		out.external = true
		text = after
	}
}

// resolve returns the text that replaces ${inside}.
func (e *expander) resolve(inside string, out *expansion) (string, error) {
	if path, ok := strings.CutPrefix(inside, "file:"); ok {
		return e.include(path, out)
	}
	name, fallback, hasFallback := strings.Cut(inside, ":-")
	if !isVariableName(name) || strings.Contains(fallback, "${") {
		return "", errors.New("${…} must be ${NAME}, ${NAME:-default} or ${file:PATH}; a literal ${ is written $${")
	}
	value, set := e.lookup(name)
	switch {
	case value != "":
		return value, nil
	case hasFallback:
		return fallback, nil
	case !set:
		return "", fmt.Errorf("the environment variable %s is not set", name)
	}
	return "", nil
}

func isVariableName(name string) bool {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// include returns the content of the file that ${file:PATH} names.
func (e *expander) include(path string, out *expansion) (string, error) {
	if path == "" {
		return "", errors.New("${file:} names no file")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(e.dir, path)
	}
	content, err := readRegularFile(path, maxIncludedFile)
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(content))
	if text == "" {
		return "", fmt.Errorf("the file %s is empty", path)
	}
	out.files = append(out.files, path)
	return text, nil
}
