package config

import "github.com/goccy/go-yaml/ast"

// node is a YAML node of the file, with the line that errors about it name.
type node struct {
	ast  ast.Node
	line int
}

// nodeOf returns the node for the document or for an entry of a list. (The line of
// a key's value is the key's, see entries.)
func nodeOf(a ast.Node) node {
	n := node{ast: a, line: a.GetToken().Position.Line}
	if entries, ok := n.entries(); ok && len(entries) > 0 {
		n.line = entries[0].line
	}
	return n
}

// kind is the YAML type of a node, as errors name it.
type kind string

const (
	mappingKind kind = "a mapping"
	listKind    kind = "a list"
	textKind    kind = "text"
	integerKind kind = "a whole number"
	floatKind   kind = "a number"
	boolKind    kind = "true or false"
	nullKind    kind = "nothing"
)

func (n node) kind() kind {
	switch n.ast.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return mappingKind
	case *ast.SequenceNode:
		return listKind
	case *ast.IntegerNode:
		return integerKind
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return floatKind
	case *ast.BoolNode:
		return boolKind
	case *ast.NullNode:
		return nullKind
	}
	return textKind
}

func (n node) isScalar() bool {
	switch n.kind() {
	case mappingKind, listKind, nullKind:
		return false
	}
	return true
}

// text returns a scalar's text, with quotes and escapes resolved.
func (n node) text() string {
	switch scalar := n.ast.(type) {
	case *ast.StringNode:
		return scalar.Value
	case *ast.LiteralNode:
		return scalar.Value.Value
	}
	return n.ast.GetToken().Value
}

// entry is a key of a mapping and its value, with the key's line.
type entry struct {
	key string
	node
}

// entries returns a mapping's keys and values in the file's order, including
// duplicates. ok is false if n is not a mapping.
func (n node) entries() (entries []entry, ok bool) {
	var pairs []*ast.MappingValueNode
	switch mapping := n.ast.(type) {
	case *ast.MappingNode:
		pairs = mapping.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{mapping}
	default:
		return nil, false
	}
	for _, pair := range pairs {
		key := node{ast: pair.Key}
		line := pair.Key.GetToken().Position.Line
		entries = append(entries, entry{key.text(), node{pair.Value, line}})
	}
	return entries, true
}

// items returns the entries of a list. ok is false if n is not a list.
func (n node) items() (items []node, ok bool) {
	list, ok := n.ast.(*ast.SequenceNode)
	if !ok {
		return nil, false
	}
	for _, item := range list.Values {
		items = append(items, nodeOf(item))
	}
	return items, true
}
