package config

import "github.com/goccy/go-yaml/ast"

// value is a part of the file, with the line that an error about it names.
type value struct {
	node ast.Node
	line int
}

// valueOf gives a part of the file that follows no key.
func valueOf(n ast.Node) value {
	v := value{node: n, line: n.GetToken().Position.Line}
	if entries, ok := v.entries(); ok && len(entries) > 0 {
		v.line = entries[0].line
	}
	return v
}

// kind says what a part of the file is.
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

// text gives a scalar as it is written, quotes and escapes resolved.
func (v value) text() string {
	switch n := v.node.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	}
	return v.node.GetToken().Value
}

// entry is a key of a mapping with its value, whose errors name the key's line.
type entry struct {
	key string
	value
}

// entries gives a mapping's keys in the file's order, duplicates included.
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

// items gives a list's values.
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
