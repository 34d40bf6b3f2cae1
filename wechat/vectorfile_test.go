package wechat

import (
	"encoding/json"
	"os"
	"testing"
)

// readVectorFile decodes a JSON file of test vectors.
func readVectorFile[T any](t testing.TB, name string) (v T) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
