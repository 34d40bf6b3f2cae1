package playground

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every description of a field in session.Inspect has a Chinese translation.
func TestEachMeaningHasAChineseText(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../../session/inspect.go")
	if err != nil {
		t.Fatal(err)
	}
	texts, err := static.ReadFile("static/i18n.mjs")
	if err != nil {
		t.Fatal(err)
	}
	_, chinese, _ := strings.Cut(string(texts), "zh: {")
	named := regexp.MustCompile(`"\w": +\{"([^"]+)"|"([^"]+)", (?:text\}|sealedShown|secondsShown)|accessToken\(appid\), "([^"]+)"`)
	found := named.FindAllStringSubmatch(string(source), -1)
	if len(found) < 17 {
		t.Fatalf("%d meanings found", len(found))
	}
	for _, m := range found {
		meaning := strings.Join(m[1:], "")
		if !strings.Contains(chinese, "'"+meaning+"':") && !strings.Contains(chinese, `"`+meaning+`":`) && !strings.Contains(chinese, meaning+": ") {
			t.Errorf("%q has no Chinese text", meaning)
		}
	}
}
