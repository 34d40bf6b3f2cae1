package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxIncluded bounds a file named by ${file:…}.
const maxIncluded = 64 << 10

// expander replaces the ${…} of a config file's values:
//
//	${NAME}           the environment variable; not set is an error
//	${NAME:-default}  the default where NAME is not set or is empty
//	${file:PATH}      a file's content without the white space around it; PATH is
//	                  relative to the config file's folder; empty is an error
//	$${               a plain ${
//
// What comes in is not expanded again.
type expander struct {
	lookup func(name string) (string, bool)
	dir    string
}

// expansion is a value of the file as the rest of the program sees it.
type expansion struct {
	text    string
	changed bool     // something was put in from outside
	files   []string // the files it came from
}

// expand gives text with every ${…} replaced. For a secret an environment
// variable that is set to nothing is an error too, unless it has a default.
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
		out.changed = true
		text = after
	}
}

// resolve gives what stands for ${inside}.
func (e *expander) resolve(inside string, out *expansion) (string, error) {
	if path, ok := strings.CutPrefix(inside, "file:"); ok {
		return e.include(path, out)
	}
	name, fallback, hasFallback := strings.Cut(inside, ":-")
	if !isVariable(name) || strings.Contains(fallback, "${") {
		return "", errors.New("${…} must be ${NAME}, ${NAME:-default} or ${file:PATH}; a plain ${ is written $${")
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

func isVariable(name string) bool {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// include reads a file named in the config. Only regular files are read (a pipe
// would make the start hang).
func (e *expander) include(path string, out *expansion) (string, error) {
	if path == "" {
		return "", errors.New("${file:} names no file")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(e.dir, path)
	}
	content, err := readRegular(path, maxIncluded)
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

// readRegular reads a regular file of at most limit bytes.
func readRegular(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fileError(path, err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("the file %s is larger than %d bytes", path, limit)
	}
	return content, nil
}

// fileError says "the file x: no such file or directory" for the chain of words
// that package os makes of it.
func fileError(path string, err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	return fmt.Errorf("the file %s: %w", path, err)
}
