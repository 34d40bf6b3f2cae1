package secret_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"wxgate/secret"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	const plain = "hunter2"
	value := struct {
		Key secret.Text
		All []secret.Text
	}{plain, []secret.Text{plain}}
	asJSON, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{string(asJSON)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		printed = append(printed, fmt.Sprintf(verb, value.Key), fmt.Sprintf(verb, value), fmt.Sprintf(verb, &value))
	}
	hex := fmt.Sprintf("%x", plain)
	for _, got := range printed {
		if strings.Contains(got, plain) || strings.Contains(strings.ToLower(got), hex) {
			t.Errorf("the secret is in %q", got)
		}
	}
}

func TestSecretEqual(t *testing.T) {
	for _, c := range []struct {
		a    secret.Text
		b    string
		want bool
	}{{"a", "a", true}, {"a", "b", false}, {"a", "ab", false}, {"", "", true}} {
		if got := c.a.Equal(c.b); got != c.want {
			t.Errorf("%q equal %q: %v", c.a.Reveal(), c.b, got)
		}
	}
}
