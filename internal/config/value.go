package config

import "github.com/goccy/go-yaml/ast"

// value is a node of the file's tree, with the line for errors about it.
type value struct {
	node ast.Node
	line int
}

// valueOf returns the value of a node that is not the value of a key: a list's
// entry or the document.
func valueOf(n ast.Node) value {
	v := value{node: n, line: n.GetToken().Position.Line}
	if entries, ok := v.entries(); ok && len(entries) > 0 {
		v.line = entries[0].line
	}
	return v
}

// kind is the YAML type of a value, as errors name it.
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

func (v value) kind() kind {
	switch v.node.(type) {
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

func (v value) isScalar() bool {
	switch v.kind() {
	case mappingKind, listKind, nullKind:
		return false
	}
	return true
}

// text returns a scalar's text, with quotes and escapes resolved.
func (v value) text() string {
	switch n := v.node.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	}
	return v.node.GetToken().Value
}

// entry is a key of a mapping and its value, with the key's line.
type entry struct {
	key string
	value
}

// entries returns a mapping's keys and values in the file's order, including
// duplicates. ok is false if v is not a mapping.
func (v value) entries() (entries []entry, ok bool) {
	var pairs []*ast.MappingValueNode
	switch n := v.node.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		return nil, false
	}
	for _, pair := range pairs {
		key := value{node: pair.Key}
		line := pair.Key.GetToken().Position.Line
		entries = append(entries, entry{key.text(), value{pair.Value, line}})
	}
	return entries, true
}

// items returns a list's values. ok is false if v is not a list.
func (v value) items() (items []value, ok bool) {
	list, ok := v.node.(*ast.SequenceNode)
	if !ok {
		return nil, false
	}
	for _, item := range list.Values {
		items = append(items, valueOf(item))
	}
	return items, true
}
