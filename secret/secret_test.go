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
	held := struct {
		Key secret.Text
		All []secret.Text
	}{plain, []secret.Text{plain}}
	asJSON, err := json.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{string(asJSON)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		printed = append(printed, fmt.Sprintf(verb, held.Key), fmt.Sprintf(verb, held), fmt.Sprintf(verb, &held))
	}
	hex := fmt.Sprintf("%x", plain)
	for _, got := range printed {
		if strings.Contains(got, plain) || strings.Contains(strings.ToLower(got), hex) {
			t.Errorf("the secret shows in %q", got)
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
