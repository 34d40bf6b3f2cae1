package config

import "github.com/goccy/go-yaml/token"

// nesting estimates the parser's recursion depth: the open brackets, plus the -
// and : of one line or between two commas, each of which may open one more level.
type nesting struct {
	brackets, inline, line int
}

// add processes the next token and returns the depth.
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
