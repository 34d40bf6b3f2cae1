package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a config file may be at most. The YAML library takes time by the square
// of some of these (blank lines in a block of text, keys of a mapping) and
// recurses by the last, so they are checked before it reads the file.
const (
	maxFileSize = 1 << 20
	maxLines    = 20_000
	maxTokens   = 100_000
	maxDepth    = 16
)

// parseDocument reads the one YAML document of a config file. Anchors, aliases,
// merge keys, tags and directives are refused: a config has no use for them, and
// they are how a small file becomes a large one. The error is a Problem without
// its File.
func parseDocument(data []byte) (value, error) {
	text, err := plainText(data)
	if err != nil {
		return value{}, err
	}
	tokens := lexer.Tokenize(text)
	if err := checkTokens(tokens); err != nil {
		return value{}, err
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return value{}, syntaxProblem(err, text)
	}
	return oneDocument(file)
}

// plainText checks size and characters and gives the text with \n line ends.
func plainText(data []byte) (string, error) {
	if len(data) > maxFileSize {
		return "", Problem{What: "is larger than 1 MiB"}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	if bytes.Count(data, []byte("\n")) > maxLines {
		return "", Problem{What: fmt.Sprintf("has more than %d lines", maxLines)}
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if (r == utf8.RuneError && size == 1) || isControl(r) {
			return "", Problem{Line: 1 + bytes.Count(data[:i], []byte("\n")), What: fmt.Sprintf("byte %#02x is not text in UTF-8", data[i])}
		}
		i += size
	}
	return string(data), nil
}

func isControl(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0xfeff
}

// checkTokens refuses what the parser must not see.
func checkTokens(tokens token.Tokens) error {
	if len(tokens) > maxTokens {
		return Problem{What: "has too many values"}
	}
	var depth nesting
	for _, t := range tokens {
		if what := refused(t.Type); what != "" {
			return Problem{Line: t.Position.Line, What: what}
		}
		if depth.add(t) > maxDepth {
			return Problem{Line: t.Position.Line, What: fmt.Sprintf("is nested more than %d deep", maxDepth)}
		}
	}
	return nil
}

func refused(t token.Type) string {
	switch t {
	case token.AnchorType, token.AliasType:
		return "anchors (&) and aliases (*) are not supported: write the value out, in quotes if it begins with & or *"
	case token.MergeKeyType:
		return "merge keys (<<) are not supported: write the values out"
	case token.TagType:
		return "tags (!) are not supported: put a value that begins with ! in quotes"
	case token.DirectiveType:
		return "directives (%) are not supported: put a value that begins with % in quotes"
	case token.MappingKeyType:
		return "keys that begin with ? are not supported"
	}
	return ""
}

// nesting bounds the parser's recursion: brackets, and the - and : of one line
// or between two commas, of which each may open one level more.
type nesting struct {
	brackets, inline, line int
}

func (n *nesting) add(t *token.Token) int {
	if t.Position.Line != n.line {
		n.line, n.inline = t.Position.Line, 0
	}
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		n.brackets, n.inline = n.brackets+1, 0
	case token.SequenceEndType, token.MappingEndType:
		n.brackets, n.inline = n.brackets-1, 0
	case token.CollectEntryType:
		n.inline = 0
	case token.SequenceEntryType, token.MappingValueType:
		n.inline++
	}
	return n.brackets + n.inline
}

// syntaxProblem turns the library's error, which quotes the file (and so maybe a
// secret), into one that names the line only.
func syntaxProblem(err error, text string) error {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) || syntax.Token == nil {
		return Problem{What: "is not valid YAML"}
	}
	lines := strings.Split(text, "\n")
	line := syntax.Token.Position.Line
	what := "is not valid YAML: " + firstLine(syntax.Message)
	if at, hint := syntaxHint(lines, line); hint != "" {
		return Problem{Line: at, What: "is not valid YAML: " + hint}
	}
	if line >= 1 && line <= len(lines) && strings.Contains(lines[line-1], "${") {
		what += ` (inside { } or [ ] write "${…}" in quotes)`
	}
	return Problem{Line: line, What: what}
}

func firstLine(s string) string {
	first, _, _ := bytes.Cut([]byte(s), []byte("\n"))
	return string(first)
}

// oneDocument gives the file's document, or an empty mapping where it has none.
func oneDocument(file *ast.File) (value, error) {
	found := value{node: &ast.MappingNode{}, line: 1}
	for i, doc := range slices.DeleteFunc(file.Docs, func(doc *ast.DocumentNode) bool { return doc.Body == nil }) {
		found = valueOf(doc.Body)
		if i > 0 {
			return value{}, Problem{Line: found.line, What: "holds more than one document"}
		}
	}
	return found, nil
}
