package config

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// typeHint says what to write where a scalar has the wrong type. It shows no
// secret.
func typeHint(n value, v reflect.Value) string {
	text := n.text()
	switch {
	case isSecret(v.Type()):
		return ": put it in quotes"
	case v.Kind() == reflect.String:
		return ": put " + text + " in quotes"
	case v.Kind() == reflect.Bool && truth(text) != "":
		return " (" + Quote(text) + "): write " + truth(text) + ", without quotes"
	case v.Kind() == reflect.Int && isInteger(text):
		return " (" + Quote(text) + "): write " + text + ", without quotes"
	}
	return " (" + Quote(text) + ")"
}

// truth gives what is meant by the words that YAML 1.1 and people have for true
// and false.
func truth(text string) string {
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

// belowHint is for a mapping whose keys stand beside it instead of below it.
func belowHint(v reflect.Value) string {
	if v.Kind() == reflect.Struct && !isScalar(v.Type()) {
		return ", indenting its keys below it,"
	}
	return ""
}

// mappingHint looks at the lines of a text that should be a mapping.
func (d *decoder) mappingHint(n value) string {
	if n.kind() != textKind {
		return ""
	}
	if _, hint := syntaxHint(d.text, n.line); hint != "" {
		return " (" + hint + ")"
	}
	return ""
}

// listHint says what to write where a list is wanted.
func listHint(n value, element reflect.Type) string {
	switch {
	case n.kind() == mappingKind:
		return `write "- " in front of its first key`
	case isSecret(element) || element.Kind() == reflect.Struct && !isScalar(element) && !n.isScalar():
		return "write [ ] around it"
	}
	var items []string
	for item := range strings.SplitSeq(n.text(), ",") {
		items = append(items, inFlow(strings.TrimSpace(item)))
	}
	return "write [" + strings.Join(items, ", ") + "]"
}

var plainInFlow = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9._/-]*$|^[0-9][0-9./]*$`)

// inFlow puts what YAML could read as something else in quotes.
func inFlow(text string) string {
	if plainInFlow.MatchString(text) {
		return text
	}
	return Quote(text)
}
