package apierror

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"regexp"
	"strconv"
	"testing"
)

// codes returns the constants of type Code.
func codes(t *testing.T) []Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, Code(text))
		}
		return true
	})
	return list
}

// net/http panics at a response with status 0.
func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	list := codes(t)
	if len(list) != len(statuses) {
		t.Errorf("%d codes, %d statuses", len(list), len(statuses))
	}
	for _, c := range list {
		if status := c.Status(); status != 499 && http.StatusText(status) == "" {
			t.Errorf("%s has status %d", c, status)
		}
	}
}

func TestCodesAreSnakeCase(t *testing.T) {
	t.Parallel()
	for _, c := range codes(t) {
		if !regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(string(c)) {
			t.Errorf("%q", c)
		}
	}
}
