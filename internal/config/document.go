package config

import (
	"bytes"
	"errors"
	"fmt"
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

// nodeKind says what a node of the file is.
type nodeKind int

const (
	mappingNode nodeKind = iota
	listNode
	textNode
	integerNode
	floatNode
	boolNode
	nullNode
)

func (k nodeKind) String() string {
	return [...]string{"a mapping", "a list", "text", "a whole number", "a number", "true or false", "nothing"}[k]
}

// node is a value of the file with the line it stands on.
type node struct {
	kind    nodeKind
	line    int
	text    string  // scalars: as written, quotes and escapes resolved
	entries []entry // mappings, in the file's order, duplicates included
	items   []*node // lists
}

type entry struct {
	key   string
	line  int
	value *node
}

// parseDocument reads the one YAML document of a config file. Anchors, aliases,
// merge keys, tags and directives are refused: a config has no use for them, and
// they are how a small file becomes a large one. The error is a Problem without
// its File.
func parseDocument(data []byte) (*node, error) {
	text, err := plainText(data)
	if err != nil {
		return nil, err
	}
	tokens := lexer.Tokenize(text)
	if err := checkTokens(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxProblem(err, text)
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
	line := syntax.Token.Position.Line
	what := "is not valid YAML: " + firstLine(syntax.Message)
	if bytes.Contains(lineOf(text, line), []byte("${")) {
		what += ` (inside { } or [ ] write "${…}" in quotes)`
	}
	return Problem{Line: line, What: what}
}

func firstLine(s string) string {
	first, _, _ := bytes.Cut([]byte(s), []byte("\n"))
	return string(first)
}

func lineOf(text string, line int) []byte {
	lines := bytes.Split([]byte(text), []byte("\n"))
	if line < 1 || line > len(lines) {
		return nil
	}
	return lines[line-1]
}

func oneDocument(file *ast.File) (*node, error) {
	var found *node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if found != nil {
			return nil, Problem{Line: doc.Body.GetToken().Position.Line, What: "holds more than one document"}
		}
		root, err := build(doc.Body, 0)
		if err != nil {
			return nil, err
		}
		found = root
	}
	if found == nil {
		found = &node{kind: mappingNode, line: 1}
	}
	return found, nil
}

// build makes the node of a part of the library's tree.
func build(from ast.Node, depth int) (*node, error) {
	line := from.GetToken().Position.Line
	if depth > maxDepth {
		return nil, Problem{Line: line, What: fmt.Sprintf("is nested more than %d deep", maxDepth)}
	}
	switch n := from.(type) {
	case *ast.MappingNode:
		return buildMapping(n.Values, line, depth)
	case *ast.MappingValueNode:
		return buildMapping([]*ast.MappingValueNode{n}, line, depth)
	case *ast.SequenceNode:
		return buildList(n.Values, line, depth)
	}
	return buildScalar(from, line)
}

func buildMapping(values []*ast.MappingValueNode, line, depth int) (*node, error) {
	m := &node{kind: mappingNode, line: line}
	for i, v := range values {
		key, err := build(v.Key, depth+1)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			m.line = key.line
		}
		value, err := build(v.Value, depth+1)
		if err != nil {
			return nil, err
		}
		value.line = key.line
		m.entries = append(m.entries, entry{key.text, key.line, value})
	}
	return m, nil
}

func buildList(values []ast.Node, line, depth int) (*node, error) {
	l := &node{kind: listNode, line: line}
	for _, v := range values {
		item, err := build(v, depth+1)
		if err != nil {
			return nil, err
		}
		l.items = append(l.items, item)
	}
	return l, nil
}

func buildScalar(from ast.Node, line int) (*node, error) {
	written := from.GetToken().Value
	switch n := from.(type) {
	case *ast.StringNode:
		return &node{kind: textNode, line: line, text: n.Value}, nil
	case *ast.LiteralNode:
		return &node{kind: textNode, line: line, text: n.Value.Value}, nil
	case *ast.IntegerNode:
		return &node{kind: integerNode, line: line, text: written}, nil
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return &node{kind: floatNode, line: line, text: written}, nil
	case *ast.BoolNode:
		return &node{kind: boolNode, line: line, text: written}, nil
	case *ast.NullNode:
		return &node{kind: nullNode, line: line, text: written}, nil
	}
	return nil, Problem{Line: line, What: fmt.Sprintf("%s is not supported", from.Type().YAMLName())}
}
