package config

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// typeHint says what to write in place of a scalar of the wrong type. It shows no
// secrets.
func typeHint(n node, v reflect.Value) string {
	text := n.text()
	switch {
	case isSecret(v.Type()):
		return ": put it in quotes"
	case v.Kind() == reflect.String:
		return ": put " + text + " in quotes"
	case v.Kind() == reflect.Bool && intendedBool(text) != "":
		return " (" + Quote(text) + "): write " + intendedBool(text) + ", without quotes"
	case v.Kind() == reflect.Int && isInteger(text):
		return " (" + Quote(text) + "): write " + text + ", without quotes"
	}
	return " (" + Quote(text) + ")"
}

// intendedBool returns "true" or "false" for the spellings of YAML 1.1 and other
// formats; "" for anything else.
func intendedBool(text string) string {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return "true"
	case "false", "no", "off", "0":
		return "false"
	}
	return ""
}

func isInteger(text string) bool {
	_, err := strconv.Atoi(text)
	return err == nil
}

// nestedKeysHint is the hint for a mapping without a value: its keys may lack
// their indentation.
func nestedKeysHint(v reflect.Value) string {
	if v.Kind() == reflect.Struct && !isScalar(v.Type()) {
		return ", indenting its keys below it,"
	}
	return ""
}

// mappingHint looks for a syntax mistake in a text that should be a mapping.
func (d *decoder) mappingHint(n node) string {
	if n.kind() != textKind {
		return ""
	}
	if _, hint := syntaxHint(d.text, n.line); hint != "" {
		return " (" + hint + ")"
	}
	return ""
}

// listHint says how to write the value that is not a list as one.
func listHint(n node, element reflect.Type) string {
	switch {
	case n.kind() == mappingKind:
		return `write "- " in front of its first key`
	case isSecret(element) || element.Kind() == reflect.Struct && !isScalar(element) && !n.isScalar():
		return "write [ ] around it"
	}
	var items []string
	for item := range strings.SplitSeq(n.text(), ",") {
		items = append(items, quoteInFlow(strings.TrimSpace(item)))
	}
	return "write [" + strings.Join(items, ", ") + "]"
}

var plainInFlow = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9._/-]*$|^[0-9][0-9./]*$`)

// quoteInFlow quotes an entry of [ ] that YAML could parse differently without
// quotes.
func quoteInFlow(text string) string {
	if plainInFlow.MatchString(text) {
		return text
	}
	return Quote(text)
}
