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

// Limits of a config file. The YAML library's time grows with the square of some
// of these (blank lines in a block scalar, keys of a mapping) and its recursion
// with the last, so they are checked before it parses the file.
const (
	maxFileSize = 1 << 20
	maxLines    = 20_000
	maxTokens   = 100_000
	maxDepth    = 16
)

// parseDocument parses the YAML document of a config file. Anchors, aliases, merge
// keys, tags and directives are refused: a config does not need them, and aliases
// can expand a small file to a huge one. The error is a Problem without its File.
func parseDocument(data []byte) (node, error) {
	text, err := normalizeText(data)
	if err != nil {
		return node{}, err
	}
	tokens := lexer.Tokenize(text)
	if err := checkTokens(tokens); err != nil {
		return node{}, err
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return node{}, syntaxProblem(err, text)
	}
	return singleDocument(file)
}

// normalizeText checks size and characters, and returns the text with \n as line
// end and without a byte order mark.
func normalizeText(data []byte) (string, error) {
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

// checkTokens refuses tokens that the parser must not process.
func checkTokens(tokens token.Tokens) error {
	if len(tokens) > maxTokens {
		return Problem{What: "has too many values"}
	}
	var depth nesting
	for _, t := range tokens {
		if what := unsupported(t.Type); what != "" {
			return Problem{Line: t.Position.Line, What: what}
		}
		if depth.add(t) > maxDepth {
			return Problem{Line: t.Position.Line, What: fmt.Sprintf("is nested more than %d deep", maxDepth)}
		}
	}
	return nil
}

func unsupported(t token.Type) string {
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

// syntaxProblem converts the library's error, which quotes the file and thereby
// possibly a secret, to one that names the line only.
func syntaxProblem(err error, text string) error {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) || syntax.Token == nil {
		return Problem{What: "is not valid YAML"}
	}
	lines := strings.Split(text, "\n")
	line := syntax.Token.Position.Line
	if hintLine, hint := syntaxHint(lines, line); hint != "" {
		return Problem{Line: hintLine, What: "is not valid YAML: " + hint}
	}
	message, _, _ := strings.Cut(syntax.Message, "\n")
	what := "is not valid YAML: " + message
	if line >= 1 && line <= len(lines) && strings.Contains(lines[line-1], "${") {
		what += ` (inside { } or [ ] write "${…}" in quotes)`
	}
	return Problem{Line: line, What: what}
}

// singleDocument returns the file's document, or an empty mapping if it has none.
// More than one is an error.
func singleDocument(file *ast.File) (node, error) {
	document := node{ast: &ast.MappingNode{}, line: 1}
	for i, doc := range slices.DeleteFunc(file.Docs, func(doc *ast.DocumentNode) bool { return doc.Body == nil }) {
		document = nodeOf(doc.Body)
		if i > 0 {
			return node{}, Problem{Line: document.line, What: "holds more than one document"}
		}
	}
	return document, nil
}
